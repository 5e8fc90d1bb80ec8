"""The page on security promises nothing that no test shows."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "security.md").read_text()
NAMED = re.findall(r"`(tests/[\w/]+\.py)::(test_\w+)`", PAGE)


def test_every_test_that_the_page_names_is_there():
    assert len(NAMED) > 60
    gone = [
        f"{path}::{name}"
        for path, name in NAMED
        if not (ROOT / path).is_file() or f"def {name}(" not in (ROOT / path).read_text()
    ]
    assert gone == []


def test_every_attacker_and_every_one_of_the_ten_is_met_by_a_test():
    sections = re.split(r"^### ", PAGE.partition("## Who attacks")[2].partition("\n## ")[0], flags=re.MULTILINE)[1:]
    assert len(sections) >= 8
    for section in sections:
        assert re.search(r"`tests/[\w/]+\.py::test_\w+`", section), section.splitlines()[0]
    ten = re.findall(r"^\| API(\d+) .*$", PAGE, flags=re.MULTILINE)
    assert ten == [str(number) for number in range(1, 11)]
    for row in re.findall(r"^\| .+ \|$", PAGE.partition("## Who attacks")[2].partition("## Cards")[0], re.MULTILINE):
        if "shown by" not in row:
            assert "::test_" in row, row


def test_what_the_page_says_of_places_is_what_the_journey_searches():
    journey = (ROOT / "tests" / "journeys" / "test_nothing_leaks.py").read_text()
    places = set(re.findall(r'^    \("(\w+)", "(\w+)"\): "', journey, flags=re.MULTILINE))
    drawn = PAGE.partition("## Where personal data lies")[2].partition("Nowhere else")[0]

    assert len(places) == 7
    for table, column in places:
        assert table in drawn
        assert column in drawn


def test_every_link_of_the_security_pages_leads_somewhere():
    for page in (ROOT / "docs" / "security.md", ROOT / "SECURITY.md"):
        for target in re.findall(r"\]\((?!https?:|#)([^)#]+)", page.read_text()):
            assert (page.parent / target).exists(), f"{page.name} leads to {target}"
