"""The pytest door: scenario files are test files, each dialect is a test; ``-m live`` runs them against the real service.

``pytest scenarios`` collects ``scenarios/turns/greeting.yaml::azure-ga``. -k, -m (the scenario's tags), -n, --junitxml and --html
work as for any test. Where ``-m`` speaks of ``live``, each dialect is also collected as ``azure-ga-live`` with the marker
``live``, and skipped with the reason where its credentials are missing.
"""

from __future__ import annotations

import os
import re
import warnings
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from harness.errors import HarnessError, UnknownLibrary
from harness.running import CALLS

if TYPE_CHECKING:
    from harness.judging.results import Result
    from harness.running.ahead import Ahead
    from harness.running.jobs import Job
    from harness.scenario.loader import LoadedScenario

RESULT = "harness_results"


def pytest_addoption(parser: pytest.Parser) -> None:
    """--harness-out and the ini setting harness_scenarios."""
    group = parser.getgroup("realtime-harness")
    group.addoption(
        "--harness-out",
        default=None,
        help="folder for results.json, conformance.html, traces/ and audio/ (default: reports)",
    )
    group.addoption("--harness-target", default="fake", help="fake, or the base URL of a service")
    group.addoption(
        "--harness-calls", type=int, default=CALLS, help=f"calls to a service side by side (default: {CALLS})"
    )
    group.addoption(
        "--harness-repeat",
        type=_times,
        default=1,
        help="calls for each test, with chances of their own; it passes where all do, and budgets of percentiles hold over them",
    )
    group.addoption("--harness-strict", action="store_true", help="conformant runs with warnings fail, too")
    parser.addini(
        "harness_scenarios", "names of folders whose YAML files are scenarios", type="args", default=["scenarios"]
    )


def _times(text: str) -> int:
    """A number of repetitions. Raises ValueError for less than one."""
    if (number := int(text)) < 1:
        raise ValueError
    return number


def pytest_configure(config: pytest.Config) -> None:
    """Register the marker and, in the process that reports, the writer of the results."""
    config.addinivalue_line(
        "markers", "live: against the real service, with credentials from the environment or .env.local"
    )
    if not hasattr(config, "workerinput"):
        config.pluginmanager.register(Results(config), "realtime-harness-results")


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    """YAML files below a ``scenarios`` folder, and those named on the command line."""
    if file_path.suffix not in (".yaml", ".yml"):
        return None
    inside = set(parent.config.getini("harness_scenarios")) & {folder.name for folder in file_path.parents}
    if not inside and not parent.session.isinitpath(file_path):
        return None
    collector: pytest.Collector = ScenarioFile.from_parent(parent, path=file_path)
    return collector


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Runs whose files would have the same names get their own; every xdist worker counts alike."""
    found = [item for item in items if isinstance(item, ScenarioItem)]
    if found:
        try:
            from harness.running.jobs import told_apart
        except UnknownLibrary as error:
            pytest.exit(str(error), returncode=error.exit_code)

        for live in (False, True):
            alike = [item for item in found if item.live is live]
            for item, job in zip(alike, told_apart(item.job for item in alike), strict=True):
                item.copy = job.copy


class ScenarioFile(pytest.File):
    """One scenario file; its items are the dialects it runs in."""

    def collect(self) -> Iterable[pytest.Item]:
        """An item a dialect; twice where live runs are asked for."""
        from harness.scenario.loader import dialects_of, load

        try:
            loaded = load(self.path)
        except HarnessError as error:
            raise self.CollectError(str(error)) from None
        for warning in loaded.warnings:
            warnings.warn_explicit(warning, ScenarioWarning, str(self.path), 1)
        live = "live" in re.findall(r"\w+", self.config.option.markexpr or "")
        for dialect in dialects_of(loaded.scenario):
            yield self._item(dialect, loaded, dialect, live=False)
            if live:
                yield self._item(f"{dialect}-live", loaded, dialect, live=True)

    def _item(self, name: str, loaded: LoadedScenario, dialect: str, *, live: bool) -> ScenarioItem:
        item: ScenarioItem = ScenarioItem.from_parent(self, name=name, loaded=loaded, dialect=dialect, live=live)
        return item


class ScenarioItem(pytest.Item):
    """One run."""

    def __init__(self, *, loaded: LoadedScenario, dialect: str, live: bool, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.loaded = loaded
        self.dialect = dialect
        self.live = live
        self.copy = 0
        self.results: list[Result] = []
        for tag in loaded.scenario.tags:
            self.config.addinivalue_line("markers", f"{tag}: a tag of scenario files")
            self.add_marker(tag)
        if live:
            self.add_marker("live")

    def runtest(self) -> None:
        """Make the call, or its repetitions, and judge them; the first that is not conformant fails the test."""
        from harness.judging.repetitions import settled
        from harness.running.jobs import repeated
        from harness.running.runner import run_job
        from harness.scenario.unscripted import budgets_of

        job, reason = self.ready
        if reason:
            pytest.skip(reason)
        ahead = self.config.stash[AHEAD].of(job)
        made: list[Result] = []
        for one in repeated(job, self.times):
            result = run_job(one, self.loaded) if ahead is None else ahead.result(one)
            if isinstance(result, str):
                pytest.skip(result)
            made.append(result)
        self.results = settled(made, {job.id: budgets_of(self.loaded.scenario, job.unscripted)})
        strict = self.config.getoption("--harness-strict")
        for result in self.results:
            if result.verdict != "conformant" or (strict and result.warned):
                raise NotConformant(result)

    @property
    def times(self) -> int:
        """How often the call is made."""
        return int(self.config.getoption("--harness-repeat"))

    @property
    def ready(self) -> tuple[Job, str | None]:
        """What to run with credentials and folder; and why it cannot be, if so."""
        from harness.running.jobs import not_exercised
        from harness.targets.endpoints import available
        from harness.targets.environment import load_environment

        environment = load_environment(self.config.rootpath)
        out = output_folder(self.config)
        job = replace(self.job, out=out / "live" if self.live else out, environment=environment)
        if self.live and (reason := available(self.dialect, environment)):
            return job, reason
        reason = not_exercised([(job, self.loaded)]).get(job)
        return job, f"not exercised: {reason}" if reason else None

    @property
    def job(self) -> Job:
        """What to run."""
        from harness.running.jobs import Job, display_name

        target = "live" if self.live else self.config.getoption("--harness-target")
        return Job(self.path, display_name(self.path, self.config.rootpath), self.dialect, target, copy=self.copy)

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> str | Any:
        """The verdict as a person reads it, not a Python traceback."""
        from harness.report.text import failure

        if isinstance(excinfo.value, NotConformant):
            return "\n".join(failure(excinfo.value.result))
        if isinstance(excinfo.value, HarnessError):
            return str(excinfo.value)
        return super().repr_failure(excinfo, style)

    def reportinfo(self) -> tuple[Path, int, str]:
        """Where the item is, for the reports of pytest."""
        return self.path, 0, f"{self.loaded.scenario.title} [{self.name}]"


class SideBySide:
    """The calls to services: begun together when the first is asked for, where this process makes them all."""

    def __init__(self, items: Sequence[pytest.Item], calls: int) -> None:
        self._items = [item for item in items if isinstance(item, ScenarioItem)]
        self._calls = calls
        self._ahead: dict[str, Ahead] = {}

    def of(self, job: Job) -> Ahead | None:
        """The calls among which this job's is; None for a call that is made alone."""
        from harness.running.ahead import Ahead
        from harness.running.jobs import repeated

        if job.target == "fake" or self._calls == 1 or not self._items:
            return None
        if job.target not in self._ahead:
            ready = [(*item.ready, item.loaded) for item in self._items if item.job.target == job.target]
            jobs = [
                (one, loaded)
                for job, reason, loaded in ready
                if reason is None
                for one in repeated(job, self._items[0].times)
            ]
            self._ahead[job.target] = Ahead(jobs, self._calls)
        return self._ahead[job.target]

    def close(self) -> None:
        """End what is still under way."""
        for one in self._ahead.values():
            one.close()


AHEAD = pytest.StashKey[SideBySide]()


def pytest_collection_finish(session: pytest.Session) -> None:
    """Know the calls that can be made side by side; a worker of xdist does not know which of them it will be given."""
    alone = hasattr(session.config, "workerinput")
    session.config.stash[AHEAD] = SideBySide(
        [] if alone else session.items, session.config.getoption("--harness-calls")
    )


class ScenarioWarning(UserWarning):
    """Something in a scenario file that is not wrong and should be known: a model that ends."""


class NotConformant(Exception):
    """A run whose verdict is not "conformant"."""

    def __init__(self, result: Result) -> None:
        super().__init__(f"{result.id}: {result.verdict}")
        self.result = result


def output_folder(config: pytest.Config) -> Path:
    """Where this session leaves its traces."""
    return Path(config.getoption("--harness-out") or config.rootpath / "reports")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Iterator[None]:
    """Hang the result on the report (it travels from xdist's workers to the controller) and the details into pytest-html."""
    report = yield
    if call.when == "call" and isinstance(item, ScenarioItem) and item.results:
        setattr(report, RESULT, [result.to_json() for result in item.results])
        if item.config.pluginmanager.hasplugin("html"):
            _add_html(item, report)
    return report


def _add_html(item: ScenarioItem, report: Any) -> None:
    from pytest_html import extras

    from harness.report.html import run_html

    out = output_folder(item.config) / ("live" if item.live else "")
    base = _from_page(item.config, out)
    pages = [extras.html(run_html(result, out=out, base=base)) for result in item.results]
    report.extras = [*getattr(report, "extras", []), *pages]


def _from_page(config: pytest.Config, out: Path) -> str:
    """The way from the page of pytest-html to a folder."""
    page = config.getoption("htmlpath", None)
    return os.path.relpath(out, Path(page).absolute().parent) if page else str(out)


class Results:
    """Collects the results of a session, wherever they ran, and writes the reports when it ends."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._runs: list[dict[str, Any]] = []
        self._lacking: dict[str, None] = {}
        self._written: list[Path] = []
        self._failures: list[HarnessError] = []

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Keep the result that a report carries."""
        if report.when == "call" and hasattr(report, RESULT):
            self._runs += getattr(report, RESULT)
        elif report.skipped and "live" in report.keywords and isinstance(report.longrepr, tuple):
            self._lacking[report.longrepr[2].removeprefix("Skipped: ")] = None

    @pytest.hookimpl(optionalhook=True)
    def pytest_html_results_summary(self, postfix: list[str]) -> None:
        """Say in the page of pytest-html, above its table, what a selftest has proven."""
        from harness.report.html import proof_html
        from harness.report.proof import read_proof

        out = output_folder(self._config)
        if self._runs:
            postfix.append(proof_html(read_proof(out, base=_from_page(self._config, out))))

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Write results.json, conformance.html and junit.xml; live runs apart from offline ones. A green session without them is none."""
        from harness.judging.results import Result
        from harness.report.proof import read_proof
        from harness.report.write import write_reports

        if AHEAD in session.config.stash:
            session.config.stash[AHEAD].close()
        out = output_folder(self._config)
        for folder, live in ((out, False), (out / "live", True)):
            results = [Result.from_json(run) for run in self._runs if (run["target"] == "live") == live]
            try:
                if results:
                    seconds = sum(result.seconds for result in results)
                    proof = read_proof(out, base=".." if live else "")
                    self._written.append(write_reports(results, folder, seconds=seconds, proof=proof))
            except HarnessError as error:
                self._failures.append(error)
        if self._failures and session.exitstatus == pytest.ExitCode.OK:
            session.exitstatus = pytest.ExitCode.USAGE_ERROR

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Say where the reports are, which there are not, and why live tests were skipped: a skip that nobody sees looks like a pass."""
        for page in self._written:
            terminalreporter.write_line(f"conformance report: {page}")
        for error in self._failures:
            terminalreporter.write_line(f"harness: {error}", red=True)
        if "s" not in terminalreporter.reportchars and self._lacking:
            terminalreporter.section("live tests that were skipped")
            for reason in self._lacking:
                terminalreporter.write_line(reason)
