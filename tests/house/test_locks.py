"""The pinned dependencies: complete, the same everywhere, and free of any place to fetch them from."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
LOCKS = {path.stem: path for path in sorted((ROOT / "requirements").glob("*.txt"))}
GROUPS = {
    "install": ["build"],
    "test": ["build", "develop", "test", "lint"],
    "bench": ["build", "bench"],
    "campaign": ["build", "develop", "test", "campaign"],
}


def pins(text: str) -> dict[str, Requirement]:
    """Return the pinned requirements by canonical name; AssertionError for a pin without version or hash."""
    found = {}
    for block in re.split(r"\n(?=\S)", text.replace("\\\n", " ").strip()):
        entry, *hashes = block.split("--hash=")
        requirement = Requirement(entry.strip())
        assert re.fullmatch(r"==[^*]+", str(requirement.specifier)), block
        assert hashes and all(re.match(r"sha256:[0-9a-f]{64}\b", digest) for digest in hashes), block
        found[canonicalize_name(requirement.name)] = requirement
    return found


def project() -> dict[str, Any]:
    """Return pyproject.toml."""
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def test_each_lock_is_known() -> None:
    """Every lock is one that the tests below look at."""
    assert set(LOCKS) == {*GROUPS, "lock", "site"}


@pytest.mark.parametrize("name", GROUPS)
def test_lock_holds_all_that_the_project_asks_for(name: str) -> None:
    """Whatever pyproject.toml asks for is pinned, with its hashes, in the lock that has to hold it."""
    wanted = project()["project"]["dependencies"] + [
        each for group in GROUPS[name] for each in project()["dependency-groups"][group]
    ]
    assert {canonicalize_name(Requirement(each).name) for each in wanted} <= set(pins(LOCKS[name].read_text()))


@pytest.mark.parametrize("name", ["lock", "site"])
def test_lock_of_a_tool_holds_its_group(name: str) -> None:
    """Tools that run apart from the package, in an environment of their own, are pinned too."""
    wanted = {canonicalize_name(Requirement(each).name) for each in project()["dependency-groups"][name]}
    assert wanted <= set(pins(LOCKS[name].read_text()))


def test_each_dependency_has_bounds_that_hold_the_locked_version() -> None:
    """Every dependency has a lowest version and, with semantic versions, an upper bound; the lock is within."""
    extras = [each for extra in project()["project"]["optional-dependencies"].values() for each in extra]
    locked = pins(LOCKS["test"].read_text())
    for text in project()["project"]["dependencies"] + extras:
        requirement = Requirement(text)
        operators = {bound.operator for bound in requirement.specifier}
        by_date = requirement.name == "distributed"  # its versions are dates: none says that something breaks
        assert operators == ({">="} if by_date else {">=", "<"}), text
        pin = str(locked[canonicalize_name(requirement.name)].specifier).removeprefix("==")
        assert requirement.specifier.contains(pin), (text, pin)


@pytest.mark.parametrize("name", ["test", "bench", "campaign"])
def test_locks_agree(name: str) -> None:
    """All locks pin the same versions."""
    installed, other = pins(LOCKS["install"].read_text()), pins(LOCKS[name].read_text())
    assert {key: str(pin.specifier) for key, pin in installed.items()} == {
        key: str(other[key].specifier) for key in installed
    }


@pytest.mark.parametrize("name", LOCKS)
def test_lock_names_no_place(name: str) -> None:
    """A lock names no address, file or installer option: it works with whatever index a machine is set up with."""
    text = LOCKS[name].read_text()
    assert re.findall(r"://|^--|^/| @ |file:", text, flags=re.MULTILINE) == []


@pytest.mark.parametrize(
    "planted", ["numpy>=2 --hash=sha256:" + 64 * "0", "numpy==2.4.6", "numpy==2.* --hash=sha256:0"]
)
def test_a_loose_pin_is_seen(planted: str) -> None:
    """A pin without an exact version or without a hash is found where it is planted."""
    with pytest.raises(AssertionError):
        pins(planted)
