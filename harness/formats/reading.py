"""Reads files of any form into traces: our own as they are, others through their form, those of one call joined."""

from __future__ import annotations

import gzip
import zlib
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from harness.errors import NotARecord, UsageError
from harness.formats import event_log, har, rtcstats, webrtc_internals
from harness.formats.base import LARGEST, Form, Record
from harness.formats.joining import joined
from harness.formats.recognition import recognised
from harness.protocol.dialects import keys_in
from harness.trace import Header, Recorder, Trace, open_recording
from harness.trace.redact import Redactor

FORMS: tuple[Form, ...] = (
    Form("http", "HAR files of a browser or of Playwright", har.recognise, har.read),
    Form("rtcstats", "files of rtcstats", rtcstats.recognise, rtcstats.read),
    Form("webrtc-internals", "dumps of chrome://webrtc-internals", webrtc_internals.recognise, webrtc_internals.read),
    Form(
        "events",
        "event logs: JSON, JSON lines, or lines of a console with the events in them",
        event_log.recognise,
        event_log.read,
    ),
)
_ZIP = b"PK\x03\x04"
_TAKEN = "; ".join(("traces (.ndjson) and cassettes (.zip)", *(form.title for form in FORMS)))


@dataclass(frozen=True)
class NamedTrace:
    """A trace with its ``name``, which is that of its file or files; ``path`` is the file where it is a trace of ours, else None."""

    name: str
    trace: Trace
    path: Path | None = None


def read_records(paths: Sequence[Path], dialect: str = "") -> list[NamedTrace]:
    """The recordings in these files: traces of ours, and what other records show of a call.

    Files of different forms are of one call and joined on one clock; files of one form are a call each. ``dialect`` is for records that
    do not say theirs; empty: it is recognised. Raises TraceError for a file that is none of these, UsageError for files that cannot be joined.
    """
    ours: list[NamedTrace] = []
    others: list[tuple[Path, tuple[Record, ...]]] = []
    for path in paths:
        if _is_ours(path):
            ours.append(NamedTrace(path.as_posix(), open_recording(path).trace, path.resolve()))
        else:
            others.append((path, records_in(_text(path), path.as_posix())))
    return [*ours, *(trace_of(name, record, dialect) for name, record in _calls(others))]


def records_in(text: str, where: str) -> tuple[Record, ...]:
    """The calls that a text of a known form shows. Raises NotARecord with the list of forms where it is none."""
    form = next((one for one in FORMS if one.recognise(text)), None)
    if form is None:
        raise NotARecord("no record of a call", where=where, fix=f"these are read: {_TAKEN}")
    return form.read(text, where)


def _calls(files: Sequence[tuple[Path, tuple[Record, ...]]]) -> Iterable[tuple[str, Record]]:
    forms = Counter(records[0].form for _, records in files)
    if len(forms) < 2:
        for path, records in files:
            for number, record in enumerate(records, start=1):
                yield f"{path.as_posix()}#{number}" if len(records) > 1 else path.as_posix(), record
        return
    name = " + ".join(path.as_posix() for path, _ in files)
    twice = next((form for form, count in forms.items() if count > 1), None)
    if twice is not None:
        raise UsageError(
            f"two files show the same side of a call ({twice})", fix="give one file of each form for one call"
        )
    several = next((path for path, records in files if len(records) > 1), None)
    if several is not None:
        raise UsageError(
            "more than one call is in it: which one belongs to the other files?",
            where=several.as_posix(),
            fix="judge it by itself, or cut it down to one call",
        )
    yield name, joined([records[0] for _, records in files], name)


def trace_of(name: str, record: Record, dialect: str) -> NamedTrace:
    """The trace that a record makes: redacted by the recorder, as everything that is stored."""
    now = 0.0
    start = min((one.t for one in record.moments if one.t is not None), default=0.0)
    timed = record.clock != "none"
    extra = {"record": record.form, **({"left_out": list(record.left_out)} if record.left_out else {})}
    header = Header(
        "client", dialect, target="record", time="real", shows=record.shows, excerpt=record.excerpt, extra=extra
    )
    # Every secret must be known before the first entry is stored: a log may show it earlier than the request that had it in its place.
    redactor = Redactor(_minted(record))
    for moment in record.moments:
        redactor.value(moment.data)
    recorder = Recorder(header, lambda: now, redactor=redactor)
    for moment in record.moments:
        if moment.t is not None:
            now = max(now, round(moment.t - start, 6))
        recorder.record(moment.kind, **moment.data)
    end = "completed" if timed else "unknown"
    if not dialect:
        found, why = recognised(record.hints, recorder.entries)
        if not found:
            raise NotARecord("nothing in it tells which API it is", where=name, fix="say it with -d DIALECT")
        header = replace(header, dialect=found, extra={**extra, "recognised": f"{found}, {why}"})
    return NamedTrace(name, Trace(header, tuple(recorder.entries), end))


def _minted(record: Record) -> Iterator[str]:
    """Every ephemeral key in the answers to token requests, wherever a dialect puts it."""
    for moment in record.moments:
        if moment.kind == "http.response" and moment.data.get("step") == "key":
            yield from keys_in(moment.data.get("body"))


def _is_ours(path: Path) -> bool:
    """Whether this is a cassette, or begins as our traces do; a file that cannot be opened is named where it is read."""
    if path.is_dir():
        return True
    try:
        with path.open("rb") as file:
            start = file.read(64)
    except OSError:
        return False
    return start.startswith(_ZIP) or start.lstrip().replace(b" ", b"").startswith(b'{"trace":')


def _text(path: Path) -> str:
    """The text of a file, unpacked where it is gzipped. Raises NotARecord for what is no text, or larger than is read."""
    try:
        with path.open("rb") as file:
            raw = file.read(LARGEST + 1)
        if raw[:2] == b"\x1f\x8b":
            unpacker = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)
            raw = unpacker.decompress(raw, LARGEST + 1)
    except OSError as error:
        raise NotARecord(
            error.strerror or str(error), where=str(path), fix="give the path of a record of a call"
        ) from error
    except (zlib.error, gzip.BadGzipFile, EOFError) as error:
        raise NotARecord("a gzip file that is damaged", where=str(path), fix="save it again") from error
    if len(raw) > LARGEST:
        raise NotARecord(f"larger than {LARGEST >> 20} MiB", where=str(path), fix="cut it down to the call in question")
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        if raw[:2] in (b"\xff\xfe", b"\xfe\xff"):  # saved by PowerShell
            return raw.decode("utf-16", "replace")
        raise NotARecord("not UTF-8 text", where=str(path), fix=f"these are read: {_TAKEN}") from None
    if not text.strip():
        raise NotARecord("the file is empty", where=str(path), fix=f"these are read: {_TAKEN}")
    return text
