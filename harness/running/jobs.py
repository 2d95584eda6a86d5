"""Which runs to make: scenario files times dialects, chosen by path, dialect, -k and -m, as jobs for the runner."""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

from harness.errors import MissingCredentials, UsageError, nearest
from harness.running.faults import check_faults, check_named
from harness.running.selection import WrongExpression, compile_expression
from harness.scenario.loader import LoadedScenario, dialects_of, find, load, suite_dir
from harness.scenario.network import PRESETS, PresetName
from harness.scenario.unscripted import Unscripted, why_not
from harness.targets.endpoints import available, live_endpoints
from harness.targets.environment import load_environment
from harness.targets.service import Access

Clock = Literal["virtual", "real"]


@dataclass(frozen=True, eq=False)
class Job:
    """What to run. ``target`` is "fake", "live" or a base URL; ``time`` None means virtual for the fake, real otherwise.

    ``environment`` holds the credentials of live targets (see :mod:`harness.targets.endpoints`); ``out`` is the folder for trace and audio.
    ``network`` is the preset that scenarios without a network of their own run under. ``seed`` is that of its chances, and of what the
    libraries draw in virtual time.
    ``access`` says how a service at a URL is entered; with it the service alone is judged, not the checker's own part of the call.
    ``named``: the dialect was asked for by name. ``copy`` tells jobs apart whose files would have one name (see :func:`told_apart`).
    ``repetition`` counts from 1 where the same is run several times (see :func:`repeated`), else it is 0.
    """

    path: Path
    name: str
    dialect: str
    target: str = "fake"
    time: Clock | None = None
    faults: tuple[str, ...] = ()
    out: Path | None = None
    environment: Mapping[str, str] = field(default_factory=dict)
    seed: int = 0
    network: PresetName | None = None
    access: Access | None = None
    copy: int = 0
    named: bool = False
    repetition: int = 0

    @property
    def clock(self) -> Clock:
        """The clock this job runs on."""
        return self.time or ("virtual" if self.target == "fake" else "real")

    @property
    def unscripted(self) -> Unscripted | None:
        """What is known of the target as a service without a script; None for the fake."""
        if self.target == "fake":
            return None
        return self.access.unscripted if self.access else Unscripted()

    @property
    def id(self) -> str:
        """``scenarios/turns/greeting.yaml::azure-ga``."""
        return f"{self.name}::{self.dialect}"

    @property
    def slug(self) -> str:
        """The stem of the files this run leaves."""
        name = re.sub(r"\.ya?ml$", "", self.name).removeprefix("scenarios/")
        # A file outside the working folder is called by its own name, if that has any plain letter.
        own = _plain(name.rpartition("/")[2]) if name.startswith("../") else ""
        stem = own or _plain(name) or "scenario"
        copy = f"-{self.copy}" if self.copy else ""
        return f"{stem}{copy}.{self.dialect}{f'.{self.repetition}' if self.repetition else ''}"


def _plain(name: str) -> str:
    return re.sub(r"[^A-Za-z0-9._-]+", "-", name).strip("-.")


def select(
    paths: Sequence[Path],
    *,
    dialects: Sequence[str] = (),
    target: str = "fake",
    time: str | None = None,
    faults: Sequence[str] = (),
    out: Path | None = None,
    keyword: str = "",
    marks: str = "",
    network: str | None = None,
    seed: int = 0,
    only: Collection[str] = (),
    repeat: int = 1,
    cwd: Path | None = None,
) -> list[tuple[Job, LoadedScenario]]:
    """The jobs for these scenario files or folders (none: the suite), in order of file, then dialect, then repetition.

    ``keyword`` and ``marks`` are pytest's -k (over the run's id) and -m (over the scenario's tags); ``only`` are ids of runs; ``repeat``
    is how often each is run.
    Raises UsageError where a path, an option or an expression is wrong, or where nothing is left to run.
    """
    cwd = cwd or Path.cwd()
    clock_name = _clock_name(time)
    preset = _preset(network)
    if target not in ("fake", "live") and not re.match(r"https?://[^/]+", target):
        raise UsageError(
            f"unknown target {target!r}", where="--target", fix="fake, live, or a URL such as http://127.0.0.1:8080"
        )
    check_named(faults)
    environment = load_environment(cwd) if target != "fake" else {}
    jobs: list[tuple[Job, LoadedScenario]] = []
    for path in find(list(paths) or [suite_dir()]):
        loaded = load(path)
        check_faults(loaded)
        for dialect in dialects_of(loaded.scenario):
            if dialects and dialect not in dialects:
                continue
            job = Job(
                path,
                display_name(path, cwd),
                dialect,
                target,
                clock_name,
                tuple(faults),
                out,
                environment,
                network=preset,
                seed=seed,
                named=bool(dialects),
            )
            if (not only or job.id in only) and _wanted(keyword, marks, job, loaded.scenario.tags):
                jobs.append((job, loaded))
    if not jobs:
        raise UsageError(
            "no scenario matches", where="harness run", fix="check the paths, --dialect, -k, -m and --last-failed"
        )
    if target == "live":
        _look_for_credentials(dict.fromkeys(job.dialect for job, _ in jobs), bool(dialects), environment)
    apart = zip(told_apart(job for job, _ in jobs), (loaded for _, loaded in jobs), strict=True)
    return [(one, loaded) for job, loaded in apart for one in repeated(job, repeat)]


def repeated(job: Job, times: int) -> list[Job]:
    """The job so many times, each with chances of its own (the seed counts on) and files of its own; once, it is as it was."""
    if times <= 1:
        return [job]
    return [replace(job, repetition=number + 1, seed=job.seed + number) for number in range(times)]


def told_apart(jobs: Iterable[Job]) -> list[Job]:
    """The jobs, so that no two write the same files: ``a/b.yaml`` and ``a-b.yaml`` leave ``a-b`` and ``a-b-2``."""
    seen: Counter[str] = Counter()
    apart: list[Job] = []
    for job in jobs:
        own = job
        while seen[own.slug]:
            own = replace(job, copy=max(own.copy, 1) + 1)
        seen[own.slug] += 1
        apart.append(own)
    return apart


def not_exercised(jobs: Sequence[tuple[Job, LoadedScenario]]) -> dict[Job, str]:
    """The jobs that their target cannot be made to do, each with the reason."""
    return {job: reason for job, loaded in jobs if (reason := _why_not(job, loaded))}


def _why_not(job: Job, loaded: LoadedScenario) -> str | None:
    """Credentials first: without them nothing else matters. Dialects that were named have been looked at by :func:`select`."""
    unable = available(job.dialect, job.environment) if job.target == "live" and not job.named else None
    return unable or (why_not(loaded.scenario, job.unscripted) if job.unscripted else None)


def _look_for_credentials(dialects: Iterable[str], named: bool, environment: Mapping[str, str]) -> None:
    """Raises UsageError where a dialect that was named cannot be called, or none of them all."""
    if named:
        for dialect in dialects:
            live_endpoints(dialect, environment)
        return
    lacking = {dialect: available(dialect, environment) for dialect in dialects}
    if all(lacking.values()):
        raise MissingCredentials(
            "no dialect can be called:" + "".join(f"\n  {reason}" for reason in lacking.values()),
            where="--target live",
            fix="put the variables of one of them into .env.local in the current folder",
        )


def display_name(path: Path, cwd: Path) -> str:
    """A scenario's name in reports: relative to where one stands; a file of the packaged suite from ``scenarios/`` on."""
    resolved, here = path.resolve(), cwd.resolve()
    if not resolved.is_relative_to(here) and "scenarios" in resolved.parts:
        return Path(*resolved.parts[resolved.parts.index("scenarios") :]).as_posix()
    return Path(os.path.relpath(resolved, here)).as_posix()


def _clock_name(time: str | None) -> Clock | None:
    if time is None or time == "virtual" or time == "real":
        return time  # type: ignore[return-value]
    raise UsageError(f"--time is virtual or real, not {time!r}", where="--time", fix="leave it out for the default")


def _preset(network: str | None) -> PresetName | None:
    if network is None or network in PRESETS:
        return network  # type: ignore[return-value]
    near = nearest(network, PRESETS)
    fix = f"did you mean {near}?" if near else f"one of {', '.join(PRESETS)}"
    raise UsageError(f"unknown network preset {network!r}", where="--network", fix=fix)


def _wanted(keyword: str, marks: str, job: Job, tags: Sequence[str]) -> bool:
    return (not keyword or _holds(keyword, "-k", lambda word: word.lower() in job.id.lower())) and (
        not marks or _holds(marks, "-m", lambda word: word in tags)
    )


def _holds(expression: str, option: str, match: Callable[[str], bool]) -> bool:
    try:
        return compile_expression(expression)(match)
    except WrongExpression as error:
        raise UsageError(f"{expression!r}: {error}", where=option, fix="words joined by and, or, not, ( )") from error
