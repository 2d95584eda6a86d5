"""Why a pass can be trusted: what the last selftest showed, read from its file, and believed only of the program that made it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from harness import __version__
from harness.judging.revision import revision
from harness.rules.base import MUST, Rule
from harness.rules.catalogue import all_rules, families

FILE = "selftest.json"
PAGE = "selftest.html"


@dataclass(frozen=True)
class FaultProof:
    """A fault as the selftest met it. ``of``: whose it is; ``missed`` and ``extra`` are empty where it was caught."""

    name: str
    of: str
    title: str
    plane: str
    scenario: str
    dialect: str
    caught_by: tuple[str, ...]
    otherwise: str
    missed: tuple[str, ...]
    extra: tuple[str, ...]

    @property
    def caught(self) -> bool:
        """Exactly what had to fail failed."""
        return not (self.missed or self.extra)


@dataclass(frozen=True)
class RuleProof:
    """A rule, the faults that show it failing, and the reasons where one side has none (by that side)."""

    rule: Rule
    faults: tuple[FaultProof, ...]
    reasons: Mapping[str, str]


@dataclass(frozen=True)
class Proof:
    """What a selftest showed, as far as it may be claimed here. ``doubt`` says why nothing may; then all else is empty.

    ``page`` is the way from the report to the page of the selftest.
    """

    doubt: str = ""
    document: Mapping[str, Any] = field(default_factory=dict)
    page: str = PAGE

    @property
    def passed(self) -> bool:
        """Everything was caught, nothing cried wolf."""
        return bool(self.document.get("passed")) and not self.doubt

    @property
    def summary(self) -> Mapping[str, int]:
        """The counts."""
        return dict(self.document.get("summary", {}))

    @cached_property
    def faults(self) -> Sequence[FaultProof]:
        """All faults, those of the service first."""
        rows = (*self.document.get("faults", ()), *self.document.get("client_faults", ()))
        return tuple(
            FaultProof(
                one["fault"],
                one["of"],
                one["title"],
                one["plane"],
                one["scenario"],
                one["dialect"],
                tuple(one["caught_by"]),
                one["otherwise"] or "",
                tuple(one["missed"]),
                tuple(one["extra"]),
            )
            for one in rows
        )

    @property
    def uncaught(self) -> Sequence[FaultProof]:
        """The faults that were missed, or that made other rules fail."""
        return tuple(one for one in self.faults if not one.caught)

    @cached_property
    def by_rule(self) -> Mapping[str, Sequence[FaultProof]]:
        """The caught faults that show each rule failing."""
        found: dict[str, list[FaultProof]] = {}
        for one in self.faults:
            for id in one.caught_by if one.caught else ():
                found.setdefault(id, []).append(one)
        return found

    @property
    def by_plane(self) -> Mapping[tuple[str, str], Sequence[FaultProof]]:
        """The faults by whose they are and where they act."""
        found: dict[tuple[str, str], list[FaultProof]] = {}
        for one in self.faults:
            found.setdefault((one.of, one.plane), []).append(one)
        return found

    @property
    def by_family(self) -> Mapping[str, Sequence[RuleProof]]:
        """A row for each rule, in the order of the catalogue."""
        rows = list(self._rows())
        found = {family.id: [row for row in rows if row.rule.family == family.id] for family in families()}
        return {family: members for family, members in found.items() if members}

    @property
    def musts(self) -> Mapping[str, int]:
        """How many rules are a MUST somewhere (``all``), and how many of them a fault shows failing (``shown``)."""
        rows = [row for row in self._rows() if _is_must(row.rule)]
        return {"all": len(rows), "shown": sum(1 for row in rows if row.faults)}

    @property
    def musts_without(self) -> Sequence[RuleProof]:
        """The rules that are a MUST somewhere and that no fault of one side, or of either, shows failing; each with the reasons."""
        return tuple(row for row in self._rows() if row.reasons and _is_must(row.rule))

    def _rows(self) -> Iterator[RuleProof]:
        reasons: dict[str, dict[str, str]] = {}
        for one in self.document.get("unproven", ()):
            reasons.setdefault(one["id"], {})[one["of"]] = one["reason"]
        for rule in all_rules():
            yield RuleProof(rule, tuple(self.by_rule.get(rule.id, ())), reasons.get(rule.id, {}))


def _is_must(rule: Rule) -> bool:
    return any(rule.severity_in(name) == MUST for name in rule.dialects)


def proof_of(document: Mapping[str, Any], *, page: str = PAGE) -> Proof:
    """The proof in the document of a selftest, or the reason to doubt it here."""
    version, of = document.get("harness"), document.get("revision")
    if (version, of) != (__version__, revision()):
        made = f"realtime-harness {version}, rules and faults {of}"
        return Proof(f"the last selftest was made by {made}; this is {__version__}, {revision()}")
    if not document.get("complete"):
        calls = document.get("calls", {})
        return Proof(
            f"the last selftest was interrupted: {calls.get('made')} of {calls.get('planned')} calls were made"
        )
    return Proof(document=document, page=page)


def read_proof(folder: Path, *, base: str = "") -> Proof:
    """What the last selftest left in a folder of reports; ``base`` is the way there from the report that tells it."""
    try:
        document = json.loads((folder / FILE).read_text(encoding="utf-8"))
        proof = proof_of(document, page=f"{base}/{PAGE}" if base else PAGE)
        list(proof.faults)
    except FileNotFoundError:
        return Proof("no selftest was run beside this report")
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return Proof(f"{FILE} beside this report cannot be read")
    return proof
