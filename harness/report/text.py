"""The verdict for a terminal: what failed, where, expected, seen, what to do; then one line a scenario, and the totals."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import starmap
from pathlib import Path

from harness.diagnosis import Diagnosis
from harness.judging.results import Result, summary
from harness.report.causes import what_broke
from harness.report.latencies import latency_lines
from harness.rules.base import INFO, MUST, REGISTRY, SHOULD, Outcome, RuleResult, Severity

GLYPHS: Mapping[str, str] = {"conformant": "✓", "nonconformant": "✗", "inconclusive": "?", "error": "!"}
NOTICE = "·"
WARNED = "~"
"""The sign of a conformant run with warnings: trouble in the call, or a SHOULD rule that failed."""
SHOWN_FAILURES = 3


def lines_of(results: Sequence[Result], *, seconds: float, out: Path | None = None) -> Iterator[str]:
    """The whole report: each cause once with its first run, then all scenarios. The first character of a line is its glyph (see GLYPHS).

    ``out`` is the folder that the paths of traces are relative to.
    """
    broken = what_broke(results)
    troubled = [
        one for one in results if one.warned and (one.troubles or any(not step.met for step in one.expectations))
    ]
    for result in troubled:
        yield from failure(result, out=out)
        yield ""
    for group in broken:
        yield from failure(group.runs[0], out=out)
        if len(group.runs) > 1:
            others = [_brief(run) for run in group.runs[1:]]
            more = len(others) - SHOWN_FAILURES
            shown = ", ".join(others[:SHOWN_FAILURES]) + (f" and {more} more" if more > 0 else "")
            yield f"    also      {shown}"
        yield ""
    yield from matrix(results)
    for result in results:
        yield from observed_lines(result)
    times = list(latency_lines(results))
    if times:
        yield from ("", *times)
    told = {result.label for result in troubled}
    warned = list(warnings([result for result in results if result.label not in told]))
    if warned:
        yield ""
        yield from warned
    yield ""
    if len(broken) > 1 or (broken and len(broken[0].runs) > 1):
        for group in broken:
            runs = "1 run " if len(group.runs) == 1 else f"{len(group.runs)} runs"
            yield f"{GLYPHS[group.verdict]} {runs}  {group.cause}  [{group.id or group.verdict}]"
    yield totals(results, seconds=seconds)


def failure(result: Result, *, out: Path | None = None) -> Iterator[str]:
    """One run that is not conformant, or is with warnings: verdict, then diagnosis, then what was expected and seen.

    ``out`` is where its files lie.
    """
    warned = ", with warnings" if result.warned else ""
    yield f"{mark(result)} {result.verdict}{warned}  {result.label}  ({result.title})"
    for one in result.diagnosis[:1]:
        yield from _cause(one)
    if result.error:
        first, *rest = result.error.splitlines()
        yield f"    error     {first}"
        for line in rest:
            label, _, text = line.strip().partition(": ")
            if label != "fix" or not result.diagnosis:
                yield f"    {label:<9} {text}"
    yield from troubles(result)
    # After an error, the order that was not reached says nothing new.
    missed_ones = [one for one in result.expectations if not one.met and (one.step or not result.error)]
    shown = [one for one in missed_ones if one.reached]
    for missed in shown:
        where = f"step {missed.step}" if missed.step else "assert"
        yield f"    {where:<9} expected {missed.expected}"
        yield f"              seen     {missed.actual}{_entry(missed.entry)}"
    if any(missed.lenient for missed in shown):
        yield f"              not counted against the service: {lenience(result)}"
    skipped = len(missed_ones) - len(shown)
    if skipped:
        yield f"              {skipped} later step{'s' if skipped > 1 else ''} not reached"
    for rule in result.rules:
        broken = rule.severity == MUST and rule.outcome in (Outcome.FAIL, Outcome.INCONCLUSIVE)
        if broken or (result.warned and rule.severity == SHOULD and rule.outcome is Outcome.FAIL):
            yield from _rule(rule)
    if result.trace:
        yield f"    trace     {(out or Path()) / result.trace}"


def troubles(result: Result) -> Iterator[str]:
    """What was refused, failed or came to nothing in a run, in the service's words."""
    untold = [one for one in result.troubles if not any(one.said in told.cause for told in result.diagnosis[:1])]
    for one in untold[:SHOWN_FAILURES]:
        yield f"    trouble   {one.what}{_entry(one.entry)}"
        yield f"              said     {one.said}"
    if len(untold) > SHOWN_FAILURES:
        yield f"              and {len(untold) - SHOWN_FAILURES} more"


def mark(result: Result) -> str:
    """The sign of a run: that of its verdict, or that of a conformant run with warnings."""
    return WARNED if result.warned else GLYPHS[result.verdict]


def matrix(results: Sequence[Result]) -> Iterator[str]:
    """One line a scenario: a mark for each dialect it ran in."""
    rows: dict[str, list[Result]] = {}
    for result in results:
        rows.setdefault(result.scenario, []).append(result)
    width = max((len(_short(name)) for name in rows), default=0)
    for name, runs in rows.items():
        worst = worst_of(runs)
        by_dialect: dict[str, list[Result]] = {}
        for run in runs:
            by_dialect.setdefault(run.dialect, []).append(run)
        marks = "  ".join(starmap(_marks, by_dialect.items()))
        yield f"{mark(worst)} {_short(name):<{width}}  {marks}"


def observed_words(result: Result) -> list[tuple[str, str]]:
    """What a record that shows a part of a call was good for, each with its label; nothing for a whole one.

    How many rules it can show; by what its dialect was known; what of it was not read.
    """
    seen = result.observed
    if not seen:
        return []
    record = str(seen.get("record", "")).replace("+", ", ") or "a part of the call"
    words = [("record", f"{record} only: {seen['judged']} of {seen['rules']} rules can be judged")]
    words += [("dialect", str(seen["recognised"]))] if "recognised" in seen else []
    return [*words, *(("note", str(note)) for note in seen.get("left_out", ()))]


def observed_lines(result: Result) -> Iterator[str]:
    """The same for a terminal."""
    for label, words in observed_words(result):
        yield f"{NOTICE} {words}  ({result.scenario})" if label == "record" else f"    {label:<9} {words}"


def _marks(dialect: str, runs: Sequence[Result]) -> str:
    """The mark of a run; of several repetitions that of the worst, and how many have it where that are not all."""
    worst = worst_of(runs)
    if not worst.repetition:
        return f"{mark(worst)} {dialect}"
    alike = sum(mark(run) == mark(worst) for run in runs)
    return f"{mark(worst)} {dialect} {f'×{len(runs)}' if alike == len(runs) else f'{alike} of {len(runs)}'}"


def worst_of(runs: Sequence[Result]) -> Result:
    """The first of the runs with the worst verdict."""
    return max(runs, key=lambda run: (list(GLYPHS).index(run.verdict), run.warned))


def warnings(results: Sequence[Result]) -> Iterator[str]:
    """SHOULD rules that failed, each once, with the number of runs, one example, its cause and its fix; then notices."""
    for rule_id, (result, rule), runs in _failed(results, SHOULD):
        yield f"{WARNED} {rule_id} (should) {title(rule_id)}: {runs}, for example {result.id}"
        for seen in rule.failures[:1]:
            yield f"    expected  {' or '.join(seen.expected)}"
            yield f"    seen      {seen.actual}{_entry(seen.entry)}"
            for cause in [one for one in result.diagnosis if seen.entry in one.evidence][:1]:
                yield from _cause(cause)
    for rule_id, (_, rule), runs in _failed(results, INFO):
        for seen in rule.failures[:1]:
            what = f"{seen.actual} (expected {' or '.join(seen.expected)})"
            yield f"{NOTICE} {rule_id} (info) {title(rule_id)}: {runs}: {what}"


def _failed(results: Sequence[Result], severity: Severity) -> Iterator[tuple[str, tuple[Result, RuleResult], str]]:
    """The rules of this severity that failed, each with its first run and the number of runs in words."""
    failed: dict[str, list[tuple[Result, RuleResult]]] = {}
    for result in results:
        for rule in result.rules:
            if rule.outcome is Outcome.FAIL and rule.severity == severity:
                failed.setdefault(rule.id, []).append((result, rule))
    for rule_id, hits in failed.items():
        yield rule_id, hits[0], runs_in_words(len(hits))


def totals(results: Sequence[Result], *, seconds: float) -> str:
    """The last line."""
    counts = summary(results)
    parts = [f"{counts[name]} {name}" for name in GLYPHS if counts[name]]
    if counts["with_warnings"]:
        parts[0] += f" ({counts['with_warnings']} with warnings)"
    media = sum(result.media_seconds for result in results)
    glyph = next(
        (GLYPHS[name] for name in ("nonconformant", "error", "inconclusive") if counts[name]),
        WARNED if counts["with_warnings"] else GLYPHS["conformant" if results else "inconclusive"],
    )
    return f"{glyph} {runs_in_words(counts['runs'])}: {', '.join(parts) or 'none'}; {media:.1f} s of conversation in {seconds:.1f} s"


def runs_in_words(number: int) -> str:
    """ "1 run", "2 runs"."""
    return f"{number} run{'' if number == 1 else 's'}"


def lenience(result: Result) -> str:
    """Why a step that was missed is nobody's fault."""
    disturbed = result.media.get("network")
    return "the network was disturbed on purpose" if disturbed else "it depends on what the model answers"


def title(rule_id: str) -> str:
    """The title of a rule, or its id where the catalogue does not know it."""
    return REGISTRY[rule_id].title if rule_id in REGISTRY else rule_id


def outcome_counts(results: Sequence[RuleResult]) -> dict[str, int]:
    """How many rules ended how, INFO rules left out: they are measurements."""
    counted = [rule.outcome.value for rule in results if rule.severity != INFO]
    return {outcome.value: counted.count(outcome.value) for outcome in Outcome if counted.count(outcome.value)}


def _cause(found: Diagnosis) -> Iterator[str]:
    yield f"    cause     {found.cause}  [{found.id}]"
    yield f"    fix       {found.fix}"


def _rule(rule: RuleResult) -> Iterator[str]:
    yield f"    {rule.id:<9} {title(rule.id)} ({rule.severity}, {rule.outcome.value})"
    for seen in rule.failures[:SHOWN_FAILURES]:
        if seen.expected:
            yield f"              expected {' or '.join(seen.expected)}"
        yield f"              seen     {seen.actual}{_entry(seen.entry)}"
    if len(rule.failures) > SHOWN_FAILURES:
        yield f"              and {len(rule.failures) - SHOWN_FAILURES} more; harness explain {rule.id} says what it means"


def _entry(seq: int | None) -> str:
    return "" if seq is None else f" (entry {seq})"


def _brief(run: Result) -> str:
    return f"{_short(run.scenario)} [{run.dialect}]{f' #{run.repetition}' if run.repetition else ''}"


def _short(name: str) -> str:
    return name.removeprefix("scenarios/").removesuffix(".yaml").removesuffix(".yml")
