"""What types cannot say of a scenario: event names, conditions, variables, dialects, rule ids, recordings."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from itertools import groupby
from pathlib import Path as FilePath
from typing import Any

from harness.errors import UsageError
from harness.protocol.dialects import DIALECTS
from harness.protocol.retirements import retiring
from harness.scenario import marks
from harness.scenario.files import resolve_audio, resolve_recording
from harness.scenario.marks import Marked, Path, marked
from harness.scenario.match import CONDITIONS, lookup, variables_in
from harness.scenario.model import Scenario
from harness.scenario.requirements import able, requirements, rows_of
from harness.scenario.sent import check_sent
from harness.scenario.source import Source
from harness.scenario.steps import STEPS
from harness.scenario.vocabulary import (
    SESSION_WORDS,
    did_you_mean,
    passes_filter,
    wrong_client_event,
    wrong_server_event,
)

_VARIABLE_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*\Z")
_VARIABLE = re.compile(r"\$\{[^}]*\}")


def check(source: Source, scenario: Mapping[str, Any], path: FilePath) -> None:
    """Report everything that is wrong with the meaning of a scenario as it stands in its file.

    ``path`` is the file, beside which recordings are looked for. Parts of a wrong type are passed over: the model reports them.
    """
    caller = scenario.get("caller")
    filtered = isinstance(caller, Mapping) and caller.get("webrtcfilter") is True
    found = list(marked(Scenario, scenario))
    settings = [one for one in found if one.kind == marks.SETTINGS and isinstance(one.value, Mapping)]
    for one in found:
        _check_marked(source, one, filtered=filtered)
        _check_recording(source, one, path)
    check_sent(source, scenario, (one for one in found if one.path[0] == "steps"))
    _check_variables(source, found)
    _check_settings(source, settings)
    _check_dialects(source, scenario)
    _check_replayed(source, scenario, path)
    _check_rules(source, scenario)
    _check_diagnosis(source, scenario)
    _check_source(source, scenario)
    _warn_of_retirements(source, scenario, settings)


def step_word(source: Source, step: Any, path: Path) -> str | None:
    """The one word that names a step; None, with a report, where there is none or more than one."""
    words = ", ".join(STEPS)
    if isinstance(step, str):
        if step not in STEPS:
            source.report(
                source.at(path), f"unknown step {step!r}{did_you_mean(step, STEPS, otherwise=f'; steps are: {words}')}"
            )
            return None
        return step
    if not isinstance(step, Mapping) or not step:
        source.report(source.at(path), f"a step is a word with a colon and its value; steps are: {words}")
        return None
    found = [key for key in step if key in STEPS]
    if len(found) > 1:
        source.report(
            source.at_key((*path, found[1])),
            f"a step has one step word, and this one has {' and '.join(found)}; begin another step with a dash",
        )
    elif not found:
        modifiers = {name for one in STEPS.values() for name in one.model_fields} - set(STEPS)
        wrong = next((key for key in step if key not in modifiers), None)
        if wrong is None:
            source.report(source.at(path), f"no step word beside {' and '.join(step)}; steps are: {words}")
        else:
            hint = did_you_mean(wrong, STEPS, otherwise=f"; steps are: {words}")
            source.report(source.at_key((*path, wrong)), f"unknown step {wrong!r}{hint}")
    return found[0] if len(found) == 1 else None


def _check_marked(source: Source, found: Marked, *, filtered: bool) -> None:
    """A value by its kind: event names, conditions, variables and their fields."""
    place, value = found.path, found.value
    match found.kind:
        case marks.AWAITED | marks.FORBIDDEN if isinstance(value, str):
            if wrong := wrong_server_event(value):
                source.report(source.at(place), wrong)
            elif filtered and found.kind == marks.AWAITED and not passes_filter(value):
                source.report(source.at(place), f"webrtcfilter=on keeps {value} from the client's channel")
        case marks.CONDITIONS:
            _check_where(source, value, place)
        case marks.SAVED:
            _check_save(source, value, place)
        case marks.SENT if isinstance(value, Mapping):
            kind = value.get("type")
            if not isinstance(kind, str):
                source.report(source.at((*place, "type")), "send needs a type: the name of a client event")
            elif wrong := wrong_client_event(kind):
                source.report(source.at((*place, "type")), wrong)


def _check_where(source: Source, where: Any, path: Path) -> None:
    if not isinstance(where, Mapping):
        return
    for field, asked in where.items():
        place = (*path, field)
        if not all(field.split(".")):
            source.report(
                source.at_key(place), f"{field!r} is no path; write field names with dots between them: response.status"
            )
        if not isinstance(asked, Mapping):
            continue
        if not asked:
            source.report(source.at(place), f"no condition; conditions are: {', '.join(CONDITIONS)}")
        for name, value in asked.items():
            if name not in CONDITIONS:
                fallback = f"; conditions are: {', '.join(CONDITIONS)} (a whole object: equals: {{...}})"
                source.report(
                    source.at_key((*place, name)),
                    f"unknown condition {name!r}{did_you_mean(name, CONDITIONS, otherwise=fallback)}",
                )
            elif wrong := _wrong_condition(name, value):
                source.report(source.at((*place, name)), f"{name}: {wrong}")


def _wrong_condition(name: str, value: Any) -> str | None:
    variable = isinstance(value, str) and _VARIABLE.fullmatch(value)
    match name:
        case "matches":
            if not isinstance(value, str):
                return "must be a regular expression in quotes"
            try:
                re.compile(_VARIABLE.sub("x", value))
            except (re.error, OverflowError, RecursionError) as error:
                return f"{value!r} is no regular expression: {error}"
        case "one_of":
            return None if isinstance(value, list) and value else "must be a list with at least one value"
        case "at_least" | "at_most":
            number = isinstance(value, (int, float)) and not isinstance(value, bool)
            return None if number or variable else "must be a number"
        case "absent":
            return None if isinstance(value, bool) else "must be true or false"
    return None


def _check_save(source: Source, save: Any, path: Path) -> None:
    if isinstance(save, Mapping):
        for name, field in save.items():
            if not _VARIABLE_NAME.match(name):
                source.report(
                    source.at_key((*path, name)), f"{name!r} is no variable name; use letters, digits, _ and -"
                )
            if isinstance(field, str) and not all(field.split(".")):
                source.report(
                    source.at((*path, name)), f"{field!r} is no path; write field names with dots between them"
                )


def _check_variables(source: Source, found: Iterable[Marked]) -> None:
    """What a step uses, an earlier step has to save."""
    saved: set[str] = set()
    for _, parts in groupby((one for one in found if one.path[0] == "steps"), key=lambda one: one.path[:2]):
        of_step = list(parts)
        for one in of_step:
            if one.kind in (marks.CONDITIONS, marks.SENT, marks.SETTINGS, marks.FILLED):
                _check_used(source, one.value, one.path, saved)
        for one in of_step:
            if one.kind == marks.SAVED and isinstance(one.value, Mapping):
                saved.update(one.value)


def _check_used(source: Source, value: Any, path: Path, saved: Collection[str]) -> None:
    if isinstance(value, Mapping):
        for key, inner in value.items():
            _check_used(source, inner, (*path, key), saved)
    elif isinstance(value, list):
        for number, inner in enumerate(value):
            _check_used(source, inner, (*path, number), saved)
    for name in variables_in(value) if isinstance(value, str) else ():
        if name not in saved:
            otherwise = "; no earlier expect saves it (save: {" + name + ": item_id})"
            source.report(
                source.at(path), f"unknown variable ${{{name}}}{did_you_mean(name, saved, otherwise=otherwise)}"
            )


def _check_settings(source: Source, settings: Iterable[Marked]) -> None:
    """A session word that is nearly a known one is a slip; any other unknown word may be meant."""
    for one in settings:
        for word in one.value:
            if word not in SESSION_WORDS and (meant := did_you_mean(word, SESSION_WORDS)):
                source.report(source.at_key((*one.path, word)), f"unknown session setting {word!r}{meant}")


def _check_replayed(source: Source, scenario: Mapping[str, Any], path: FilePath) -> None:
    """The recording that the fake is to replay has to be there."""
    place: Path = ("fake", "recording")
    named = lookup(scenario, "fake.recording")
    if isinstance(named, Mapping):
        place, named = (*place, "file"), named.get("file")
    if isinstance(named, str):
        try:
            resolve_recording(path, named)
        except UsageError as error:
            source.report(source.at(place), f"{error.what}; {error.fix}")


def _check_source(source: Source, scenario: Mapping[str, Any]) -> None:
    if scenario.get("severity") == "should" and not scenario.get("source"):
        source.report(
            source.at_key(("severity",)), "severity: should needs a source: where does what is asked for come from?"
        )


def _warn_of_retirements(source: Source, scenario: Mapping[str, Any], settings: Iterable[Marked]) -> None:
    """Models and fields that end, where the scenario runs in a dialect of their vendor that does not end before."""
    asked: list[tuple[Path, Mapping[str, Any]]] = [(one.path, one.value) for one in settings]
    caller = scenario.get("caller")
    if isinstance(caller, Mapping):
        asked.append((("caller",), {"model": caller.get("model")}))
    for vendor in dict.fromkeys(row.vendor for row in rows_of(scenario) if row.state == "current"):
        for path, words in asked:
            for place, retirement in retiring(words, vendor):
                source.warn(source.at((*path, *place)), str(retirement))


def _check_dialects(source: Source, scenario: Mapping[str, Any]) -> None:
    required = list(requirements(scenario))
    given = scenario.get("dialects")
    if isinstance(given, list):
        for number, name in enumerate(given):
            if not isinstance(name, str):
                continue
            if name not in DIALECTS:
                known = f"; dialects are: {', '.join(DIALECTS)}"
                source.report(
                    source.at(("dialects", number)),
                    f"unknown dialect {name!r}{did_you_mean(name, DIALECTS, otherwise=known)}",
                )
            for one in required:
                if name in DIALECTS and name not in one.dialects:
                    source.report(
                        source.at(one.path), f"{name} has no {one.what}; only {', '.join(sorted(one.dialects))}"
                    )
        if not given:
            source.report(source.at(("dialects",)), "no dialect; leave the key out for every dialect that can")
    elif given is None and not able(required):
        for one in required:
            if len(one.dialects) < len(DIALECTS):
                only = f"only {', '.join(sorted(one.dialects))}" if one.dialects else "no dialect"
                source.report(source.at(one.path), f"no dialect can play this scenario: {only} has {one.what}")


def _check_rules(source: Source, scenario: Mapping[str, Any]) -> None:
    skip = lookup(scenario, "assert.rules.skip")
    ids = _rule_ids() if isinstance(skip, Mapping) and skip else frozenset()
    for rule in skip if isinstance(skip, Mapping) else ():
        if rule not in ids:
            hint = did_you_mean(rule, ids, otherwise="; an id looks like RSP-03")
            source.report(source.at_key(("assert", "rules", "skip", rule)), f"unknown rule {rule!r}{hint}")


def _check_diagnosis(source: Source, scenario: Mapping[str, Any]) -> None:
    named = lookup(scenario, "assert.fails.diagnosis")
    if not isinstance(named, str):
        return
    place = ("assert", "fails", "diagnosis")
    from harness.diagnosis import CAUSES  # imported only where a scenario names one: they bring the rules with them

    if named not in CAUSES:
        hint = did_you_mean(named, CAUSES, otherwise="; an id looks like api-key-invalid")
        source.report(source.at(place), f"unknown diagnosis {named!r}{hint}")
    elif CAUSES[named].found is None:
        source.report(source.at(place), f"{named} cannot be seen in a recording; harness explain {named} says what can")


def _rule_ids() -> frozenset[str]:
    """Every id of the catalogue, which is imported only where a scenario names a rule."""
    from harness.rules.catalogue import all_rules, unobservable_rules

    return frozenset([*(rule.id for rule in all_rules()), *(row.id for row in unobservable_rules())])


def _check_recording(source: Source, found: Marked, path: FilePath) -> None:
    if found.kind == marks.RECORDING and isinstance(found.value, str):
        try:
            resolve_audio(path, found.value)
        except UsageError as error:
            source.report(source.at(found.path), f"{error.what}; {error.fix}")
