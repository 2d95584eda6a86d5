"""Who may import whom, and the house rules that a program can check."""

from __future__ import annotations

import ast
import re
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

from harness.protocol.dialects import DIALECTS
from harness.protocol.generations import GENERATIONS

ROOT = Path(__file__).parent.parent / "harness"
FILES = sorted(path for path in ROOT.rglob("*.py"))
TOP = {"__init__", "errors", "files", "pytest_plugin"}
"""The only modules outside a package."""

# Package (or module at the top) -> what it may import of this project besides itself, from the bottom up: a row names only rows
# before it. The judge knows neither the actor nor the script: rules see no fake, no client and no scenario; the fake sees no rules.
MAY_IMPORT: dict[str, set[str]] = {
    "errors": set(),
    "protocol": {"errors"},
    "netem": set(),
    "trace": {"errors"},
    "faults": {"errors", "protocol"},
    "files": {"errors"},
    "formats": {"errors", "protocol", "trace"},
    "rules": {"protocol", "trace"},
    "webrtc": {"errors", "netem", "protocol", "trace"},
    "media": {"errors", "protocol", "trace"},
    "diagnosis": {"protocol", "rules", "trace"},
    "scenario": {"diagnosis", "errors", "netem", "protocol", "rules", "trace"},
    "targets": {"errors", "protocol", "scenario"},
    "judging": {"diagnosis", "errors", "files", "formats", "protocol", "rules", "scenario", "trace"},
    "fake": {"errors", "faults", "media", "protocol", "scenario", "trace", "webrtc"},
    "client": {"errors", "faults", "judging", "media", "netem", "protocol", "scenario", "targets", "trace", "webrtc"},
    "comparing": {"errors", "formats", "judging", "protocol", "rules", "trace"},
    "report": {"comparing", "diagnosis", "errors", "files", "judging", "protocol", "rules", "trace"},
    "running": {
        "client", "errors", "fake", "faults", "files", "judging", "media", "netem", "protocol", "rules", "scenario", "targets", "trace",
        "webrtc",
    },
    "regression": {"errors", "fake", "files", "judging", "media", "protocol", "rules", "scenario", "trace"},
    "checking": {"errors", "judging", "running", "scenario", "targets"},
    "drifting": {"errors", "formats", "protocol", "rules", "running", "scenario", "trace"},
    "serving": {"diagnosis", "errors", "fake", "files", "judging", "media", "protocol", "report", "running", "scenario", "trace"},
    "proxying": {
        "client", "errors", "fake", "files", "judging", "media", "protocol", "report", "rules", "running", "scenario", "serving", "targets",
        "trace", "webrtc",
    },
    "selftest": {"client", "fake", "faults", "judging", "report", "rules", "running", "scenario", "trace"},
    "cli": {
        "checking", "comparing", "drifting", "errors", "files", "formats", "judging", "media", "protocol", "proxying", "regression", "report", "running", "scenario", "selftest", "serving", "targets",
        "trace",
    },
    "pytest_plugin": {"errors", "judging", "report", "running", "scenario", "targets"},
}  # fmt: skip
FRONT_DOORS = {"harness.cli.main", "harness.pytest_plugin"}
NEVER_IN_PURE = {"asyncio", "socket", "httpx", "aiortc", "uvicorn", "starlette", "time", "threading", "subprocess"}
PURE = (
    "harness.protocol",
    "harness.rules",
    "harness.trace",
    "harness.judging",
    "harness.comparing",
    "harness.drifting.drift",
    "harness.drifting.vocabulary",
    "harness.diagnosis",
    "harness.netem.emulator",
    "harness.fake.replay.",
    "harness.regression.steps",
    "harness.regression.facts",
    "harness.regression.anonymous",
)


def module_of(path: Path) -> str:
    parts = path.relative_to(ROOT.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {module_of(path): path for path in FILES}


def imports_of(path: Path) -> set[str]:
    """Every module that a file imports, anywhere in it; of this project by its full name."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            inner = {f"{node.module}.{alias.name}" for alias in node.names}
            found |= {name if name in MODULES else node.module for name in inner}
    return found


def home_of(module: str) -> str:
    """The package below ``harness``, or the module at the top, that a module belongs to; empty for ``harness`` itself."""
    return module.split(".")[1] if "." in module else ""


def test_every_module_has_a_row_and_every_row_a_module() -> None:
    assert {home_of(module) for module in MODULES} - {""} == set(MAY_IMPORT)
    assert {path.stem for path in ROOT.glob("*.py")} == TOP


def test_rows_stand_from_the_bottom_up() -> None:
    below: set[str] = set()
    for home, may in MAY_IMPORT.items():
        assert may <= below, f"{home}: {may - below} stand behind it"
        below.add(home)
    assert not any(may & FRONT_DOORS for may in MAY_IMPORT.values()), "nobody imports a front door"


@pytest.mark.parametrize("path", FILES, ids=module_of)
def test_imports_point_downwards(path: Path) -> None:
    home = home_of(module_of(path))
    if not home:
        return  # the public interface loads what it is asked for, see tests/test_api.py
    seen = {home_of(name) for name in imports_of(path) if name.startswith("harness.")} - {home}
    assert seen <= MAY_IMPORT.get(home, set()), f"{module_of(path)} must not import {sorted(seen - MAY_IMPORT[home])}"


def test_what_a_row_allows_is_needed() -> None:
    used: dict[str, set[str]] = {home: set() for home in MAY_IMPORT}
    for module, path in MODULES.items():
        used.setdefault(home_of(module), set()).update(map(home_of, filter(MODULES.get, imports_of(path))))
    assert {home: may - used[home] for home, may in MAY_IMPORT.items() if may - used[home]} == {}


def test_no_module_imports_itself_through_others() -> None:
    graph = {
        module: {name for name in imports_of(path) if name in MODULES} - {module, "harness"}
        for module, path in MODULES.items()
    }
    assert list(TopologicalSorter(graph).static_order())


@pytest.mark.parametrize("path", [path for path in FILES if module_of(path).startswith(PURE)], ids=module_of)
def test_pure_modules_do_no_io(path: Path) -> None:
    roots = {name.partition(".")[0] for name in imports_of(path)}
    assert not roots & NEVER_IN_PURE


@pytest.mark.parametrize("path", FILES, ids=module_of)
def test_module_says_what_lives_there(path: Path) -> None:
    doc = ast.get_docstring(ast.parse(path.read_text()))
    assert doc, "the first line of a module says what lives there"
    assert path.stem not in ("utils", "helpers", "common", "misc")


@pytest.mark.parametrize("path", FILES, ids=module_of)
def test_module_is_one_thing(path: Path) -> None:
    assert len(path.read_text().splitlines()) <= 365


# The names of dialects, vendors and generations, and the tables that may compare them.
ROWS = {*DIALECTS, *(row.vendor for row in DIALECTS.values()), *(row.name for row in GENERATIONS)}
TABLES = {"harness.protocol.dialects", "harness.protocol.generations"}


@pytest.mark.parametrize("path", [path for path in FILES if module_of(path) not in TABLES], ids=module_of)
def test_a_difference_between_dialects_is_a_row_and_no_branch(path: Path) -> None:
    for node in ast.walk(ast.parse(path.read_text())):
        asked = [node.left, *node.comparators] if isinstance(node, ast.Compare) else []
        asked += [node.pattern] if isinstance(node, ast.match_case) else []
        named = {leaf.value for part in asked for leaf in ast.walk(part) if isinstance(leaf, ast.Constant)}
        # The example runner prefers one dialect where several would do; that is a default, not a difference.
        assert not named & ROWS or path.name == "examples.py", f"{module_of(path)}: {ast.unparse(node)}"


@pytest.mark.parametrize("path", FILES, ids=module_of)
def test_private_parts_of_aiortc_stay_in_one_package(path: Path) -> None:
    if home_of(module_of(path)) == "webrtc":
        return
    assert not re.search(
        r"\._(rtp_router|handle_rtp|handle_data|dtls|sctp__|send_rtp)\w*|_RTC[A-Z]\w+__", path.read_text()
    )
    assert not {name for name in imports_of(path) if name.startswith(("aioice", "pylibsrtp"))}
