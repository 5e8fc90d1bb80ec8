// Makes the pages quicker; every one of them works without.
"use strict";

(() => {
  const EVERY_MS = 5000;
  const LONGEST_MS = 60000;

  keepFresh();
  countTicks();

  // Blocks that ask for themselves anew every five seconds, only while somebody looks at them: not in a hidden tab,
  // not while a row is ticked or a field is written in, and ever more rarely while the server does not answer.
  function keepFresh() {
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
    document.addEventListener("visibilitychange", () => { if (!document.hidden) refresh(); });
    document.addEventListener("htmx:after:request", (event) => {
      const status = event.detail?.ctx?.response?.status ?? 0;
      failed = status >= 400;
      wait = failed ? Math.min(wait * 2, LONGEST_MS) : EVERY_MS;
      say();
      next();
    });
    document.addEventListener("htmx:error", () => {
      failed = true;
      wait = Math.min(wait * 2, LONGEST_MS);
      say();
      next();
    });
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
        block.querySelector("input[type=checkbox]:checked") || (block.contains(focus) && focus.matches("input, select")));
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
    if (!count) return;
    const boxes = () => [...form.querySelectorAll("input[name=order]")];
    const all = document.createElement("button");
    all.type = "button";
    all.className = "btn btn-sm";
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
})();
