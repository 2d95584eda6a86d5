"""The rule catalogue as text: RULES.md, the table of ``harness rules``, the page of ``harness explain``. All from the registry."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from harness.diagnosis import CAUSES, Cause
from harness.protocol.dialects import ALL, BETA, DIALECTS, GA
from harness.protocol.generations import BETA_NAMES
from harness.protocol.sessions import SESSION_FIELDS
from harness.report.lifecycles import lifecycles_markdown
from harness.report.sources import linked
from harness.rules.base import Rule, Unobservable
from harness.rules.catalogue import all_rules, families, unobservable_rules


def rules_json() -> list[dict[str, Any]]:
    """The catalogue for scripts: every rule with its declaration, then the rows that cannot be observed."""
    observable = [
        {
            "id": one.id,
            "title": one.title,
            "who": one.who,
            "severity": one.severity,
            "confidence": one.confidence,
            "dialects": sorted(one.dialects),
            "severity_in": dict(sorted(one.per_dialect.items())),
            "hidden_by_filter": one.hidden_by_filter,
            "source": one.source,
            "observable": True,
        }
        for one in all_rules()
    ]
    hidden = [
        {"id": row.id, "title": row.title, "severity": row.severity, "observable": False, "reason": row.reason}
        for row in unobservable_rules()
    ]
    return observable + hidden


def dialects_json() -> list[dict[str, Any]]:
    """``harness dialects --json``: every row, with what clients and services differ in."""
    return [
        {
            "name": row.name,
            "title": row.title,
            "state": row.state,
            "generation": row.generation.name,
            "key_url": row.key_url,
            "key_query": dict(row.key_query),
            "call_url": row.call_url,
            "call_query": dict(row.call_query),
            "auth": [way.name for way in row.auth],
            "key_path": list(row.key_path),
            "label": row.label,
            "call_statuses": sorted(row.call_statuses),
            "key_seconds": row.key_seconds,
            "regions": list(row.regions),
            "client_events": sorted(row.client_events),
            "server_events": sorted(row.server_events),
            "sources": list(row.sources),
        }
        for row in DIALECTS.values()
    ]


def dialects_text() -> Iterator[str]:
    """``harness dialects``: how each is called, then the session settings whose place differs."""
    for row in DIALECTS.values():
        statuses = " or ".join(str(status) for status in sorted(row.call_statuses))
        yield f"{row.name}  {row.title} ({row.state})"
        yield f"  key          POST {row.key_url}{_query(row.key_query)}"
        yield f"  call         POST {row.call_url}{_query(row.call_query)}"
        yield f"  auth         {' or '.join(way.name for way in row.auth)}; key at {'.'.join(row.key_path)}; label {row.label}"
        yield f"  success      {statuses}{'' if row.call_statuses_documented else ' (undocumented)'}"
        yield f"  sources      {'; '.join(row.sources)}"
        yield ""
    yield "session setting      beta                          GA"
    for field in SESSION_FIELDS:
        yield f"{field.word:<20} {'.'.join(field.beta or ('–',)):<29} {'.'.join(field.ga or ('–',))}"
    yield ""
    yield "event in GA                                             in the beta"
    yield from (f"{ga:<55} {beta or '–'}" for ga, beta in BETA_NAMES.items())


def _query(pairs: Mapping[str, str]) -> str:
    return "".join(f"?{name}={value}" for name, value in pairs.items())


def rules_markdown() -> str:
    """RULES.md."""
    rules = all_rules()
    sources = dict.fromkeys(link for one in rules for link in linked(one.source))
    notes = {link: number for number, link in enumerate(sources, 1)}
    lines = [
        "# Rules",
        "",
        "Generated from the registry by `harness rules --markdown`; do not edit.",
        "",
        f"{len(rules)} rules. Only a failed **must** makes a run nonconformant; **should** warns; **info** measures.",
        "A rule that saw nothing to judge says *not-exercised*, never *pass*. `harness explain ID` prints the clause, the reason and",
        "the examples, which are also the rule's tests.",
        "",
        "Confidence: D documented by the vendor or an RFC, O observed in traces or issues, I inferred, U unknown. I and U are never a must.",
        "The letter stands before the footnotes of the rule's sources.",
    ]
    for family in families():
        lines += [
            "",
            f"## {family.id}: {family.title}",
            "",
            "| id | rule | who | dialects | severity | source |",
            "|---|---|---|---|---|---|",
        ]
        lines += [_row(one, notes) for one in rules if one.family == family.id]
    lines += ["", *lifecycles_markdown()]
    hidden = unobservable_rules()
    if hidden:
        lines += ["", "## Not observable from here", "", "| id | rule | severity | reason |", "|---|---|---|---|"]
        lines += [f"| {row.id} | {_cell(row.title)} | {row.severity} | {_cell(row.reason)} |" for row in hidden]
    lines += ["", "## Sources", ""]
    lines += [f"[^{number}]: {f'[{words}]({url})' if url else words}" for (words, url), number in notes.items()]
    return "\n".join(lines) + "\n"


def explain(name: str) -> list[str] | None:
    """What a rule, an unobservable row or a diagnosis means, as lines; None where the id is unknown."""
    wanted = re.sub(r"(?<=-)(?=\d\Z)", "0", name.strip())  # SES-1 is SES-01
    for one in all_rules():
        if one.id.lower() == wanted.lower():
            return list(_rule_page(one))
    for row in unobservable_rules():
        if row.id.lower() == wanted.lower():
            return [f"{row.id}  {row.title}", f"severity    {row.severity}", f"not observable from here: {row.reason}"]
    found = CAUSES.get(wanted.lower())
    return list(_cause_page(found)) if found else None


def known_ids() -> list[str]:
    """Everything ``explain`` knows."""
    return [one.id for one in all_rules()] + [row.id for row in unobservable_rules()] + list(CAUSES)


def dialects_of(one: Rule) -> str:
    """The dialects of a rule in one or two words."""
    names = {frozenset(ALL): "all", frozenset(BETA): "beta", frozenset(GA): "GA"}
    return names.get(one.dialects) or ", ".join(sorted(one.dialects))


def _row(one: Rule, notes: Mapping[tuple[str, str], int]) -> str:
    severity = one.severity + "".join(f" ({value} in {name})" for name, value in sorted(one.per_dialect.items()))
    sources = " ".join(f"[^{notes[link]}]" for link in linked(one.source))
    return (
        f"| {one.id} | {_cell(one.title)} | {one.who} | {dialects_of(one)} | {severity} | {one.confidence} {sources} |"
    )


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


def _rule_page(one: Rule) -> Iterator[str]:
    yield f"{one.id}  {one.title}"
    yield f"who         {one.who}"
    yield f"severity    {one.severity}" + "".join(
        f", {value} in {name}" for name, value in sorted(one.per_dialect.items())
    )
    yield f"dialects    {dialects_of(one)}"
    yield f"source      {one.source} (confidence {one.confidence})"
    if one.hidden_by_filter:
        yield "filter      not observable with webrtcfilter=on"
    yield ""
    yield from one.doc.splitlines()


def _cause_page(found: Cause) -> Iterator[str]:
    yield f"{found.id}  {found.cause}"
    first, *rest = found.recognised.splitlines()
    yield f"{'recognised' if found.found else 'not seen':<12}{first}"
    yield from (f"{'':<12}{line}" for line in rest)
    if found.found is None:
        yield f"{'':<12}No recording shows it, so it is explained here and never claimed of a run."
    yield f"fix         {found.fix}"
    yield f"source      {found.source}"


def rules_text() -> str:
    """``harness rules``: one line a rule, then the rows that cannot be observed."""
    rules, hidden = all_rules(), unobservable_rules()
    more = f"{len(rules)} rules; {len(hidden)} more cannot be observed from here (harness explain ID says why):"
    return "\n".join([*rows_text(rules), "", more, *rows_text(hidden), ""])


def rows_text(rules: Sequence[Rule | Unobservable]) -> Iterator[str]:
    """One line a rule, for the terminal."""
    for one in rules:
        yield f"{one.id:<9} {one.severity:<7} {one.title}"
