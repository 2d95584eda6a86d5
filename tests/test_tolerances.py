"""Every tolerance is pinned: moved by a third, up or down, at any place that uses it, some example comes out otherwise.

The examples stand in the docstrings of the rules, and in the ``LIMITS`` of the tests where they are too long for that: one just
inside, one just outside. The constants are found here by themselves; a number that is no tolerance stands in ``FIXED``.
"""

from __future__ import annotations

import ast
import inspect
import math
import pkgutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from types import CodeType, FunctionType, ModuleType
from typing import Any

import pytest

import harness.diagnosis
import harness.rules
from harness.rules.base import Rule, judge_rule
from harness.rules.catalogue import all_rules
from harness.rules.support.examples import Example, examples_of
from harness.trace import Trace
from tests.diagnosis import test_connection, test_conversation, test_network
from tests.limits import Limit
from tests.rules.offer import test_offer
from tests.rules.playback import test_audio
from tests.rules.session import test_requests
from tests.rules.support import test_disturbance, test_reception

FIXED = {
    "harness.rules.support.examples": "reads the notation of the examples",
    "harness.rules.support.short_forms": "reads the notation of the examples",
    "harness.rules.support.samples": "is what the examples are made of",
    "harness.rules.support.fields._LARGEST": "what no double holds exactly reads as no number",
    "harness.rules.support.packets.SEQUENCES": "the width of RTP's sequence number",
    "harness.rules.support.packets.TIMESTAMPS": "the width of RTP's timestamp",
    "harness.rules.events.schema._LONGEST": "the length of a text for a person's eyes",
    "harness.rules.support.windows.UNMEASURED_DBFS": "stands for a level that is no number",
    "harness.diagnosis.offers._REFUSED": "HTTP statuses",
}
WHOLE = {"harness.rules.support.examples", "harness.rules.support.samples", "harness.rules.support.short_forms"}
UNITS, STATUSES = (10, 1000), range(100, 600)
MODULES = {
    module.__name__: module
    for package in (harness.rules, harness.diagnosis)
    for found in pkgutil.walk_packages(package.__path__, f"{package.__name__}.")
    if (module := import_module(found.name)).__name__ not in FIXED
}
LIMITS = [
    (tests.__name__.replace("tests.", "harness.").replace("test_", ""), limit)
    for tests in (
        test_disturbance,
        test_offer,
        test_audio,
        test_reception,
        test_requests,
        test_connection,
        test_conversation,
        test_network,
    )
    for limit in tests.LIMITS
]


def as_it_says(rule: Rule, example: Example) -> bool:
    """Whether the example comes out as its label says; what is computed once for a trace is computed anew."""
    fresh = Trace(example.trace.header, example.trace.entries, example.trace.end)
    return judge_rule(rule, fresh).outcome is example.expected


# The module that each example belongs to, and whether the example still holds.
PINS: list[tuple[str, Callable[[], bool]]] = [
    *(
        (rule.check.__module__, partial(as_it_says, rule, example))
        for rule in all_rules()
        for example in examples_of(rule)
    ),
    *((home, limit.holds) for home, limit in LIMITS),
]


@dataclass(frozen=True)
class Use:
    """A function that uses a constant, and that constant with one of its numbers moved."""

    module: ModuleType
    function: FunctionType
    name: str
    number: str
    value: Any

    def __str__(self) -> str:
        place = self.module.__name__.removeprefix("harness.")
        return f"{place}.{self.function.__qualname__}-{self.name}{self.number}"


def constants(module: ModuleType) -> Iterator[tuple[str, str]]:
    """The names that a module assigns, or imports from one of these modules, each with the module that declares it."""
    for node in ast.parse(inspect.getsource(module)).body:
        if isinstance(node, ast.ImportFrom):
            declared = [(one.asname or one.name, node.module or "") for one in node.names]
        elif isinstance(node, (ast.Assign, ast.AnnAssign)):
            names = [one.id for one in ast.walk(node) if isinstance(one, ast.Name) and isinstance(one.ctx, ast.Store)]
            declared = [(name, module.__name__) for name in names if name in vars(module)]
        else:
            continue
        yield from ((name, home) for name, home in declared if home in MODULES and f"{home}.{name}" not in FIXED)


def moved(value: Any, way: int) -> Iterator[tuple[str, Any]]:
    """A constant with one of its numbers moved by a third, and by one at least where it is whole; and which of them it was."""
    match value:
        case bool():
            return
        case int():
            yield "", value + way * max(1, math.ceil(abs(value) / 3))
        case float():
            yield "", value + way * (abs(value) or 1.0) / 3
        case range():
            yield from ((".start", range(one, value.stop)) for _, one in moved(value.start, way))
            yield from ((".stop", range(value.start, one)) for _, one in moved(value.stop, way))
        case tuple():
            for at, inner in enumerate(value):
                others = value[:at], value[at + 1 :]
                yield from ((f"[{at}]{which}", (*others[0], one, *others[1])) for which, one in moved(inner, way))
        case Mapping():
            for key, inner in value.items():
                yield from ((f"[{key}]{which}", {**value, key: one}) for which, one in moved(inner, way))


def functions(module: ModuleType) -> Iterator[FunctionType]:
    """The functions and methods that a module declares."""
    for value in vars(module).values():
        for one in vars(value).values() if isinstance(value, type) else [value]:
            inner = (getattr(one, name, None) for name in ("fget", "func", "__func__", "__wrapped__"))
            found = next((function for function in inner if function), one)
            if isinstance(found, FunctionType) and found.__module__ == module.__name__:
                yield found


def used(code: CodeType) -> set[str]:
    """The names that a function uses, also in what is nested in it."""
    return set(code.co_names).union(*(used(one) for one in code.co_consts if isinstance(one, CodeType)))


def renamed(code: CodeType, old: str, new: str) -> CodeType:
    """The same code with one name in the place of another."""
    return code.replace(
        co_names=tuple(new if name == old else name for name in code.co_names),
        co_consts=tuple(renamed(one, old, new) if isinstance(one, CodeType) else one for one in code.co_consts),
    )


def literals(function: ast.AST) -> Iterator[float]:
    """The numbers in a function that look like tolerances: fractions, and what is compared and neither small nor a unit or status."""
    for node in ast.walk(function):
        if isinstance(node, ast.Constant) and isinstance(node.value, float) and node.value:
            yield node.value
        elif isinstance(node, ast.Compare):
            whole = [one.value for one in ast.walk(node) if isinstance(one, ast.Constant) and type(one.value) is int]
            yield from (one for one in whole if abs(one) >= 10 and one not in UNITS and one not in STATUSES)


CONSTANTS = {home: dict(constants(module)) for home, module in MODULES.items()}
USES = [
    Use(module, function, name, f"{which}-{'up' if way > 0 else 'down'}", value)
    for module in MODULES.values()
    for name in CONSTANTS[module.__name__]
    for function in functions(module)
    if name in used(function.__code__)
    for way in (1, -1)
    for which, value in moved(vars(module)[name], way)
]


@pytest.mark.parametrize("limit", [limit for _, limit in LIMITS], ids=lambda limit: limit.name)
def test_limit_is_where_it_is_said_to_be(limit: Limit) -> None:
    assert limit.seen() == limit.expected


@pytest.mark.parametrize("use", USES, ids=str)
def test_moved_tolerance_is_noticed(use: Use, monkeypatch: pytest.MonkeyPatch) -> None:
    place = use.module.__name__
    nearest = sorted(PINS, key=lambda pin: (pin[0] != place, pin[0].split(".")[1] != place.split(".")[1]))
    monkeypatch.setitem(vars(use.module), "_moved", use.value)
    monkeypatch.setattr(use.function, "__code__", renamed(use.function.__code__, use.name, "_moved"))
    unnoticed = all(holds() for _, holds in nearest)
    assert not unnoticed, f"{use.name} may be {use.value!r}: add an example just inside and one just outside"


def test_each_constant_is_used_by_a_function() -> None:
    numbers = {
        (home, name)
        for place, names in CONSTANTS.items()
        for name, home in names.items()
        if home == place and any(moved(vars(MODULES[home])[name], 1))
    }
    assert numbers
    assert numbers - {(CONSTANTS[use.module.__name__][use.name], use.name) for use in USES} == set()


def test_what_is_fixed_exists() -> None:
    for place in FIXED.keys() - WHOLE:
        home, _, name = place.rpartition(".")
        assert name in vars(MODULES[home])


@pytest.mark.parametrize("module", MODULES.values(), ids=MODULES)
def test_tolerance_has_a_name(module: ModuleType) -> None:
    """A number within a function would be found by nobody above."""
    tree = ast.parse(inspect.getsource(module))
    hidden = {
        node.name: found
        for node in ast.walk(tree)
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) and (found := list(literals(node)))
    }
    assert hidden == {}
