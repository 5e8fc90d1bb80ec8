"""What Packline is made of: pinned by hash, under licences that it may ship, and written down."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import json
import re
import subprocess
import sys
import tomllib
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]
LOCKS = {"requirements.lock": (), "requirements-dev.lock": ("dev",), "requirements-forecast.lock": ("forecast",)}
# Copyleft that may stand in what is run, each with its reason.
MAY_STAND = {
    "psycopg": "LGPL-3.0: a library that is imported as it came from PyPI, and can be replaced by another build of it",
    "psycopg-binary": "LGPL-3.0: the same, compiled",
    "certifi": "MPL-2.0: a list of certificates, unchanged; its terms stay with its own file",
}


@dataclass(frozen=True)
class Pin:
    """One line of a lock. A package has two where one version does not do for every Python."""

    line: str
    hashes: tuple[str, ...]

    @property
    def asked(self) -> Requirement:
        return Requirement(self.line)

    @property
    def name(self) -> str:
        return str(canonicalize_name(self.asked.name))

    @property
    def version(self) -> str:
        (only,) = self.asked.specifier
        return str(only.version)

    @property
    def is_for_here(self) -> bool:
        return self.asked.marker is None or self.asked.marker.evaluate()


def pins(lock: str) -> list[Pin]:
    blocks = (ROOT / lock).read_text().replace("\\\n", " ").splitlines()
    told = [block for block in blocks if block.strip() and not block.startswith("#")]
    return [Pin(block.partition(" --hash=")[0].strip(), tuple(re.findall(r"--hash=(\S+)", block))) for block in told]


def here(lock: str) -> dict[str, Pin]:
    """What is installed from a lock on this machine, by name."""
    return {pin.name: pin for pin in pins(lock) if pin.is_for_here}


def ci(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, ROOT / ".ci" / f"{name}.py")
    made = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(made)
    return made


@pytest.mark.parametrize("lock", LOCKS)
def test_every_package_is_pinned_to_one_version_and_to_the_bytes_of_it(lock):
    found = pins(lock)

    assert len(found) > 60
    for pin in found:
        assert re.fullmatch(r"[\w.\[\],-]+==[\w.+!-]+( ?;.*)?", pin.line), pin.line
        assert pin.hashes, f"{pin.name} has no hash"
        assert all(re.fullmatch(r"sha256:[0-9a-f]{64}", one) for one in pin.hashes), pin.name


@pytest.mark.parametrize(("lock", "extras"), LOCKS.items())
def test_every_direct_dependency_is_pinned_at_a_version_that_we_allow(lock, extras):
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    asked = [*project["dependencies"], *(one for extra in extras for one in project["optional-dependencies"][extra])]

    assert len(asked) > 25
    for wanted in map(Requirement, asked):
        versions = [pin.version for pin in pins(lock) if pin.name == canonicalize_name(wanted.name)]
        assert versions, f"{wanted} is not locked"
        assert all(wanted.specifier.contains(version) for version in versions), f"{wanted} is locked at {versions}"


def test_what_is_tested_is_what_is_run():
    assert set(pins("requirements.lock")) <= set(pins("requirements-dev.lock"))


def test_nothing_comes_from_an_address():
    for lock in LOCKS:
        assert not re.search(r"https?://|git\+|file:|--(extra-)?index-url|--trusted-host", (ROOT / lock).read_text())


def test_what_is_installed_here_is_what_is_pinned():
    found = here("requirements.lock")

    assert {name: importlib.metadata.version(name) for name in found} == {
        name: pin.version for name, pin in found.items()
    }


def test_nothing_that_is_run_is_under_a_licence_that_would_bind_who_runs_it():
    bill = ci("bill_of_materials")
    licences = {name: bill.licence_of(name) for name in here("requirements.lock")}

    assert [name for name, licence in licences.items() if not licence] == []
    copyleft = re.compile(
        r"GPL|General Public|Affero|MPL|Mozilla|SSPL|BUSL|Commons Clause|EUPL|CC-BY-(NC|SA)", re.IGNORECASE
    )
    bound = {name for name, licence in licences.items() if copyleft.search(licence)}
    assert bound == set(MAY_STAND)
    strict = {name for name, licence in licences.items() if re.search(r"(?<!L)GPL|Affero|SSPL", licence)}
    assert strict == set()


def test_the_pages_files_are_fixed_by_their_content_and_name_no_registry():
    lock = json.loads((ROOT / "package-lock.json").read_text())

    packages = {name: package for name, package in lock["packages"].items() if name}
    assert len(packages) >= 3
    for name, package in packages.items():
        assert re.fullmatch(r"sha512-[A-Za-z0-9+/]{86}==", package["integrity"]), name
        assert "resolved" not in package, name
        assert package["license"] in {"MIT", "0BSD", "BSD-0-Clause", "OFL-1.1"}, name
        assert not package.get("hasInstallScript"), f"{name} would run a program of its own when it is installed"
    asked = lock["packages"][""]["dependencies"]
    assert asked == json.loads((ROOT / "package.json").read_text())["dependencies"]
    assert all(re.fullmatch(r"\d+\.\d+\.\d+", version) for version in asked.values())


def test_the_bill_of_materials_has_every_pinned_package_with_hashes_and_licence(tmp_path):
    target = tmp_path / "sbom.json"

    said = subprocess.run(
        [sys.executable, ROOT / ".ci" / "bill_of_materials.py", target], capture_output=True, text=True, check=True
    )

    made = json.loads(target.read_text())
    assert (made["bomFormat"], made["metadata"]["component"]["name"]) == ("CycloneDX", "packline")
    locked = pins("requirements.lock")
    listed = {(canonicalize_name(one["name"]), one["version"]): one for one in made["components"]}
    assert set(listed) == {(pin.name, pin.version) for pin in locked}
    for pin in locked:
        component = listed[pin.name, pin.version]
        told = [one["content"] for about in component["externalReferences"] for one in about.get("hashes", [])]
        assert sorted(f"sha256:{one}" for one in told) == sorted(pin.hashes)
        assert component.get("licenses") or not pin.is_for_here, pin.name
    assert said.stdout.startswith(f"{target}: {len(locked)} packages")


VULNERABLE = json.dumps(
    {"dependencies": [{"name": "foo", "version": "1.0", "vulns": [{"id": "PYSEC-1", "fix_versions": ["1.1"]}]}]}
)
AWAY = "a.lock: NOT CHECKED, because no advisory service (api.osv.dev) can be reached from here."
SOUND = json.dumps({"dependencies": [{"name": "foo", "version": "1.1", "vulns": []}]})


@pytest.mark.parametrize(
    ("status", "answer", "complaint", "line", "ends"),
    [
        (0, SOUND, "", "a.lock: no known advisory.", 0),
        (1, VULNERABLE, "", "a.lock: KNOWN ADVISORIES\n  foo 1.0: PYSEC-1 (mended in 1.1)", 1),
        # Half an answer is not "away": what was found counts.
        (1, VULNERABLE, "ServiceError: 503", "a.lock: KNOWN ADVISORIES\n  foo 1.0: PYSEC-1 (mended in 1.1)", 1),
        (1, "", "requests.exceptions.ConnectionError: no name", AWAY, 0),
        (2, "", "error: no such option", "a.lock: the check itself failed.\nerror: no such option", 1),
    ],
)  # fmt: skip
def test_an_advisory_fails_the_build_and_silence_is_said_aloud(status, answer, complaint, line, ends):
    assert ci("advisories").verdict("a.lock", status, answer, complaint) == (line, ends)


def test_ci_asks_for_advisories_after_the_checks_and_within_a_minute():
    steps = (ROOT / ".ci" / "run").read_text().splitlines()

    assert steps.index("timeout 180 make advisories") > steps.index("make check")


def test_security_findings_are_left_alone_one_by_one_and_each_with_its_reason():
    assert "skips" not in tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["bandit"]
    rooms = (
        "commands", "config", "demo", "drills", "integrations", "jobs", "orders", "records", "sandbox", "web", ".ci",
    )  # fmt: skip
    lines = [
        (f"{path.relative_to(ROOT)}:{number}", line)
        for room in rooms
        for path in (ROOT / room).rglob("*.py")
        for number, line in enumerate(path.read_text().splitlines(), 1)
        if "nosec" in line
    ]
    assert len(lines) > 10
    for where, line in lines:
        assert re.search(r"# nosec B\d{3} # \w.{10,}", line), f"{where} gives no reason"
