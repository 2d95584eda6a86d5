"""The commands that make calls, take them or judge them: run, check, serve, judge."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import Annotated

import typer

from harness.cli.options import (
    Dialects,
    FailFast,
    Keyword,
    LastFailed,
    Marks,
    Out,
    Preset,
    Repeat,
    Strict,
    known_dialects,
)
from harness.cli.terminal import carried_out, failed_before, print_results, repeated, say, written_reports
from harness.errors import UsageError
from harness.protocol.dialects import DIALECTS
from harness.running import CALLS


def run(
    paths: Annotated[list[Path] | None, typer.Argument(metavar="PATH", help="Scenario files or folders.")] = None,
    dialect: Dialects = None,
    target: Annotated[str, typer.Option(help="fake, live, or the base URL of a service.")] = "fake",
    clock: Annotated[
        str | None, typer.Option("--time", help="virtual or real; default: virtual for the fake, else real.")
    ] = None,
    fault: Annotated[
        list[str] | None, typer.Option(help="A fault of the fake (see harness faults). Repeatable.")
    ] = None,
    network: Preset = None,
    seed: Annotated[int, typer.Option(help="Random seed of the network emulator and the timers.")] = 0,
    repeat: Repeat = 1,
    k: Keyword = "",
    m: Marks = "",
    fail_fast: FailFast = False,
    last_failed: LastFailed = False,
    workers: Annotated[int, typer.Option("-n", min=1, help="Processes side by side.")] = 1,
    calls: Annotated[int, typer.Option("--calls", min=1, help="Calls to a service side by side, at most.")] = CALLS,
    out: Out = Path("reports"),
    strict: Strict = False,
) -> None:
    """Run scenario files and judge them. Without a path: scenarios/ here, else the packaged suite."""
    from harness.judging.results import exit_code
    from harness.running.jobs import select
    from harness.running.plan import plan

    chosen = select(
        paths or [],
        dialects=known_dialects(dialect) if dialect else (),
        target=target,
        time=clock,
        faults=tuple(fault or ()),
        out=out,
        keyword=k,
        marks=m,
        network=network,
        seed=seed,
        only=failed_before(out, strict) if last_failed else (),
        repeat=repeat,
        cwd=Path.cwd(),
    )
    made = carried_out(plan(chosen), out, workers=workers, calls=calls, fail_fast=fail_fast)
    raise typer.Exit(exit_code(made.results, strict=strict))


def check(
    context: typer.Context,
    url: Annotated[str, typer.Argument(metavar="URL", help="The base URL of the service.")],
    dialect: Annotated[str, typer.Option("--dialect", "-d", help="One of: " + ", ".join(DIALECTS) + ".")],
    key: Annotated[
        str,
        typer.Option(
            envvar="HARNESS_CALL_KEY", help="API key sent with the call request, for services without a token endpoint."
        ),
    ] = "",
    form: Annotated[bool, typer.Option("--form", help="Send the offer in a form, with the session beside it.")] = False,
    model: Annotated[str, typer.Option(help="The model or deployment; default: from the environment.")] = "",
    region: Annotated[str, typer.Option(help="The region, where the dialect has one.")] = "",
    insecure: Annotated[bool, typer.Option("--insecure", help="Do not check the service's certificate.")] = False,
    cafile: Annotated[str, typer.Option(help="Check it against the certificates in this file (PEM).")] = "",
    without: Annotated[
        list[str] | None,
        typer.Option(help="What the service does not have: function-calls, transcription, ... Repeatable."),
    ] = None,
    network: Preset = None,
    repeat: Repeat = 1,
    slow: Annotated[
        bool, typer.Option("--slow", help="Include scenarios that take more than 30 s of real time.")
    ] = False,
    k: Keyword = "",
    m: Marks = "",
    fail_fast: FailFast = False,
    last_failed: LastFailed = False,
    calls: Annotated[
        int,
        typer.Option(
            "--calls", "-n", min=1, help="Calls side by side, at most; fewer where the service is at its limit."
        ),
    ] = CALLS,
    out: Out = Path("reports"),
    strict: Strict = False,
) -> None:
    """Check any service with the reference suite and grade it by capability. Credentials as for --target live."""
    from harness.checking import service as suite
    from harness.judging.results import exit_code
    from harness.report.grades import grade_lines
    from harness.report.next_steps import next_lines
    from harness.targets.service import Access

    (name,) = known_dialects([dialect])
    access = Access(key, model, region, cafile, insecure, form, suite.needs_named(without or []))
    what = suite.plan(
        url,
        name,
        access,
        keyword=k,
        marks=m,
        only=failed_before(out, strict) if last_failed else (),
        slow=slow,
        network=network,
        repeat=repeat,
        out=out,
        cwd=Path.cwd(),
    )
    found = suite.graded(carried_out(what, out, calls=calls, fail_fast=fail_fast))
    for line in ("", *grade_lines(found.capabilities, found.results), *next_lines(found.results, repeated(context))):
        say(line)
    raise typer.Exit(1 if found.refuses_every_call else exit_code(found.results, strict=strict))


def serve(
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 picks a free one.")] = 8080,
    dialect: Dialects = None,
    fault: Annotated[list[str] | None, typer.Option(help="A fault of the fake. Repeatable.")] = None,
    out: Out = Path("reports"),
    key: Annotated[str, typer.Option(help="The API key that clients must send.")] = "",
    script: Annotated[
        Path | None, typer.Option(help="A scenario file: its fake block says what is heard and answered.")
    ] = None,
    deployment: Annotated[
        list[str] | None, typer.Option(help="A model that exists (default: any). Repeatable.")
    ] = None,
    sample_names: Annotated[
        bool,
        typer.Option(
            "--sample-names",
            help="Send session.update, session.error, session.end, as Microsoft's JavaScript sample expects.",
        ),
    ] = False,
    replay: Annotated[
        Path | None, typer.Option(help="Play the service of this recording: a trace, or a cassette (folder or .zip).")
    ] = None,
    lenient: Annotated[
        bool, typer.Option("--lenient", help="With --replay: the engine answers where the recording has no answer.")
    ] = False,
    silence: Annotated[
        bool, typer.Option("--silence", help="With --replay: silence where the recording's audio is missing.")
    ] = False,
    strict: Strict = False,
) -> None:
    """Serve the fake to a client under test; each call is judged when it ends. Exit code: the verdict on all calls; 3 if no call came."""
    from harness.judging.results import exit_code
    from harness.scenario.script import Replayed
    from harness.serving.serving import serve_forever

    if replay is not None and script is not None:
        raise UsageError("two services at once", where="--replay --script", fix="give one of them")
    if replay is not None and dialect:
        raise UsageError("the dialect is the recording's", where="--replay --dialect", fix="leave --dialect out")
    results = asyncio.run(
        serve_forever(
            host=host,
            port=port,
            dialects=known_dialects(dialect or []),
            faults=tuple(fault or ()),
            out=out,
            key=key,
            script=script,
            sample_names=sample_names,
            deployments=tuple(deployment or ()),
            replay=Replayed(file=str(replay), lenient=lenient, silence=silence) if replay is not None else None,
            say=say,
        )
    )
    if not results:
        say("? no call came: nothing was judged")
    raise typer.Exit(exit_code(results, strict=strict))


def judge(
    files: Annotated[
        list[Path],
        typer.Argument(
            metavar="FILE",
            help="Traces, event logs, HAR files, dumps of webrtc-internals or rtcstats; different forms: one call.",
        ),
    ],
    dialect: Annotated[
        str,
        typer.Option(
            "--dialect", "-d", help="For records of others; default: recognised. One of: " + ", ".join(DIALECTS) + "."
        ),
    ] = "",
    out: Annotated[
        Path | None, typer.Option("--out", help="Also write results.json, conformance.html and junit.xml here.")
    ] = None,
    strict: Strict = False,
) -> None:
    """Judge recordings with the current rules, offline: our traces, and what others recorded of a call."""
    from harness.formats import read_records
    from harness.judging.recording import judged
    from harness.judging.results import exit_code

    began = time.perf_counter()
    (name,) = known_dialects([dialect]) if dialect else ("",)
    results = judged(read_records(files, name), out)
    seconds = time.perf_counter() - began
    written = written_reports(results, out, seconds) if out else None
    print_results(results, seconds, written)
    raise typer.Exit(exit_code(results, strict=strict))
