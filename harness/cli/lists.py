"""The commands that tell what the harness knows and prove it: rules, faults, dialects, selftest, explain, schema."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Annotated

import typer

from harness.cli.options import AsJson
from harness.cli.terminal import Progress, put, say
from harness.errors import UsageError, nearest


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


def faults(as_json: AsJson = False) -> None:
    """List the faults of the fake service and of the caller."""
    from harness.running.faults import faults_json, faults_text

    if as_json:
        put(json.dumps(faults_json(), indent=2) + "\n")
        return
    put("".join(f"{line}\n" for line in faults_text()))


def dialects(as_json: AsJson = False) -> None:
    """List the dialects and where they differ."""
    from harness.report.catalogue import dialects_json, dialects_text

    if as_json:
        put(json.dumps(dialects_json(), indent=2) + "\n")
        return
    put("".join(f"{line}\n" for line in dialects_text()))


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


def schema() -> None:
    """Print the JSON Schema of scenario files, for editors."""
    from harness.scenario.loader import scenario_schema

    put(json.dumps(scenario_schema(), indent=2) + "\n")
