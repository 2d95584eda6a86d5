"""The commands that set one thing beside another: compare, drift."""

from __future__ import annotations

import json
import os
from datetime import date
from pathlib import Path
from typing import Annotated

import typer

from harness.cli.options import AsJson
from harness.cli.terminal import put, remark, say
from harness.errors import UsageError


def compare(
    before: Annotated[Path, typer.Argument(metavar="BEFORE", help="results.json, a trace, or a folder of them.")],
    after: Annotated[Path, typer.Argument(metavar="AFTER", help="The same of the runs to compare with them.")],
    latency_budget: Annotated[
        str, typer.Option("--latency-budget", help="How much a median may grow: 20%, 200ms. Default: no limit.")
    ] = "",
    as_json: AsJson = False,
    markdown: Annotated[bool, typer.Option("--markdown", help="For a pull request or an issue.")] = False,
    html: Annotated[
        Path | None, typer.Option("--html", metavar="FILE", help="Also write a page with timelines.")
    ] = None,
) -> None:
    """Say what changed between two samples of runs. Exit codes: 1 a regression, 0 none, 3 nothing could be compared."""
    from harness.comparing.comparison import compare as compared
    from harness.comparing.sources import read_sample
    from harness.comparing.statistics import Budget
    from harness.files import write_text
    from harness.report.comparison import comparison_lines, comparison_markdown

    if as_json and markdown:
        raise UsageError("--json and --markdown are two forms", where="harness compare", fix="ask for one of them")
    budget = Budget.parse(latency_budget) if latency_budget else None
    found = compared(read_sample(before), read_sample(after), budget=budget)
    if as_json:
        put(json.dumps(found.to_json(), indent=2, ensure_ascii=False) + "\n")
    elif markdown:
        put(comparison_markdown(found))
    else:
        for line in comparison_lines(found):
            say(line)
    if html is not None:
        from harness.report.comparison_page import comparison_html

        write_text(html, comparison_html(found))
        remark(f"  page: {html}")
    raise typer.Exit(found.exit_code)


def drift(
    live: Annotated[
        list[Path] | None,
        typer.Argument(metavar="[LIVE]...", help="Recordings of live calls: traces, or folders of them."),
    ] = None,
    fake: Annotated[
        Path | None, typer.Option("--fake", help="Traces of calls to the fake; default: the suite is run.")
    ] = None,
    require_live: Annotated[
        bool, typer.Option("--require-live", help="Exit with 1 also where no live recording was looked at.")
    ] = False,
    workers: Annotated[
        int | None, typer.Option("-n", min=1, help="Processes side by side; default: one for each core.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Say where the vendor's SDK, the schemas and the fake of this harness, and recordings of live calls differ."""
    from harness.drifting.look import drift as look
    from harness.drifting.text import drift_lines

    found = look(
        live or [],
        fake=fake,
        today=date.today(),
        require_live=require_live,
        workers=workers or os.cpu_count() or 1,
        told=remark,
    )
    if as_json:
        put(json.dumps(found.to_json(), indent=2, ensure_ascii=False) + "\n")
    else:
        for line in drift_lines(found):
            say(line)
    raise typer.Exit(found.exit_code)
