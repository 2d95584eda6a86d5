"""The command line: run, check, serve, judge, rules, faults, dialects, explain, schema. Nobody imports this module."""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from harness import __version__
from harness.cli.terminal import (
    Commands,
    Progress,
    any_text,
    carried_out,
    print_results,
    put,
    say,
    without_secrets,
    written_out,
    written_reports,
)
from harness.errors import HarnessError, UsageError, nearest
from harness.protocol.dialects import DIALECTS

app = typer.Typer(
    cls=Commands,
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="A headless conformance checker for realtime voice APIs over WebRTC. Exit codes: 0 conformant, 1 nonconformant, "
    "2 usage or scenario error, 3 could not judge, 70 a bug in the harness.",
)

Dialects = Annotated[
    list[str] | None, typer.Option("--dialect", "-d", help="One of: " + ", ".join(DIALECTS) + ". Repeatable.")
]
Preset = Annotated[str | None, typer.Option(help="A preset (wifi-bad), for scenarios without a network of their own.")]
Out = Annotated[
    Path, typer.Option("--out", help="Where results.json, conformance.html, junit.xml, traces/ and audio/ go.")
]
Strict = Annotated[bool, typer.Option("--strict", help="Exit with 1 also for conformant runs with warnings.")]
AsJson = Annotated[bool, typer.Option("--json", help="For scripts.")]


def main() -> None:
    """The console script. A deliberate error becomes its message and exit code; anything else is a bug of ours, exit code 70."""
    any_text()
    try:
        with written_out():
            app()
    except HarnessError as error:
        _complain(str(error))
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        _complain("interrupted")
        sys.exit(130)
    except Exception as error:
        if isinstance(error, OSError) and error.filename:
            _complain(f"{error.filename}: {error.strerror}\n  fix: check the path, its permissions and the free space")
            sys.exit(2)
        import traceback

        print(without_secrets(traceback.format_exc()), end="", file=sys.stderr)
        _complain(f"this is a bug in the harness ({type(error).__name__}); please report it with the lines above")
        sys.exit(70)


def _show_version(asked: bool) -> None:
    if asked:
        put(f"realtime-harness {__version__}\n")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", help="Print the version and stop.", callback=_show_version, is_eager=True)
    ] = False,
) -> None:
    pass


@app.command()
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
    k: Annotated[str, typer.Option("-k", help="Only runs whose id matches, as in pytest.")] = "",
    m: Annotated[str, typer.Option("-m", help="Only scenarios with these tags, as in pytest.")] = "",
    workers: Annotated[int, typer.Option("-n", min=1, help="Processes side by side.")] = 1,
    out: Out = Path("reports"),
    strict: Strict = False,
) -> None:
    """Run scenario files and judge them. Without a path: scenarios/ here, else the packaged suite."""
    from harness.judging.results import exit_code
    from harness.running.jobs import select
    from harness.running.plan import plan

    chosen = select(
        paths or [],
        dialects=_known_dialects(dialect) if dialect else (),
        target=target,
        time=clock,
        faults=tuple(fault or ()),
        out=out,
        keyword=k,
        marks=m,
        network=network,
        seed=seed,
        cwd=Path.cwd(),
    )
    raise typer.Exit(exit_code(carried_out(plan(chosen), workers, out).results, strict=strict))


@app.command()
def check(
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
    slow: Annotated[
        bool, typer.Option("--slow", help="Include scenarios that take more than 30 s of real time.")
    ] = False,
    k: Annotated[str, typer.Option("-k", help="Only runs whose id matches, as in pytest.")] = "",
    workers: Annotated[int, typer.Option("-n", min=1, help="Calls side by side.")] = 1,
    out: Out = Path("reports"),
    strict: Strict = False,
) -> None:
    """Check any service with the reference suite and grade it by capability. Credentials as for --target live."""
    from harness.checking import service as suite
    from harness.judging.results import exit_code
    from harness.running.plan import reasons
    from harness.targets.service import Access

    (name,) = _known_dialects([dialect])
    access = Access(key, model, region, cafile, insecure, form, suite.needs_named(without or []))
    what = suite.plan(url, name, access, keyword=k, slow=slow, network=network, out=out, cwd=Path.cwd())
    found = suite.graded(carried_out(what, workers, out))
    for line in ("", *reasons(found.left_out[len(what.left_out) :]), *suite.table(found.capabilities)):
        say(line)
    raise typer.Exit(exit_code(found.results, strict=strict))


@app.command()
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
    strict: Strict = False,
) -> None:
    """Serve the fake to a client under test; each call is judged when it ends. Exit code: the verdict on all calls; 3 if no call came."""
    from harness.judging.results import exit_code
    from harness.serving.serving import serve_forever

    results = asyncio.run(
        serve_forever(
            host=host,
            port=port,
            dialects=_known_dialects(dialect or []),
            faults=tuple(fault or ()),
            out=out,
            key=key,
            script=script,
            sample_names=sample_names,
            deployments=tuple(deployment or ()),
            say=say,
        )
    )
    if not results:
        say("? no call came: nothing was judged")
    raise typer.Exit(exit_code(results, strict=strict))


@app.command()
def judge(
    traces: Annotated[list[Path], typer.Argument(metavar="TRACE", help="Recorded traces (.ndjson).")],
    out: Annotated[
        Path | None, typer.Option("--out", help="Also write results.json, conformance.html and junit.xml here.")
    ] = None,
    strict: Strict = False,
) -> None:
    """Judge recorded traces with the current rules, offline."""
    from harness.judging.recording import judge_file
    from harness.judging.results import exit_code

    began = time.perf_counter()
    results = [judge_file(path) for path in traces]
    seconds = time.perf_counter() - began
    written = written_reports(results, out, seconds) if out else None
    print_results(results, seconds, written)
    raise typer.Exit(exit_code(results, strict=strict))


@app.command()
def rules(
    as_json: AsJson = False,
    markdown: Annotated[bool, typer.Option("--markdown", help="RULES.md on standard output.")] = False,
    covered: Annotated[
        bool, typer.Option("--coverage", help="What the suite exercises: from results.json, else by running it.")
    ] = False,
    out: Annotated[Path, typer.Option("--out", help="Folder with results.json.")] = Path("reports"),
) -> None:
    """List the rules, or what the suite exercises of them."""
    from harness.report.catalogue import rules_json, rules_markdown, rules_text

    if covered:
        from harness.selftest.coverage import coverage_page

        put(coverage_page(out, as_json=as_json, progress=Progress) + "\n")
    elif as_json:
        put(json.dumps(rules_json(), indent=2) + "\n")
    else:
        put(rules_markdown() if markdown else rules_text())


@app.command()
def faults(as_json: AsJson = False) -> None:
    """List the faults of the fake service and of the caller."""
    from harness.running.faults import faults_json, faults_text

    if as_json:
        put(json.dumps(faults_json(), indent=2) + "\n")
        return
    put("".join(f"{line}\n" for line in faults_text()))


@app.command()
def dialects(as_json: AsJson = False) -> None:
    """List the dialects and where they differ."""
    from harness.report.catalogue import dialects_json, dialects_text

    if as_json:
        put(json.dumps(dialects_json(), indent=2) + "\n")
        return
    put("".join(f"{line}\n" for line in dialects_text()))


@app.command()
def selftest(
    names: Annotated[
        list[str] | None,
        typer.Argument(metavar="[FAULT|RULE]...", help="Only these faults, or those that a rule catches."),
    ] = None,
    as_json: AsJson = False,
    workers: Annotated[
        int | None, typer.Option("-n", min=1, help="Processes side by side; default: one for each core.")
    ] = None,
    out: Annotated[
        Path,
        typer.Option("--out", help="Where selftest.json and selftest.html go; reports made there show what is proven."),
    ] = Path("reports"),
) -> None:
    """Prove the rules: each fault must be caught by exactly its rules, and each clean scenario must report nothing.

    Results are written to --out only after a selftest of all faults.
    """
    import os

    from harness.report.write import write_selftest
    from harness.selftest.proof import selftest as prove
    from harness.selftest.proof import tasks_of

    wanted = names or []
    progress = Progress(len(tasks_of(wanted, clean=not wanted)))
    with progress:
        result = prove(names=wanted, clean=not wanted, workers=workers or os.cpu_count() or 1, done=progress.step)
    document = result.to_json()
    written = write_selftest(document, out) if result.whole else None
    if as_json:
        put(json.dumps(document, indent=2) + "\n")
    else:
        for line in result.lines():
            say(line)
        if written is not None:
            say(f"  report: {written}")
    if result.made < result.planned:
        raise KeyboardInterrupt
    raise typer.Exit(0 if result.passed else 1)


@app.command()
def explain(name: Annotated[str, typer.Argument(metavar="ID", help="A rule, a diagnosis or a fault.")]) -> None:
    """Explain a rule, a diagnosis or a fault: what it means, why, its source, its examples."""
    from harness.report import catalogue
    from harness.running import faults

    lines = catalogue.explain(name) or faults.explain_fault(name)
    if lines is None:
        near = nearest(name, [*catalogue.known_ids(), *(one["fault"] for one in faults.faults_json())], cutoff=0.5)
        hint = f"did you mean {near}?" if near else "harness rules and harness faults list them all"
        raise UsageError(f"unknown rule, diagnosis or fault {name!r}", where="harness explain", fix=hint)
    put("".join(f"{line}\n" for line in lines))


@app.command()
def schema() -> None:
    """Print the JSON Schema of scenario files, for editors."""
    from harness.scenario.loader import scenario_schema

    put(json.dumps(scenario_schema(), indent=2) + "\n")


def _known_dialects(names: Sequence[str]) -> tuple[str, ...]:
    for name in names:
        if name not in DIALECTS:
            near = nearest(name, DIALECTS)
            fix = f"did you mean {near}?" if near else f"one of {', '.join(DIALECTS)}"
            raise UsageError(f"unknown dialect {name!r}", where="--dialect", fix=fix)
    return tuple(names) or tuple(DIALECTS)


def _complain(message: str) -> None:
    print(without_secrets(f"harness: {message}"), file=sys.stderr)


if __name__ == "__main__":
    main()
