"""The lock files beside the bounds in pyproject.toml: exact, hashed, complete, and of one resolution."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
RUN, TEST, TOX = "ci/requirements.txt", "ci/requirements-test.txt", "ci/requirements-tox.txt"
ASKED = {
    RUN: [*PROJECT["project"]["dependencies"], *PROJECT["dependency-groups"]["build"]],
    TEST: [*PROJECT["project"]["dependencies"], *PROJECT["project"]["optional-dependencies"]["dev"]],
    TOX: PROJECT["dependency-groups"]["tox"],
}


def locked(name: str) -> list[Requirement]:
    """The requirements of a lock file, each of which has at least one hash."""
    text = re.sub(r"(?m)^\s*#.*\n", "", (ROOT / name).read_text()).replace("\\\n", " ")
    lines = [line for line in text.splitlines() if line.strip()]
    assert lines
    assert [line for line in lines if " --hash=sha256:" not in line] == []
    return [Requirement(line.partition(" --hash=")[0]) for line in lines]


@pytest.mark.parametrize("name", ASKED)
def test_versions_are_exact(name: str) -> None:
    assert [str(one) for one in locked(name) if not re.fullmatch(r"==[^,*]+", str(one.specifier))] == []


@pytest.mark.parametrize("name", ASKED)
def test_all_that_is_asked_for_is_locked_within_its_bounds(name: str) -> None:
    versions: dict[str, list[str]] = {}
    for one in locked(name):
        versions.setdefault(canonicalize_name(one.name), []).append(str(one.specifier).removeprefix("=="))
    for asked in map(Requirement, ASKED[name]):
        found = versions.get(canonicalize_name(asked.name), [])
        assert found, f"{asked} is not in {name}; run: tox -e lock"
        assert all(asked.specifier.contains(version) for version in found), f"{asked}: {found}; run: tox -e lock"


def test_tests_run_with_what_users_run_with() -> None:
    assert {str(one) for one in locked(RUN)} <= {str(one) for one in locked(TEST)}


@pytest.mark.parametrize("name", ASKED)
def test_no_registry_is_named(name: str) -> None:
    assert "://" not in (ROOT / name).read_text()


def test_the_readme_installs_what_is_locked() -> None:
    blocks = re.findall(r"^```sh (run|test)\n(.*?)^```", (ROOT / "README.md").read_text(), re.S | re.M)
    installs = {name: re.findall(r"-r (\S+)", text) for name, text in blocks}
    assert installs == {"run": [RUN], "test": [TOX]}
    assert f"deps = -r {TEST}" in (ROOT / "tox.ini").read_text()
