"""YAML text as a JSON value together with the place (line, column) of every part of it.

Plain words are read as YAML 1.2's core schema has it, not as YAML 1.1: ``on``, ``off``, ``yes`` and ``no`` are words, ``2025-04-01``
is text, ``0777`` and ``1:30`` are no surprises. Only ``true``/``false``, ``null``/``~``, and decimal numbers are anything else
than text. Anchors, aliases and merge keys (``<<``) work; tags do not.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple, NoReturn

import yaml
from yaml.events import (
    AliasEvent,
    DocumentStartEvent,
    Event,
    MappingEndEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
    StreamEndEvent,
)
from yaml.reader import ReaderError

from harness.errors import ScenarioError

Path = tuple[str | int, ...]

DEEPEST = 50
MOST_VALUES = 50_000

_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_INTEGER = re.compile(r"[-+]?(?:0|[1-9][0-9]{0,17})\Z")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]{1,3})?\Z")
_NUMERAL = re.compile(r"[-+]?0[0-9]+\Z")  # 007 is a name, not a number
_SURROGATE = re.compile(r"[\ud800-\udfff]")
# YAML 1.1 section 4.1: what a stream must not contain.
_UNPRINTABLE = re.compile("[^\\t\\n\\r\\x20-\\x7e\\x85\\xa0-\\ud7ff\\ue000-\\ufffd\\U00010000-\\U0010ffff]")
_PLAIN_WORDS: dict[str, Any] = {
    "": None,
    "~": None,
    **{spelled: None for spelled in ("null", "Null", "NULL")},
    **{spelled: True for spelled in ("true", "True", "TRUE")},
    **{spelled: False for spelled in ("false", "False", "FALSE")},
}


class Place(NamedTuple):
    """Line and column in a file, both counted from 1."""

    line: int
    column: int


class Problem(NamedTuple):
    """Something wrong at one place of a file."""

    place: Place
    text: str


@dataclass
class Source:
    """A parsed file: its value, where each value and each key stands, and what was already found to be wrong."""

    name: str
    value: Any = None
    places: dict[Path, Place] = field(default_factory=dict)
    keys: dict[Path, Place] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    warnings: list[Problem] = field(default_factory=list)

    def at(self, path: Path) -> Place:
        """Where the value at ``path`` stands; the nearest part that contains it where it is not written down."""
        while path and path not in self.places:
            path = path[:-1]
        return self.places.get(path, Place(1, 1))

    def at_key(self, path: Path) -> Place:
        """Where the key of the value at ``path`` stands."""
        return self.keys.get(path) or self.at(path)

    def report(self, place: Place, text: str) -> None:
        """Add a problem; the same text at the same place counts once."""
        if (problem := Problem(place, text)) not in self.problems:
            self.problems.append(problem)

    def warn(self, place: Place, text: str) -> None:
        """Add something that is not wrong, and should be known; the same text counts once, where it stands first."""
        if all(one.text != text for one in self.warnings):
            self.warnings.append(Problem(place, text))

    def raise_problems(self) -> None:
        """Raise all problems as one ScenarioError, in the order of the file, one line each; nothing when there are none."""
        if not self.problems:
            return
        found = sorted(self.problems)
        lines = [found[0].text]
        lines += [f"{self.name}:{place.line}:{place.column}: {text}" for place, text in found[1:]]
        place = found[0].place
        raise ScenarioError("\n".join(lines), where=f"{self.name}:{place.line}:{place.column}")


def decode(raw: bytes, name: str) -> str:
    """The text of a file. Raises ScenarioError with the place of the first byte that is not UTF-8."""
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = raw[: error.start]
        line = before.count(b"\n") + 1
        column = len(before.rpartition(b"\n")[2].decode("utf-8", "replace")) + 1
        raise ScenarioError(
            f"byte 0x{raw[error.start]:02x} is not UTF-8 text", where=f"{name}:{line}:{column}", fix="save it as UTF-8"
        ) from error


def parse(text: str, name: str) -> Source:
    """Parse YAML. Problems that do not stop the parser (duplicate keys, tags) are collected in the result.

    Raises ScenarioError for a syntax error, an empty file, several documents, and nesting or aliases without bound.
    """
    source = Source(name)
    try:
        _Parser(source, yaml.parse(text, Loader=_LOADER)).document()
    except yaml.MarkedYAMLError as error:
        _refuse_depth(text, name)
        mark = error.problem_mark or error.context_mark
        place = Place(mark.line + 1, mark.column + 1) if mark else Place(1, 1)
        what, fix = _explain(error, text, place)
        raise ScenarioError(what, where=f"{name}:{place.line}:{place.column}", fix=fix) from error
    except ReaderError as error:
        found = _UNPRINTABLE.search(text)
        start = found.start() if found else 0
        place = Place(text.count("\n", 0, start) + 1, start - text.rfind("\n", 0, start))
        character = f" (U+{ord(found[0]):04X})" if found else ""
        raise ScenarioError(
            f"a control character{character} is not allowed in YAML",
            where=f"{name}:{place.line}:{place.column}",
            fix="remove it, or write it as an escape in double quotes",
        ) from error
    return source


class _TooDeep(ScenarioError):
    """Nested deeper than DEEPEST levels."""


def _refuse_depth(text: str, name: str) -> None:
    """Raise where the text is nested too deep; called where the parser has refused it.

    libyaml reads ahead, so that a release with a bound of its own (the one in PyYAML 6.0.4: 1,000 levels) refuses the text before the
    first event is at hand. PyYAML's parser in Python has no bound.
    """
    try:
        _Parser(Source(name), yaml.parse(text, Loader=yaml.SafeLoader)).document()
    except _TooDeep:
        raise
    except (ScenarioError, yaml.YAMLError):
        return


class _Parser:
    """Builds the value from the parser's events: a bounded depth, and the place of every event at hand.

    PyYAML's own composer recurses without bound, in C beyond the stack: a file of brackets would kill the process.
    """

    def __init__(self, source: Source, events: Iterator[Event]) -> None:
        self._source = source
        self._events = events
        self._anchors: dict[str, tuple[Any, Path, int]] = {}
        self._open: set[str] = set()
        self._count = 0

    def document(self) -> None:
        """Read the one document of the stream into the source."""
        next(self._events)
        event = next(self._events)
        if isinstance(event, StreamEndEvent):
            raise ScenarioError(
                "the file is empty", where=f"{self._source.name}:1:1", fix="a scenario has at least a title"
            )
        self._source.value = self._value(next(self._events), ())
        next(self._events)
        event = next(self._events)
        if isinstance(event, DocumentStartEvent):
            self._stop(event, "a second document begins here", "one scenario a file; split the file at the ---")

    def _value(self, event: Any, path: Path) -> Any:
        self._source.places[path] = _place(event)
        self._grow(event, 1)
        if len(path) > DEEPEST:
            self._stop(
                event, f"nested deeper than {DEEPEST} levels", "a scenario is flat; is this the right file?", _TooDeep
            )
        if isinstance(event, AliasEvent):
            return self._alias(event, path)
        anchor, before = event.anchor, self._count
        if anchor:
            self._open.add(anchor)
        match event:
            case ScalarEvent():
                value = self._scalar(event)
            case SequenceStartEvent():
                self._check_tag(event, "tag:yaml.org,2002:seq")
                value = self._sequence(path)
            case _:
                self._check_tag(event, "tag:yaml.org,2002:map")
                value = self._mapping(path)
        self._open.discard(anchor)
        if anchor:
            self._anchors[anchor] = (value, path, self._count - before + 1)
        return value

    def _sequence(self, path: Path) -> list[Any]:
        values: list[Any] = []
        while not isinstance(event := next(self._events), SequenceEndEvent):
            values.append(self._value(event, (*path, len(values))))
        return values

    def _mapping(self, path: Path) -> dict[str, Any]:
        values: dict[str, Any] = {}
        merges: list[tuple[Path, Any]] = []
        while not isinstance(event := next(self._events), MappingEndEvent):
            if not isinstance(event, ScalarEvent):
                self._stop(event, "a key must be a word", "write it as plain text followed by a colon")
            key = event.value
            if key == "<<" and event.implicit[0]:
                inner = (*path, f"<<{len(merges)}")
                merges.append((inner, self._value(next(self._events), inner)))
            elif key in values:
                first = self._source.keys[(*path, key)]
                self._source.report(_place(event), f"{key!r} stands twice here; first in line {first.line}")
                self._value(next(self._events), (*path, f"{key} (again)"))
            else:
                self._source.keys[(*path, key)] = _place(event)
                values[key] = self._value(next(self._events), (*path, key))
        for inner, merged in merges:
            self._merge(values, path, inner, merged)
        return values

    def _merge(self, values: dict[str, Any], path: Path, inner: Path, merged: Any) -> None:
        """``<<: *defaults``: keys that are not given are those of the mapping (or mappings) named."""
        several = isinstance(merged, list)
        for number, one in enumerate(merged if several else [merged]):
            origin = (*inner, number) if several else inner
            if not isinstance(one, dict):
                self._source.report(self._source.at(origin), "<< merges a mapping, and this is none")
                continue
            for key, value in one.items():
                if key not in values:
                    values[key] = value
                    self._copy_places((*origin, key), (*path, key))

    def _alias(self, event: AliasEvent, path: Path) -> Any:
        if event.anchor in self._open:
            self._stop(event, f"*{event.anchor} contains itself", "an alias stands after its anchor")
        if event.anchor not in self._anchors:
            self._stop(event, f"*{event.anchor} has no anchor &{event.anchor} before it", "")
        value, origin, size = self._anchors[event.anchor]
        self._grow(event, size)
        self._copy_places(origin, path)
        return value

    def _copy_places(self, origin: Path, path: Path) -> None:
        for table in (self._source.places, self._source.keys):
            inside = [(old, place) for old, place in table.items() if old[: len(origin)] == origin]
            for old, place in inside:
                table.setdefault((*path, *old[len(origin) :]), place)

    def _scalar(self, event: ScalarEvent) -> Any:
        text: str = event.value
        if not text.isascii() and _SURROGATE.search(text):
            self._source.report(_place(event), "half of a surrogate pair is no character")
        if event.implicit[0]:
            return _plain(text)
        self._check_tag(event, "tag:yaml.org,2002:str")
        return text

    def _check_tag(self, event: Any, allowed: str) -> None:
        if event.tag not in (None, "!", allowed):
            self._source.report(_place(event), f"the tag {event.tag} is not supported; write the value without it")

    def _grow(self, event: Event, size: int) -> None:
        self._count += size
        if self._count > MOST_VALUES:
            self._stop(event, f"more than {MOST_VALUES} values, aliases included", "a scenario is smaller than that")

    def _stop(self, event: Event, what: str, fix: str, error: type[ScenarioError] = ScenarioError) -> NoReturn:
        place = _place(event)
        raise error(what, where=f"{self._source.name}:{place.line}:{place.column}", fix=fix)


def _plain(text: str) -> Any:
    """The value of an unquoted word."""
    if text in _PLAIN_WORDS:
        return _PLAIN_WORDS[text]
    if _INTEGER.match(text):
        return int(text)
    if _FLOAT.match(text) and not _NUMERAL.match(text):
        number = float(text)
        return number if abs(number) != float("inf") else text
    return text


def _place(event: Any) -> Place:
    return Place(event.start_mark.line + 1, event.start_mark.column + 1)


def _explain(error: yaml.MarkedYAMLError, text: str, place: Place) -> tuple[str, str]:
    """What is wrong and what to do, for the mistakes that YAML's own messages explain badly."""
    lines = text.split("\n")
    line = lines[place.line - 1] if place.line <= len(lines) else ""
    problem = error.problem or "not YAML"
    if "\t" in line[: len(line) - len(line.lstrip())]:
        return "a tab in the indentation", "YAML indents with spaces"
    if "mapping values are not allowed" in problem:
        return "a second colon on one line", 'put text that contains ": " in quotes'
    what = f"{error.context}: {problem}" if error.context else problem
    return f"YAML syntax: {what}", "check brackets, quotes and indentation here and on the line above"
