"""The conformance report as one HTML page: readable without JavaScript, attachments beside it, everything escaped."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness import __version__
from harness.errors import TraceError
from harness.judging.grading import Capability
from harness.judging.results import Result, summary
from harness.judging.samples import in_words
from harness.report.causes import what_broke
from harness.report.figures import timeline
from harness.report.grades import MEANINGS, grade_rows
from harness.report.latencies import by_dialect, by_run
from harness.report.next_steps import next_steps
from harness.report.proof import Proof
from harness.report.sources import as_html
from harness.report.text import GLYPHS, SHOWN_FAILURES, mark, observed_words, outcome_counts, title, totals, worst_of
from harness.rules.base import INFO, REGISTRY, Outcome, Rule, RuleResult
from harness.rules.catalogue import all_rules, families, unobservable_rules
from harness.rules.support.examples import prose_of
from harness.rules.support.reception import added_text
from harness.rules.support.reception import as_text as media_text
from harness.trace import Entry, Trace, read_trace

if TYPE_CHECKING:
    from jinja2 import Environment

LEGEND: Mapping[str, str] = {
    "conformant": "every expectation met, no MUST rule failed; marked ~ where something was refused, failed or a SHOULD rule was missed",
    "nonconformant": "an expectation was missed or a MUST rule failed",
    "inconclusive": "a MUST rule was still open when the trace ended",
    "error": "the call could not be made or broke down: nothing was proven either way",
}
OUTCOMES: Mapping[str, str] = {
    "pass": "something was judged and all of it was right",
    "fail": "something judged was wrong",
    "inconclusive": "still open when the trace ended",
    "not-exercised": "nothing to judge in this run; never counted as green",
    "not-observable": "hidden by webrtcfilter=on",
    "not-applicable": "another dialect or observer",
    "skipped": "switched off by the scenario, with a reason",
}
LISTED_EVENTS = 400


@dataclass(frozen=True)
class RuleRow:
    """One rule over all runs: how often it ended how."""

    id: str
    title: str
    severity: str
    source: str
    counts: Mapping[str, int]
    failed_in: tuple[str, ...]


def conformance_html(
    results: Sequence[Result],
    *,
    seconds: float,
    out: Path | None = None,
    capabilities: Sequence[Capability] = (),
    proof: Proof | None = None,
    made: str = "",
) -> str:
    """The page. Traces are taken from the results, or read from ``out`` where a result came from another process.

    ``proof`` is what a selftest proved, whose page stands beside this one; ``made`` says when the report was.
    """
    checked = bool(results) and results[0].target not in ("fake", "client")
    context: dict[str, Any] = {
        "version": __version__,
        "results": results,
        "summary": summary(results),
        "totals": totals(results, seconds=seconds),
        "legend": LEGEND,
        "grades": grade_rows(capabilities, results),
        "meanings": MEANINGS,
        "checked": checked,
        "next_steps": next_steps(results) if checked else (),
        "outcomes": OUTCOMES,
        "dialects": list(dict.fromkeys(result.dialect for result in results)),
        "matrix": _matrix(results),
        "repeated": by_run(results),
        "set_up": by_dialect(results),
        "broken": what_broke(results),
        "warned": [result for result in results if result.warned],
        "rules": list(rule_rows(results)),
        "unobservable": unobservable_rules(),
        "proof": proof or Proof("no selftest is known"),
        "base": "",
        "report": "",
        "made": made,
        "trace_of": lambda result: recording(result, out),
    }
    return environment().get_template("conformance.html.j2").render(context)


def run_html(result: Result, *, out: Path | None = None, base: str = "") -> str:
    """The part of the page about one run, as a fragment with its own style; for pytest-html.

    ``base`` is the way from the page to the folder with traces and audio.
    """
    return environment().get_template("run.html.j2").render(_about(result, out, base=f"{base}/" if base else ""))


def run_page(result: Result, *, out: Path | None = None) -> str:
    """A page of its own for one run, to stand at :func:`page_of` beside the report."""
    return environment().get_template("page.html.j2").render(_about(result, out, base="../"))


def proof_html(proof: Proof) -> str:
    """The part about the selftest, as a fragment with its own style; for pytest-html."""
    return environment().get_template("proved.html.j2").render(proof=proof)


def selftest_html(proof: Proof) -> str:
    """The page about a selftest: every rule with the faults that show it failing, every fault with what caught it."""
    return environment().get_template("selftest.html.j2").render(version=__version__, proof=proof)


def page_of(result: Result) -> str:
    """Where the page of a conformant run stands, from the report."""
    return f"runs/{anchor(result).removeprefix('run-')}.html"


def _about(result: Result, out: Path | None, *, base: str) -> dict[str, Any]:
    return {
        "version": __version__,
        "run": result,
        "trace": recording(result, out),
        "base": base,
        "report": f"{base}conformance.html",
    }


def recording(result: Result, out: Path | None) -> Trace | None:
    """The trace of a result, from memory or from the file it left; None where that is gone."""
    if result.recording is not None or out is None or result.trace is None:
        return result.recording
    try:
        return read_trace(out / result.trace)
    except TraceError:
        return None


def rule_rows(results: Sequence[Result]) -> Iterator[RuleRow]:
    """All rules of the catalogue over all runs, in the order of the catalogue."""
    by_rule: dict[str, list[tuple[Result, RuleResult]]] = {}
    for result in results:
        for rule in result.rules:
            by_rule.setdefault(rule.id, []).append((result, rule))
    for one in all_rules():
        seen = by_rule.get(one.id, [])
        outcomes = [rule.outcome for _, rule in seen]
        yield RuleRow(
            one.id,
            one.title,
            one.severity,
            one.source,
            {outcome.value: outcomes.count(outcome) for outcome in Outcome if outcome in outcomes},
            tuple(result.id for result, rule in seen if rule.outcome is Outcome.FAIL),
        )


def judged_rules(result: Result) -> list[tuple[RuleResult, Rule | None]]:
    """The rules that had something to judge in this run: failures first, then open ones, then passes."""
    rank = {Outcome.FAIL: 0, Outcome.INCONCLUSIVE: 1, Outcome.PASS: 2}
    shown = [
        rule
        for rule in result.rules
        if rule.outcome in rank and not (rule.severity == INFO and rule.outcome is Outcome.PASS)
    ]
    return [(rule, REGISTRY.get(rule.id)) for rule in sorted(shown, key=lambda rule: rank[rule.outcome])]


def listed(trace: Trace) -> list[Entry]:
    """The entries a person reads one by one: HTTP, connection, channel, events, steps, notes; no packets and levels."""
    entries = [
        entry for entry in trace.entries if entry.plane not in ("rtp", "audio") and entry.kind != "connection.gathering"
    ]
    return entries[:LISTED_EVENTS]


def brief(entry: Entry) -> str:
    """One line about an entry."""
    data = entry.data
    match entry.kind:
        case "event.sent" | "event.received":
            return f"{entry.type} {_gist(entry.event)}".strip()
        case "http.request":
            return f"{data.get('method')} {data.get('url')}"
        case "http.response":
            return f"{data.get('status')} {data.get('headers', {}).get('content-type', '')} ({data.get('step')})"
        case "sdp.offer" | "sdp.answer":
            return f"{len(str(data.get('sdp')).splitlines())} lines of SDP"
        case "step.started" | "step.said":
            return f"step {data.get('step')}: {data.get('text') or data.get('file')}"
        case "step.met" | "step.missed":
            return f"step {data.get('step')}: {data.get('actual')}"
        case "harness.note":
            return str(data.get("text"))
        case "harness.error":
            return f"{data.get('step')}: {data.get('what')}"
    return ", ".join(f"{key} {value}" for key, value in data.items() if isinstance(value, (str, int, float, bool)))[
        :200
    ]


def _gist(event: Mapping[str, Any]) -> str:
    for key in ("delta", "transcript", "text", "arguments"):
        if isinstance(event.get(key), str):
            return repr(event[key][:80])
    inner = event.get("error")
    if isinstance(inner, Mapping):
        return f"{inner.get('code')}: {str(inner.get('message'))[:120]}"
    response = event.get("response")
    if isinstance(response, Mapping) and "status" in response:
        return str(response["status"])
    return ""


def _matrix(results: Sequence[Result]) -> dict[str, dict[str, Result]]:
    """Of each scenario in each dialect its run; of several repetitions the worst."""
    rows: dict[str, dict[str, Result]] = {}
    for result in results:
        cells = rows.setdefault(result.scenario, {})
        known = cells.get(result.dialect)
        cells[result.dialect] = result if known is None else worst_of([known, result])
    return rows


def anchor(result: Result) -> str:
    """The id of a run's section in the page. No two runs share it: ``/`` and ``-`` stay different."""
    name = result.id.removesuffix(f"::{result.dialect}").replace("/", "_")
    plain = "".join(letter if letter.isalnum() or letter in "-_." else f"_{ord(letter):x}" for letter in name)
    return f"run-{plain}.{result.dialect}{f'.{result.repetition}' if result.repetition else ''}"


@cache
def environment() -> Environment:
    """The template environment: autoescape on, missing names are errors."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    made = Environment(
        loader=PackageLoader("harness.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.globals.update(
        timeline=timeline,
        listed=listed,
        brief=brief,
        anchor=anchor,
        page_of=page_of,
        judged_rules=judged_rules,
        outcome_counts=outcome_counts,
        prose_of=prose_of,
        rule_title=title,
        media_text=media_text,
        observed_words=observed_words,
        added_text=added_text,
        shown_failures=SHOWN_FAILURES,
        family_titles={family.id: family.title for family in families()},
    )
    made.filters["linked"] = as_html
    made.filters["glyph"] = lambda verdict: GLYPHS[verdict]
    made.filters["mark"] = mark
    made.filters["in_words"] = in_words
    made.filters["capitalize_first"] = lambda text: text[:1].upper() + text[1:]
    return made
