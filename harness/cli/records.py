"""The commands that take recordings to others: export."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from harness.cli.terminal import put, say
from harness.errors import UsageError


def export(
    trace: Annotated[Path, typer.Argument(metavar="TRACE", help="A recorded trace (.ndjson).")],
    form: Annotated[str, typer.Option("--as", help="events, har or pcap.")],
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="The file to write; default: standard output.")
    ] = None,
) -> None:
    """Give a recording to others: its events as JSON lines, its requests as a HAR, its decrypted RTP as a packet capture."""
    from harness.files import write_bytes
    from harness.formats.writing import EXPORTS
    from harness.trace import read_trace

    if form not in EXPORTS:
        raise UsageError(f"unknown form {form!r}", where="--as", fix=f"choose one of: {', '.join(EXPORTS)}")
    row = EXPORTS[form]
    recorded = read_trace(trace)
    if not recorded.of(row.holds):
        raise UsageError(
            f"nothing of the plane {row.holds!r} is in it", where=str(trace), fix="choose another form with --as"
        )
    made = row.write(recorded, {})
    if out is not None:
        write_bytes(out, made)
        say(f"✓ {out}: {row.title}{f'; tshark -r {out} {row.options}' if row.options else ''}")
    elif not row.binary:
        put(made.decode())
    elif sys.stdout.isatty():
        raise UsageError("a packet capture is no text for a terminal", fix=f"name a file: -o {trace.stem}{row.ending}")
    else:
        sys.stdout.buffer.write(made)
