"""Who may import whom, and the house rules that a program can check."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent / "harness"
FILES = sorted(path for path in ROOT.rglob("*.py"))
BOTTOM = {"harness", "harness.errors", "harness.trace", "harness.redact", "harness.protocol"}

# Package or module -> what it may import of this project. Prefixes count.
MAY_IMPORT: dict[str, set[str]] = {
    "harness.errors": set(),
    "harness.spellings": set(),
    "harness.redact": {"harness.spellings"},
    "harness.trace_reader": {"harness", "harness.errors", "harness.trace"},
    "harness.trace": {"harness", "harness.errors", "harness.redact", "harness.trace_reader"},
    "harness.protocol": {"harness.protocol", "harness.errors"},
    "harness.rules": BOTTOM | {"harness.rules"},
    "harness.diagnosis": BOTTOM | {"harness.rules", "harness.diagnosis"},
    "harness.results": BOTTOM | {"harness.rules", "harness.diagnosis"},
    "harness.verdict": BOTTOM | {"harness.rules", "harness.diagnosis", "harness.results", "harness.scenario.model"},
    "harness.scenario": BOTTOM
    | {"harness.scenario", "harness.rules.base", "harness.rules.catalogue", "harness.diagnosis", "harness.network"},
    "harness.media": BOTTOM | {"harness.media", "harness.rtp"},
    "harness.fault_registry": BOTTOM | {"harness.rtp"},
    "harness.event_edits": BOTTOM | {"harness.fault_registry"},
    "harness.packet_edits": BOTTOM | {"harness.fault_registry", "harness.rtp"},
    "harness.fake": BOTTOM
    | {
        "harness.fake",
        "harness.fault_registry",
        "harness.event_edits",
        "harness.packet_edits",
        "harness.media",
        "harness.rtp",
        "harness.transport",
        "harness.scenario.model",
    },
    "harness.client": BOTTOM
    | {
        "harness.client",
        "harness.fault_registry",
        "harness.event_edits",
        "harness.packet_edits",
        "harness.media",
        "harness.network",
        "harness.transport",
        "harness.targets",
        "harness.scenario",
        "harness.results",
    },
    "harness.capabilities": BOTTOM | {"harness.rules", "harness.results"},
    "harness.report": BOTTOM
    | {
        "harness.report",
        "harness.rules",
        "harness.diagnosis",
        "harness.results",
        "harness.capabilities",
        "harness.output",
        "harness.revision",
    },
}
FRONT_DOORS = {"harness.cli", "harness.pytest_plugin"}
NEVER_IN_PURE = {"asyncio", "socket", "httpx", "aiortc", "uvicorn", "starlette", "time", "threading", "subprocess"}
PURE = (
    "harness.protocol",
    "harness.rules",
    "harness.trace",
    "harness.redact",
    "harness.spellings",
    "harness.results",
    "harness.capabilities",
    "harness.verdict",
    "harness.diagnosis",
    "harness.network",
)


def module_of(path: Path) -> str:
    parts = path.relative_to(ROOT.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imports_of(path: Path) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
            if node.module in (
                "harness",
                "harness.rules",
                "harness.media",
                "harness.protocol",
                "harness.client",
                "harness.fake",
            ):
                found |= {
                    f"{node.module}.{alias.name}"
                    for alias in node.names
                    if (ROOT.parent / node.module.replace(".", "/") / f"{alias.name}.py").exists()
                }
    return found


def allowed(name: str, by: set[str]) -> bool:
    return name in by or any(name.startswith(f"{prefix}.") for prefix in by if prefix != "harness")


@pytest.mark.parametrize("path", FILES, ids=module_of)
def test_imports_point_downwards(path: Path) -> None:
    module = module_of(path)
    ours = {name for name in imports_of(path) if name == "harness" or name.startswith("harness.")}
    assert not ours & FRONT_DOORS, "nobody imports a front door"
    for prefix, may in MAY_IMPORT.items():
        if module == prefix or module.startswith(f"{prefix}."):
            wrong = {name for name in ours if not allowed(name, may) and name != "harness"}
            assert not wrong, f"{module} must not import {sorted(wrong)}"


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
    assert len(path.read_text().splitlines()) <= 400


@pytest.mark.parametrize("path", FILES, ids=module_of)
def test_only_the_dialect_table_names_dialects(path: Path) -> None:
    """A difference between dialects is a row, not a branch."""
    if path.name == "dialects.py":
        return
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Compare) and any(
            isinstance(op, (ast.Eq, ast.NotEq, ast.In, ast.NotIn)) for op in node.ops
        ):
            for side in [node.left, *node.comparators]:
                for leaf in ast.walk(side):
                    if isinstance(leaf, ast.Constant) and leaf.value in (
                        "azure-preview",
                        "azure-ga",
                        "openai-ga",
                        "openai-beta",
                    ):
                        literal = ast.unparse(node)
                        # The example runner prefers one dialect where several would do; that is a default, not a difference.
                        assert path.name == "examples.py", f"{module_of(path)}:{node.lineno}: {literal}"


@pytest.mark.parametrize("path", FILES, ids=module_of)
def test_private_parts_of_aiortc_stay_in_one_place(path: Path) -> None:
    if path.name in ("transport.py", "lean_rtp.py") or "transport" in path.name:
        return
    assert not re.search(
        r"\._(rtp_router|handle_rtp|handle_data|dtls|sctp__|send_rtp)\w*|_RTC[A-Z]\w+__", path.read_text()
    )
