"""Packs a recording: one folder or one .zip with the trace, its audio, versions and provenance, and nothing that must not be handed on."""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from harness import __version__
from harness.errors import NotATrace, UsageError
from harness.files import write_bytes
from harness.media import ogg
from harness.media.ogg_reader import packets as ogg_packets
from harness.media.opus import packet_samples
from harness.protocol.http_date import instant
from harness.regression.anonymous import anonymous
from harness.rules.support.fields import text
from harness.trace import VERSION, Entry, Recording, Trace
from harness.trace.recording import ABOUT, DIRECTIONS, TRACE, Direction
from harness.trace.redact import MARK, Redactor

CASSETTE = 1
"""The version of the layout that ``cassette.json`` names."""
# The same bytes for the same recording: a .zip keeps no time of its making (its earliest, as the format has it).
_TIME = (1980, 1, 1, 0, 0, 0)


def cassette_files(recording: Recording, *, secrets: Iterable[str] = ()) -> dict[str, bytes]:
    """The files of a cassette by their names: trace, audio, and what they are.

    Everything in the trace is redacted again, so that a recording from elsewhere takes no secret along; ``secrets`` are those known
    besides. Paths of this machine, home folders and user names are taken out. Audio is written anew from its packets: no tag of
    another program stays. Raises NotATrace where an audio file is not what it says.
    """
    audio = {f"{one}.ogg": _audio(recording, one) for one in recording.directions}
    trace = _clean(recording.trace, secrets)
    files = {TRACE: "".join(f"{line}\n" for line in trace.lines()).encode("utf-8", errors="backslashreplace"), **audio}
    return {ABOUT: _about(trace, files), **files}


def write_cassette(recording: Recording, out: Path, *, secrets: Iterable[str] = ()) -> Path:
    """Write a cassette to ``out``: a .zip where its name ends so, else a folder. Returns ``out``.

    Raises UsageError where it cannot be written, or there is something else already in that folder; NotATrace as above.
    """
    files = cassette_files(recording, secrets=secrets)
    if out.suffix.lower() == ".zip":
        write_bytes(out, zipped(files))
        return out
    if out.exists() and (not out.is_dir() or any(_alien(one.name, files) for one in out.iterdir())):
        raise UsageError("there is something else already", where=str(out), fix="choose another name with -o")
    for name, data in files.items():
        write_bytes(out / name, data)
    return out


def _alien(name: str, files: Mapping[str, bytes]) -> bool:
    """Whether a file is none of a cassette, nor of the scenario that was made of it."""
    return name not in files and not (name.startswith("caller-") and name.endswith(".wav"))


def zipped(files: Mapping[str, bytes]) -> bytes:
    """The files as a .zip, the same bytes every time; Ogg files are stored, since they do not shrink."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, data in files.items():
            info = zipfile.ZipInfo(name, _TIME)
            info.compress_type = zipfile.ZIP_STORED if name.endswith(".ogg") else zipfile.ZIP_DEFLATED
            info.external_attr = 0o644 << 16
            archive.writestr(info, data)
    return buffer.getvalue()


def _clean(trace: Trace, secrets: Iterable[str]) -> Trace:
    redactor = Redactor(secrets, first=_marks(trace) + 1)
    header = trace.header
    told = anonymous(
        redactor.value({"scenario": header.scenario, "target": header.target, "extra": dict(header.extra)})
    )
    entries = tuple(Entry(one.seq, one.t, one.kind, _entry(one, redactor)) for one in trace.entries)
    return Trace(replace(header, **told), entries, trace.end)


def _entry(entry: Entry, redactor: Redactor) -> Any:
    if entry.plane in ("rtp", "audio") and entry.kind != "audio.file":
        return entry.data  # numbers alone, and most of the trace
    data = dict(entry.data)
    if isinstance(data.get("headers"), Mapping):
        data["headers"] = redactor.headers({str(name): str(value) for name, value in data["headers"].items()})
    if entry.kind == "audio.file" and data.get("direction") in DIRECTIONS:
        data["path"] = f"{data['direction']}.ogg"
    return anonymous(redactor.value(data))


def _marks(trace: Trace) -> int:
    """The highest number of a mark in the trace: a secret that is found now is another one."""
    found = (MARK.finditer(str(one.data)) for one in trace.entries if one.plane not in ("rtp", "audio"))
    return max((int(mark[1]) for marks in found for mark in marks), default=0)


def _audio(recording: Recording, direction: Direction) -> bytes:
    data = recording.audio(direction) or b""
    try:
        stream = list(_timed(ogg_packets(data)))
    except ValueError as error:
        raise NotATrace(
            str(error), where=f"{recording.name}: {direction} audio", fix="use the recording's own file"
        ) from error
    channels = 2 if any(payload[0] & 4 for _, payload in stream) else 1
    return ogg.file(stream, channels=channels, vendor="realtime-harness")


def _timed(packets: Iterable[bytes]) -> Iterator[tuple[int, bytes]]:
    for payload in packets:
        try:
            yield packet_samples(payload), payload
        except ValueError:
            continue


def _about(trace: Trace, files: Mapping[str, bytes]) -> bytes:
    header = trace.header
    about = {
        "cassette": CASSETTE,
        "harness": __version__,
        "trace": VERSION,
        "recorded": {
            "harness": header.harness,
            "dialect": header.dialect,
            "observer": header.observer,
            "target": header.target,
            "scenario": header.scenario,
            "time": header.time,
            "date": _date(trace),
            "seconds": round(trace.seconds, 3),
            "entries": len(trace.entries),
            "end": trace.end,
        },
        "files": {
            name: {"bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()} for name, data in files.items()
        },
    }
    return (json.dumps(about, indent=2, ensure_ascii=True) + "\n").encode()


def _date(trace: Trace) -> str | None:
    """When the call was made, by the clock of the service that answered it; None where no answer tells."""
    answered = (instant(text(entry.data, "headers", "date")) for entry in trace.of("http.response"))
    return next((when.isoformat() for when in answered if when is not None), None)
