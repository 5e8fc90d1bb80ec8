// Makes the pages quicker; every one of them works without.
"use strict";

(() => {
  const EVERY_MS = 5000;
  const LONGEST_MS = 60000;

  let freshness = null;

  keepFresh();
  countTicks();
  fetchDownloads();
  closeSheets();
  arrive();

  // Blocks that ask for themselves anew every five seconds, only while somebody looks at them: not in a hidden tab,
  // not while a row is ticked or a field is written in, and ever more rarely while the server does not answer.
  function keepFresh() {
    freshness?.abort();
    freshness = new AbortController();
    const { signal } = freshness;
    const blocks = () => document.querySelectorAll("[data-live]");
    if (!blocks().length || !window.htmx) return;
    let paused = sessionStorage.getItem("live") === "off";
    let wait = EVERY_MS;
    let timer = 0;
    let failed = false;

    const state = document.getElementById("live-state");
    const word = document.createElement("span");
    const button = document.createElement("button");
    button.type = "button";
    state.append(word, button);
    state.hidden = false;
    button.addEventListener("click", () => {
      paused = !paused;
      sessionStorage.setItem("live", paused ? "off" : "on");
      say();
      if (!paused) refresh();
    });
    document.addEventListener("visibilitychange", () => { if (!document.hidden) refresh(); }, { signal });
    signal.addEventListener("abort", () => clearTimeout(timer));
    document.addEventListener("htmx:after:request", (event) => {
      if (!event.detail?.ctx?.sourceElement?.matches?.("[data-live]")) return;
      const status = event.detail?.ctx?.response?.status ?? 0;
      failed = status >= 400;
      wait = failed ? Math.min(wait * 2, LONGEST_MS) : EVERY_MS;
      say();
      next();
    }, { signal });
    document.addEventListener("htmx:error", () => {
      failed = true;
      wait = Math.min(wait * 2, LONGEST_MS);
      say();
      next();
    }, { signal });
    say();
    next();

    function next() {
      clearTimeout(timer);
      timer = setTimeout(refresh, wait);
    }

    function refresh() {
      clearTimeout(timer);
      if (paused || document.hidden || busy()) return next();
      blocks().forEach((block) => window.htmx.trigger(block, "refresh"));
      timer = setTimeout(refresh, LONGEST_MS); // should an answer never come
    }

    function busy() {
      const focus = document.activeElement;
      return [...blocks()].some((block) =>
        block.querySelector("input[type=checkbox]:checked, details.drop-inline[open]") || (block.contains(focus) && focus.matches("input, select, s-text-field")));
    }

    function say() {
      word.textContent = paused ? "Updates are paused." : failed ? "Not updated: the server does not answer." : "Updates by itself.";
      button.textContent = paused ? "Go on" : "Pause";
      button.setAttribute("aria-label", paused ? "Go on updating this page" : "Pause the updates of this page");
    }
  }

  // How many orders are ticked, and one tick for all of them.
  function countTicks() {
    const form = document.querySelector("[data-bulk]");
    const count = form?.querySelector("[data-bulk-count]");
    if (!count || form.querySelector("[data-tick-all]")) return;
    const boxes = () => [...form.querySelectorAll("input[name=order]")];
    const all = document.createElement("button");
    all.type = "button";
    all.className = "btn btn-sm";
    all.setAttribute("data-tick-all", "");
    count.after(" ", all);
    const say = () => {
      const ticked = boxes().filter((box) => box.checked).length;
      count.textContent = ticked ? `(${ticked})` : "";
      all.textContent = ticked && ticked === boxes().length ? "Tick none" : "Tick all here";
    };
    all.addEventListener("click", () => {
      const on = boxes().some((box) => !box.checked);
      boxes().forEach((box) => { box.checked = on; });
      say();
    });
    form.addEventListener("change", say);
    say();
  }

  // A sheet that the browser opened goes when somebody presses Escape or looks elsewhere.
  function closeSheets() {
    const open = () => document.querySelectorAll("details.more[open], details.drop[open]");
    document.addEventListener("click", (event) => open().forEach((sheet) => { if (!sheet.contains(event.target)) sheet.open = false; }));
    document.addEventListener("keydown", (event) => {
      if (event.key !== "Escape") return;
      open().forEach((sheet) => {
        if (sheet.contains(document.activeElement)) sheet.querySelector("summary").focus();
        sheet.open = false;
      });
    });
  }

  // Inside the store's admin a download that the browser makes by itself carries no token: it is fetched, and kept.
  // Elsewhere links and buttons do what they do.
  function fetchDownloads() {
    if (!document.body.hasAttribute("data-embedded")) return;
    document.addEventListener("click", (event) => {
      const link = event.target.closest("a[data-download]");
      if (!link) return;
      event.preventDefault();
      download(fetch(link.href), link.dataset.download);
    });
    document.addEventListener("submit", (event) => {
      const button = event.submitter;
      if (!button?.hasAttribute("data-download")) return;
      event.preventDefault();
      event.stopImmediatePropagation();
      // By attribute: a button that is named "action" would stand in the form's own property of that name.
      const address = button.getAttribute("formaction") || event.target.getAttribute("action");
      const told = new URLSearchParams(new FormData(event.target, button));
      download(fetch(address, { method: "POST", body: told }), button.dataset.download);
    }, true);
  }

  async function download(asked, name) {
    const answer = await asked;
    const type = answer.headers.get("Content-Type") || "";
    if (!answer.ok || type.startsWith("text/html")) {
      location.assign(answer.url); // it says why there is no file
      return;
    }
    const link = document.createElement("a");
    link.href = URL.createObjectURL(await answer.blob());
    link.download = /filename="([^"]+)"/.exec(answer.headers.get("Content-Disposition") || "")?.[1] || name;
    link.click();
    URL.revokeObjectURL(link.href);
  }

  // Inside the admin a page comes in place of the one before: who reads it starts at its top, and hears that it is new.
  function arrive() {
    document.addEventListener("htmx:after:swap", (event) => {
      if (event.detail?.ctx?.target !== document.body) return;
      countTicks();
      keepFresh();
      const main = document.getElementById("main");
      if (!location.hash) { main?.focus({ preventScroll: true }); window.scrollTo(0, 0); }
    });
  }
})();
