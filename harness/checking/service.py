"""``harness check``: the reference suite against a service that we did not write, graded by capability."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from harness.errors import UsageError, nearest
from harness.judging.grading import Capability, NotExercised, grade
from harness.judging.results import Result, exit_code
from harness.running.jobs import select
from harness.running.plan import Made, Plan
from harness.running.plan import plan as planned
from harness.scenario.files import reference_suite
from harness.scenario.live import Need
from harness.scenario.unscripted import NEEDS, NEVER
from harness.targets.environment import load_environment
from harness.targets.service import Access, absent, service_endpoints, tls

REFUSALS = ("call-request-refused", "offer-refused", "offer-not-usable")
"""Causes that say of a legal call that the service does not take it."""


@dataclass(frozen=True)
class Checked:
    """What a check found."""

    results: tuple[Result, ...]
    left_out: tuple[NotExercised, ...]
    capabilities: tuple[Capability, ...]

    @property
    def refuses_every_call(self) -> bool:
        """Whether no call got through, and one was refused though nothing was wrong with it: the checker's calls are legal."""
        causes = {one.diagnosis[0].id for one in self.results if one.diagnosis}
        return all(one.milestones["answer"] is None for one in self.results) and bool(causes & set(REFUSALS))

    @property
    def exit_code(self) -> int:
        """As for any runs: 1 also where a call broke a MUST in failing, and 3 where not one run could be made; 1 where every call is refused."""
        return 1 if self.refuses_every_call else exit_code(self.results)


def plan(
    url: str,
    dialect: str,
    access: Access,
    *,
    paths: Sequence[Path] = (),
    keyword: str = "",
    marks: str = "",
    only: Collection[str] = (),
    slow: bool = False,
    network: str | None = None,
    repeat: int = 1,
    out: Path | None = None,
    cwd: Path | None = None,
) -> Plan:
    """The runs of the reference suite (or of ``paths``) in this dialect. ``slow`` takes those in that let more than 30 s of real time pass.
    ``network`` is the preset that they run under, ``repeat`` how often each is run.

    Raises UsageError for a wrong setting before anything is sent.
    """
    endpoints = service_endpoints(dialect, url, load_environment(cwd or Path.cwd()), access)
    tls(endpoints)
    access = replace(access, without=access.without | absent(endpoints, access) | (set() if slow else {"time"}))
    chosen = select(
        paths or [reference_suite()],
        dialects=(dialect,),
        target=url,
        time="real",
        out=out,
        keyword=keyword,
        marks=marks,
        only=only,
        network=network,
        repeat=repeat,
        cwd=cwd,
    )
    return planned([(replace(job, access=access), loaded) for job, loaded in chosen], probing=True)


def graded(made: Made) -> Checked:
    """The results of a check, by capability."""
    return Checked(made.results, made.left_out, grade(made.results, made.left_out))


def needs_named(names: Sequence[str]) -> frozenset[Need]:
    """The needs of these names. Raises UsageError for one that is none, or that no service has."""
    known: dict[str, Need] = {need: need for need in NEEDS if need not in NEVER}
    for name in names:
        if name not in known:
            near = nearest(name, known)
            fix = f"did you mean {near}?" if near else f"one of {', '.join(known)}"
            raise UsageError(f"unknown capability {name!r}", where="--without", fix=fix)
    return frozenset(known[name] for name in names)
