"""A headless conformance checker for realtime voice APIs over WebRTC.

What a program needs: :func:`run` scenarios, :func:`judge` a recording, :func:`check` a service, and a :class:`FakeService` to call. These
names, ``Result``, ``Checked``, ``Scenario``, ``Trace`` and ``read_trace`` are the public interface beside the command line; everything
below them may move. Importing this package loads nothing else of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from harness.checking.service import Checked
    from harness.fake.server import FakeService
    from harness.judging.results import Result
    from harness.scenario.model import Scenario
    from harness.trace import Trace, read_trace

__version__ = "0.1.0"
__all__ = [
    "Checked",
    "FakeService",
    "Result",
    "Scenario",
    "Trace",
    "__version__",
    "check",
    "judge",
    "read_trace",
    "run",
]

_HOMES = {
    "Checked": "harness.checking.service",
    "FakeService": "harness.fake.server",
    "Result": "harness.judging.results",
    "Scenario": "harness.scenario.model",
    "Trace": "harness.trace",
    "read_trace": "harness.trace",
}


def __getattr__(name: str) -> Any:
    """The classes of the interface, each loaded when it is asked for first."""
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def run(
    *paths: Path | str,
    dialects: Sequence[str] = (),
    target: str = "fake",
    faults: Sequence[str] = (),
    network: str | None = None,
    seed: int = 0,
    repeat: int = 1,
    workers: int = 1,
    calls: int = 8,
    out: Path | str | None = None,
) -> list[Result]:
    """Run scenario files or folders and judge them, as ``harness run`` does.

    Args:
        paths: files or folders; none means ``scenarios/`` in the working folder, else the packaged suite.
        dialects: the dialects to run in; none means every one that the scenario can.
        target: "fake" (in virtual time), "live" (credentials from the environment), or the base URL of a service.
        faults: what the fake does wrongly, by the names of ``harness faults``.
        network: a preset such as "wifi-bad", for scenarios without a network of their own.
        seed: of the network's chances and of the libraries' random numbers.
        repeat: how often each is run, with the seed counting on.
        workers: processes side by side.
        calls: calls to a service side by side in this process, at most; where it bears fewer, fewer.
        out: the folder for traces, audio and reports; None leaves no files.

    Returns a result for each scenario and dialect; those that the target cannot be made to do are left out.
    Raises UsageError (a wrong option, missing credentials) or ScenarioError (a wrong file, with its line) before any call.
    """
    from harness.report.write import write_reports
    from harness.running.jobs import select
    from harness.running.plan import carry_out, plan

    folder = None if out is None else Path(out)
    chosen = select(
        [Path(path) for path in paths],
        dialects=dialects,
        target=target,
        faults=faults,
        out=folder,
        network=network,
        seed=seed,
        repeat=repeat,
    )
    made = carry_out(plan(chosen), workers=workers, calls=calls)
    if folder is not None:
        write_reports(made.results, folder, seconds=made.seconds, left_out=made.left_out)
    return list(made.results)


def judge(recording: Trace | Path | str, *others: Path | str, dialect: str = "") -> Result:
    """Judge a recording of one call by the current rules, as ``harness judge`` does: a trace, a cassette, or a record of any form that it takes.

    ``others`` are further records of the same call, in other forms; ``dialect`` is for records that do not say theirs. Raises TraceError for
    a file that is none, UsageError where it holds more than one call.
    """
    from harness.errors import UsageError
    from harness.formats import read_records
    from harness.judging.recording import judged, result_of
    from harness.trace import Trace

    if isinstance(recording, Trace):
        return result_of(recording, name="recording")
    results = judged(read_records([Path(recording), *map(Path, others)], dialect))
    if len(results) != 1:
        raise UsageError(
            f"{len(results)} calls, where one is judged", where=str(recording), fix="harness judge takes several"
        )
    return results[0]


def check(
    url: str,
    dialect: str,
    *paths: Path | str,
    key: str = "",
    model: str = "",
    without: Sequence[str] = (),
    calls: int = 8,
    out: Path | str | None = None,
) -> Checked:
    """Check any service with the reference suite (or with ``paths``), in real time, graded by capability, as ``harness check`` does.

    ``key`` is the bearer of the call request where the service has no token endpoint; ``model`` the model or deployment; ``without``
    names what the service does not have (function-calls, transcription, ...); ``calls`` are made side by side, at
    most; ``out`` is the folder for traces, audio and reports. Raises UsageError for a wrong setting before anything is sent.
    """
    from harness.checking import service
    from harness.report.write import write_reports
    from harness.running.plan import carry_out
    from harness.targets.service import Access

    folder = None if out is None else Path(out)
    access = Access(key, model, without=service.needs_named(without))
    what = service.plan(url, dialect, access, paths=[Path(path) for path in paths], out=folder)
    made = carry_out(what, calls=calls)
    if folder is not None:
        write_reports(made.results, folder, seconds=made.seconds, left_out=made.left_out)
    return service.graded(made)
