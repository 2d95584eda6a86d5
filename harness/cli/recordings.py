"""The commands that make something of a recording: scenario, cassette."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from harness.cli.terminal import say

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
