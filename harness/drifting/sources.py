"""Where drift is looked for: the SDK, our schemas, the calls of our fake, recordings of live calls. Reads files; makes calls of the fake."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from harness.drifting.models import UNIONS, generate, installed
from harness.drifting.orders import Orders
from harness.drifting.vocabulary import Example, Seen, Vocabulary, vocabulary
from harness.errors import TraceError, UsageError
from harness.formats import read_records
from harness.protocol import events
from harness.protocol.dialects import DIALECTS
from harness.protocol.mismatch import Problem
from harness.trace import Trace

TRACE = ".ndjson"
OURS = ("fake", "client")
"""Targets in whose traces the service is our own fake."""


@dataclass
class Observed:
    """What was seen of a service in the traces of one generation."""

    traces: int = 0
    seen: Seen = field(default_factory=Seen)
    orders: Orders = field(default_factory=Orders)
    problems: dict[tuple[str, str, str], tuple[Problem, Example]] = field(default_factory=dict)

    def add(self, trace: Trace, file: str, known: Vocabulary) -> None:
        """Note all events of the service in a trace."""
        generation = DIALECTS[trace.header.dialect].generation.name
        self.traces += 1
        self.orders.add(trace, file)
        for entry in trace.events("service"):
            example = Example(file, entry.seq)
            self.seen.add(entry.event, example, known)
            for problem in events.findings(generation, "service", entry.event):
                path = ".".join("[]" if isinstance(part, int) else part for part in problem.place).replace(".[]", "[]")
                self.problems.setdefault((entry.type, path, problem.kind), (problem, example))


Observations = dict[str, Observed]
"""By the generation's name."""


def sdk_vocabularies() -> tuple[dict[str, Vocabulary], list[str]]:
    """The vocabularies of the installed SDK by file, and what is no longer relaxed in vain; empty where it is not installed."""
    if installed() is None:
        return {}, []
    in_vain: list[str] = []
    return {file: vocabulary(generate(file, in_vain=in_vain)) for file in UNIONS}, in_vain


def our_vocabularies() -> dict[str, Vocabulary]:
    """The vocabularies of the schemas that this package ships, by file."""
    return {file: vocabulary(events.whole(file)) for file in UNIONS}


def observe(traces: Iterable[tuple[Trace, str]], ours: dict[str, Vocabulary]) -> Observations:
    """What these traces show, by generation; each with the name of its file."""
    found: Observations = {}
    for trace, file in traces:
        generation = DIALECTS[trace.header.dialect].generation.name
        found.setdefault(generation, Observed()).add(trace, file, ours[f"{generation}-service"])
    return found


def recordings(
    paths: Sequence[Path], skipped: list[str], seen: Callable[[Trace, str], None]
) -> Iterator[tuple[Trace, str]]:
    """The traces of live calls in these files and folders; what is none, or cannot be read, is put into ``skipped`` with the reason.

    ``seen`` is called with each that is taken. Raises UsageError for a path that is not there.
    """
    for path in paths:
        if not path.exists():
            raise UsageError(
                "no such file or folder", where=str(path), fix="give traces of live calls, or a folder of them"
            )
        for file in sorted(path.rglob(f"*{TRACE}")) if path.is_dir() else [path]:
            try:
                (found,) = read_records([file])
            except TraceError as error:
                skipped.append(f"{file}: {error.what}")
                continue
            except ValueError:
                skipped.append(f"{file}: more than one call is in it")
                continue
            trace = found.trace
            if trace.header.target in OURS or trace.header.observer == "service":
                skipped.append(f"{file}: its service is our own fake, not a live one")
            elif trace.header.dialect not in DIALECTS:
                skipped.append(f"{file}: unknown dialect {trace.header.dialect!r}")
            elif not trace.events("service") and not trace.of("http.response"):
                skipped.append(f"{file}: nothing came from the service")
            else:
                seen(trace, str(file))
                yield trace, str(file)
