"""A comparison for people: lines for a terminal, Markdown for a comment, one HTML page with both timelines above each other."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from harness.comparing.changes import OrderChange, RuleChange, StepChange, VerdictChange
from harness.comparing.comparison import Comparison, Pair, Sample
from harness.comparing.statistics import FEWEST, LatencyChange
from harness.judging.samples import in_words
from harness.report.latencies import distribution_in_words
from harness.report.text import runs_in_words, title

FEW_PAIRS = 3
"""Up to so many pairs are shown with all their latencies."""
_SHOWN = 6
_TELLING = ("newly failing", "newly passing")
_CERTAIN = ("slower", "faster")
_WORSE, _CHANGED, _SAME, _OPEN = "✗", "~", "✓", "?"


def comparison_lines(found: Comparison) -> Iterator[str]:
    """The whole comparison; the first character of a line is its glyph (``✗`` a regression, ``~`` another change)."""
    for name, side in (("before", found.before), ("after ", found.after)):
        yield f"{name}  {side_in_words(side)}"
    yield from (f"· {note}" for note in found.notes())
    yield ""
    shown = [pair for pair in found.pairs if pair.changed or len(found.pairs) <= FEW_PAIRS]
    for alike in _alike(sorted(shown, key=lambda pair: not pair.reasons)):
        yield from _pair_lines(alike[0], whole=len(found.pairs) <= FEW_PAIRS)
        others = [f"{_short(pair.scenario)} [{_dialects(pair)}]" for pair in alike[1:]]
        if others:
            more = f" and {len(others) - 3} more" if len(others) > 3 else ""
            yield f"    also      {', '.join(others[:3])}{more}"
        yield ""
    yield from _overall_lines(found)
    for words, only in (("before", found.only_before), ("after", found.only_after)):
        if only:
            names = list(only)
            more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
            yield f"· only {words}, not compared: {', '.join(map(_short, names[:_SHOWN]))}{more}"
    yield total(found)


def side_in_words(side: Sample) -> str:
    """One side: its name, runs, dialects, target, clock."""
    parts = [runs_in_words(len(side.runs)), *(", ".join(side.values(name)) for name in ("dialect", "target"))]
    parts.append("".join(f"{time} time" for time in side.values("time")[:1]))
    return f"{side.name}  {', '.join(part for part in parts if part)}"


def total(found: Comparison) -> str:
    """The last line: how many pairs, how many of them changed, what that means."""
    if not found.pairs:
        return f"{_OPEN} nothing could be compared: no scenario is on both sides in a dialect"
    changed = sum(pair.changed and not pair.reasons for pair in found.pairs)
    lost = sum(not pair.comparable for pair in found.pairs)
    same = len(found.pairs) - len(found.regressions) - changed
    parts = [f"{len(found.regressions)} worse", f"{changed} changed otherwise", f"{same} unchanged"]
    if found.beyond:
        parts.append(f"{len(found.beyond)} latencies of the set-up beyond the budget")
    if lost:
        parts.append(f"{lost} without anything to compare with: every call before broke down")
    glyph = {0: _CHANGED if changed else _SAME, 1: _WORSE, 3: _OPEN}[found.exit_code]
    pairs = "1 pair" if len(found.pairs) == 1 else f"{len(found.pairs)} pairs"
    return f"{glyph} {pairs}: {', '.join(parts)}"


def _alike(pairs: Sequence[Pair]) -> list[list[Pair]]:
    """Pairs that changed in the same way together: what a new API version does, it does in every call."""
    groups: dict[Any, list[Pair]] = {}
    for number, pair in enumerate(pairs):
        worse = bool(pair.reasons)
        key: Any = (
            tuple(sorted(pair.verdict.before)),
            tuple(sorted(pair.verdict.after)),
            tuple((one.id, one.kind) for one in pair.rules if one.kind in _TELLING or not worse),
            pair.causes.first,
            None if worse or pair.order is None else (pair.order.before, pair.order.after, pair.order.context),
        )
        alone = (
            any(one.beyond or (not worse and one.direction in _CERTAIN) for one in pair.latencies)
            or len(pairs) <= FEW_PAIRS
        )
        groups.setdefault(number if alone else key, []).append(pair)
    return list(groups.values())


def _pair_lines(pair: Pair, *, whole: bool) -> Iterator[str]:
    glyph = _WORSE if pair.reasons else _CHANGED if pair.changed else _SAME
    yield f"{glyph} {_short(pair.scenario)} [{_dialects(pair)}]  {verdict_in_words(pair.verdict)}"
    if not pair.comparable:
        yield "    no basis  every call before broke down: there is nothing to compare with"
    if pair.causes.changed:
        yield f"    cause     {cause_in_words(pair)}"
    for change in shown_steps(pair):
        where = f"step {change.step.number}" if change.step.number else "assert"
        yield f"    {where:<9} {'newly missed' if change.newly else 'no longer missed'}: {change.step.expected}"
        yield f"              seen     {change.step.actual}"
    for kind, rows in rules_by_kind(pair).items():
        yield f"    rules     {kind}: {_rules(rows)}"
    for name, (was, now) in pair.milestones.items():
        yield f"    reached   {name}: in {was} of {len(pair.before)} before, in {now} of {len(pair.after)} after"
    if pair.order:
        yield from (
            f"    {'order' if not number else '':<9} {line}" for number, line in enumerate(order_in_words(pair.order))
        )
    elif any(pair.without_order):
        yield f"    order     {order_unknown(pair)}"
    yield from _latency_lines(pair, whole=whole)


def _latency_lines(pair: Pair, *, whole: bool) -> Iterator[str]:
    told = [one for one in pair.latencies if whole or one.beyond or one.direction in _CERTAIN]
    few = [one for one in told if one.interval is None and min(one.runs)]
    width = max((len(one.name) for one in told), default=0)
    for one in told:
        yield f"    latency   {one.name:<{width}}  {latency_in_words(one)}"
    if few:
        yield f"              {FEWEST} runs on each side allow a claim: harness run --repeat 10"


def _overall_lines(found: Comparison) -> Iterator[str]:
    for dialects, rows in found.overall.items():
        told = [one for one in rows if one.before and one.after]
        if told:
            yield f"  set-up over all pairs [{' → '.join(dict.fromkeys(dialects))}]"
        width = max((len(one.name) for one in told), default=0)
        for one in told:
            glyph = _WORSE if one.beyond else _CHANGED if one.direction in _CERTAIN else " "
            yield f"{glyph}   {one.name:<{width}}  {latency_in_words(one)}"
        if told:
            yield ""


def verdict_in_words(change: VerdictChange) -> str:
    """ "conformant → nonconformant"; with counts where there are several runs."""
    several = max(sum(change.before.values()), sum(change.after.values())) > 1
    was, now = (_verdicts(one, several) for one in (change.before, change.after))
    return was if was == now else f"{was} → {now}"


def _verdicts(counts: Mapping[str, int], several: bool) -> str:
    return ", ".join(f"{count} {name}" if several else name for name, count in counts.items())


def cause_in_words(pair: Pair) -> str:
    """The first cause before and after, what else is new or gone."""
    was, now = pair.causes.first
    text = f"{was or 'none'} → {now or 'none'}" if was != now else f"{now or 'none'}"
    more = [f"new: {', '.join(pair.causes.new)}"] if [one for one in pair.causes.new if one != now] else []
    more += [f"gone: {', '.join(pair.causes.gone)}"] if [one for one in pair.causes.gone if one != was] else []
    return "; ".join([text + (f": {pair.causes.words}" if was != now and pair.causes.words else ""), *more])


def shown_steps(pair: Pair) -> tuple[StepChange, ...]:
    """The steps that changed, the first few."""
    return pair.steps[:_SHOWN]


def rules_by_kind(pair: Pair) -> dict[str, list[RuleChange]]:
    """The rules that changed, by how; those that fail first."""
    found: dict[str, list[RuleChange]] = {}
    for one in pair.rules:
        found.setdefault(one.kind, []).append(one)
    first = ("newly failing", "failing more often", "now open", "newly passing")
    return {kind: found[kind] for kind in sorted(found, key=lambda kind: (kind not in first, kind))}


def rule_in_words(one: RuleChange) -> str:
    """Its id, severity and title; how many runs it failed in where that are not all."""
    failed, judged = one.after
    often = f", in {failed} of {judged}" if failed and judged > 1 else ""
    return f"{one.id} ({one.severity}{often}) {title(one.id)}"


def _rules(rows: Sequence[RuleChange]) -> str:
    fails = rows[0].kind in ("newly failing", "failing more often")
    names = [rule_in_words(one) if fails else one.id for one in rows]
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ("; " if fails else ", ").join(names[:_SHOWN]) + more


def order_in_words(change: OrderChange) -> list[str]:
    """Where the order first differs, then what one side has more of."""
    context = f", after {', '.join(change.context)}" if change.context else ""
    lines = [f"first differs at event {change.at + 1}{context}: was {change.before}, is {change.after}"]
    if change.only_before:
        lines.append(f"only before: {_names(change.only_before)}")
    if change.only_after:
        lines.append(f"only after: {_names(change.only_after)}")
    if change.orders > 1:
        lines.append(f"the runs before had {change.orders} different orders themselves")
    return lines


def order_unknown(pair: Pair) -> str:
    """Why nothing, or not all, is said of the order of events."""
    was, now = pair.without_order
    parts = [
        f"{count} of {len(runs)} {side}"
        for count, runs, side in ((was, pair.before, "before"), (now, pair.after, "after"))
        if count
    ]
    return f"not compared where the trace is missing: {', '.join(parts)}"


def _names(several: Sequence[str]) -> str:
    names = [f"{name} ×{count}" if count > 1 else name for name, count in Counter(several).items()]
    return ", ".join(names[:_SHOWN]) + (f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else "")


def latency_in_words(one: LatencyChange) -> str:
    """Both distributions, and what can be said of their difference."""
    if one.before is None or one.after is None:
        side, seen = ("after", one.after) if one.before is None else ("before", one.before)
        return f"only {side}: {distribution_in_words(seen)}" if seen else "never measured"
    both = f"{distribution_in_words(one.before)} → {distribution_in_words(one.after)}"
    return f"{both}  {claim(one)}"


def claim(one: LatencyChange) -> str:
    """What can be said of the difference: the interval, or that there are too few runs to say anything."""
    if one.interval is None:
        return f"too few runs for a claim: n = {min(one.runs)}"
    interval = one.interval
    if interval.low == interval.high == 0:
        return "no difference"
    words = {"slower": "slower", "faster": "faster", "same": "no certain difference"}[one.direction]
    budget = ", beyond the budget" if one.beyond else ""
    caller = "" if one.service else ", by the caller alone"
    return (
        f"{words} by {_signed(interval.difference)} (95 %: {_signed(interval.low)} to {_signed(interval.high)}){budget}{caller}"
        if one.direction != "same"
        else f"{words}: {_signed(interval.difference)} (95 %: {_signed(interval.low)} to {_signed(interval.high)})"
    )


def _signed(seconds: float) -> str:
    return f"{'+' if seconds >= 0 else '−'}{in_words(abs(seconds))}"


def _dialects(pair: Pair) -> str:
    return " → ".join(dict.fromkeys(pair.dialects)) + (
        "" if pair.observer == "client" else f", seen by the {pair.observer}"
    )


def _short(name: str) -> str:
    return name.removeprefix("scenarios/").replace(".yaml::", "::").removesuffix(".yaml").removesuffix(".yml")


def comparison_markdown(found: Comparison) -> str:
    """The comparison as Markdown, for a pull request or an issue."""
    lines = [
        f"**{total(found)}**",
        "",
        f"- before: {side_in_words(found.before)}",
        f"- after: {side_in_words(found.after)}",
    ]
    lines += [f"- {note}" for note in found.notes()]
    changed = [pair for pair in found.pairs if pair.changed]
    if changed:
        lines += ["", "| | scenario | verdict | what changed |", "|---|---|---|---|"]
    for pair in sorted(changed, key=lambda pair: not pair.reasons):
        what = [f"cause: {cause_in_words(pair)}"] if pair.causes.changed else []
        what += [
            f"step {one.step.number} {'newly' if one.newly else 'no longer'} missed: {one.step.expected}"
            for one in shown_steps(pair)
        ]
        what += [f"{kind}: {_rules(rows)}" for kind, rows in rules_by_kind(pair).items()]
        what += order_in_words(pair.order) if pair.order else []
        glyph = _WORSE if pair.reasons else _CHANGED
        lines.append(
            f"| {glyph} | {_cell(_short(pair.scenario))} [{_dialects(pair)}] | {_cell(verdict_in_words(pair.verdict))} | {'<br>'.join(map(_cell, what))} |"
        )
    rows = [
        (pair.id, one)
        for pair in found.pairs
        for one in pair.latencies
        if one.before and one.after and (pair.changed or len(found.pairs) <= FEW_PAIRS)
    ]
    rows = [
        (" → ".join(dict.fromkeys(key)), one)
        for key, several in found.overall.items()
        for one in several
        if one.before and one.after
    ] + rows
    if rows:
        lines += ["", "| latency | of | before | after | difference of the medians |", "|---|---|---|---|---|"]
    for name, one in rows:
        assert one.before is not None
        assert one.after is not None
        lines.append(
            f"| {one.name} | {_cell(_short(name))} | {distribution_in_words(one.before)} | {distribution_in_words(one.after)} | {claim(one)} |"
        )
    for words, only in (("before", found.only_before), ("after", found.only_after)):
        if only:
            lines += ["", f"Only {words}, not compared: {', '.join(map(_short, only))}"]
    return "\n".join(lines) + "\n"


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")
