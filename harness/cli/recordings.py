"""The commands that make something of a recording: scenario, cassette, export."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from harness.cli.terminal import put, say
from harness.errors import UsageError

Source = Annotated[Path, typer.Argument(metavar="TRACE", help="A trace (.ndjson), or a cassette (folder or .zip).")]


def cassette(
    trace: Source,
    out: Annotated[
        Path | None,
        typer.Option("-o", "--out", help="The .zip, or a folder; default: the trace's name with .zip, here."),
    ] = None,
) -> None:
    """Pack a recording for a bug report: trace, audio, versions; no secret, no path of this machine."""
    from harness.regression.cassette import write_cassette
    from harness.trace import open_recording

    recording = open_recording(trace)
    made = write_cassette(recording, out or Path(f"{_stem(trace)}.zip"), secrets=_secrets())
    heard = ", ".join(recording.directions) or "none was beside the trace"
    say(f"cassette: {made}  ({recording.trace.seconds:.1f} s of {recording.trace.header.dialect}; audio: {heard})")


def scenario(
    trace: Source,
    out: Annotated[
        Path | None,
        typer.Option(
            "-o",
            "--out",
            help="The scenario file; default: the trace's name with .yaml, here. Its recording goes into a folder of that name.",
        ),
    ] = None,
    words: Annotated[
        bool, typer.Option("--words", help="Also ask for what the model said, word for word; right for a replay alone.")
    ] = False,
) -> None:
    """Make a regression scenario of a recording: it replays the service offline, and asks any service for the same again."""
    from harness.regression.scenario import write_scenario
    from harness.trace import open_recording

    made = write_scenario(open_recording(trace), out or Path(f"{_stem(trace)}.yaml"), words=words, secrets=_secrets())
    say(f"scenario: {made.path}  ({made.steps} steps; its recording is {made.folder}/)")
    for note in made.notes:
        say(f"  note: {note}")
    say(f"  harness run {made.path}")


def export(
    trace: Source,
    form: Annotated[str, typer.Option("--as", help="events, har or pcap.")],
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="The file to write; default: standard output.")
    ] = None,
) -> None:
    """Give a recording to others: its events as JSON lines, its requests as a HAR, its decrypted RTP as a packet capture."""
    from harness.files import write_bytes
    from harness.formats.writing import EXPORTS
    from harness.media.ogg_reader import packets
    from harness.trace import open_recording

    if form not in EXPORTS:
        raise UsageError(f"unknown form {form!r}", where="--as", fix=f"choose one of: {', '.join(EXPORTS)}")
    row = EXPORTS[form]
    recording = open_recording(trace)
    recorded = recording.trace
    if not recorded.of(row.holds):
        raise UsageError(
            f"nothing of the plane {row.holds!r} is in it", where=str(trace), fix="choose another form with --as"
        )
    audio = {one: recording.audio(one) or b"" for one in recording.directions} if row.binary else {}
    try:
        made = row.write(recorded, {one: packets(octets) for one, octets in audio.items()})
    except ValueError as error:
        raise UsageError(
            f"its audio cannot be read: {error}", where=str(trace), fix="export it without the audio beside it"
        ) from error
    if out is not None:
        write_bytes(out, made)
        say(f"✓ {out}: {row.title}{f'; tshark -r {out} {row.options}' if row.options else ''}")
    elif not row.binary:
        put(made.decode())
    elif sys.stdout.isatty():
        raise UsageError(
            "a packet capture is no text for a terminal", fix=f"name a file: -o {_stem(trace)}{row.ending}"
        )
    else:
        sys.stdout.buffer.write(made)


def _stem(path: Path) -> str:
    """The name without what a recording's name ends in."""
    name = path.resolve().name
    for suffix in (".ndjson", ".zip"):
        name = name.removesuffix(suffix)
    return name or "recording"


def _secrets() -> tuple[str, ...]:
    """The credentials of the environment, which must never be handed on, whatever recorded them."""
    from harness.targets.environment import SECRETS, load_environment, variable

    environment = load_environment(Path.cwd())
    return tuple(value for name in SECRETS if (value := variable(environment, name) or os.environ.get(name, "")))
