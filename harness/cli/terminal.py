"""What a terminal gets, and gives: text that can be printed and holds no credential, in colour, a progress bar; Ctrl-C."""

from __future__ import annotations

import errno
import io
import os
import shlex
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer
import typer.core

from harness.errors import HarnessError, Interrupted, UsageError
from harness.running import CALLS

if TYPE_CHECKING:
    from harness.judging.grading import NotExercised
    from harness.judging.results import Result
    from harness.running.plan import Made, Plan


# What a system says of a disk that is full, or broken, or of which this user has had enough.
FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO})


class Commands(typer.core.TyperGroup):
    """The commands of a program that says so when Ctrl-C ended it: typer would leave without a word."""

    def invoke(self, ctx: Any) -> Any:
        """Run the command. Raises Interrupted at Ctrl-C."""
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            raise Interrupted("interrupted") from None


@contextmanager
def written_out() -> Iterator[None]:
    """What is printed inside has left the process at the end. Raises UsageError where standard output takes no more of it."""
    try:
        try:
            yield
        finally:
            sys.stdout.flush()
    except OSError as error:
        if error.filename is not None or error.errno not in FULL:
            raise
        # What is left of it would fail once more as Python exits.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise UsageError(
            f"cannot be written: {error.strerror}", where="standard output", fix="free some space, or send it elsewhere"
        ) from error


def without_secrets(text: str) -> str:
    """What is said of an error, without the credentials of the environment, should one have got into it."""
    from harness.targets.environment import SECRETS, load_environment, variable
    from harness.trace.redact import Redactor

    try:
        environment = load_environment(Path.cwd())
    except (HarnessError, OSError):
        environment = dict(os.environ)
    return Redactor(variable(environment, name) for name in SECRETS).text(writable(text))


STYLES = {"✓": "green", "✗": "bold red", "?": "magenta", "!": "bold magenta", "~": "yellow"}


def any_text() -> None:
    """Let standard output and error take any text: what their encoding lacks (a mark, a name) is written as an escape."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def put(text: str) -> None:
    """Text to standard output, at once. A reader who has seen enough (``| head``) changes nothing about the work and its exit code."""
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def say(line: str) -> None:
    """One line to standard output, coloured by its glyph where that is a terminal."""
    from rich.console import Console
    from rich.text import Text

    console = Console(highlight=False, soft_wrap=True)
    with console.capture() as captured:
        console.print(Text(writable(line), style=STYLES.get(line[:1], "")))
    put(captured.get())


def writable(text: str) -> str:
    """A lone surrogate, which a peer can send in JSON, cannot be printed."""
    return text.encode("utf-8", "backslashreplace").decode()


class Progress:
    """A progress bar on a terminal, nothing elsewhere: a log should not fill with bars. ``made`` gets each result as it comes."""

    def __init__(self, total: int, made: list[Result] | None = None) -> None:
        self._total = total
        self._made = made
        self._bar: Any = None

    def __enter__(self) -> Callable[[Result], None]:
        if self._total > 1 and sys.stderr.isatty():
            from rich.console import Console
            from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
            from rich.progress import Progress as Bar

            self._bar = Bar(
                TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(),
                console=Console(stderr=True), transient=True,
            )  # fmt: skip
            self._bar.start()
            self._task = self._bar.add_task("calls", total=self._total)
        return self._advance

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.stop()

    def _advance(self, result: Result) -> None:
        if self._made is not None:
            self._made.append(result)
        self.step(result.id)

    def step(self, name: str) -> None:
        """One more call has ended."""
        if self._bar is not None:
            self._bar.update(self._task, advance=1, description=name)


@contextmanager
def kept(runs: int, out: Path, left_out: Sequence[NotExercised] = ()) -> Iterator[Callable[[Result], None]]:
    """Progress of so many runs. What was made until an error, or Ctrl-C, is worth its report."""
    made: list[Result] = []
    began = time.perf_counter()
    try:
        with Progress(runs, made) as advance:
            yield advance
    except BaseException as error:
        if made:
            seconds = time.perf_counter() - began
            with suppress(HarnessError):
                print_results(made, seconds, written_reports(made, out, seconds, left_out), out)
        if isinstance(error, KeyboardInterrupt):
            raise Interrupted(
                f"interrupted after {len(made)} of {runs} runs; their reports and all traces are kept", where=str(out)
            ) from None
        raise


def written_reports(
    results: Sequence[Result], out: Path, seconds: float, left_out: Sequence[NotExercised] = ()
) -> Path:
    """Write the reports into ``out``; returns the path of the HTML page."""
    from harness.report.write import write_reports

    return write_reports(results, out, seconds=seconds, left_out=left_out)


def print_results(results: Sequence[Result], seconds: float, written: Path | None, out: Path | None = None) -> None:
    """Print the results as text, and where the report is."""
    from harness.report.text import lines_of

    for line in lines_of(results, seconds=seconds, out=out):
        say(line)
    if written is not None:
        say(f"  report: {written}")


def carried_out(what: Plan, out: Path, *, workers: int = 1, calls: int = CALLS, fail_fast: bool = False) -> Made:
    """Say what is left out, make the runs with their progress, write the reports and print what was found."""
    from harness.running.plan import carry_out, reasons
    from harness.running.runner import configurations

    for line in reasons(what.left_out):
        say(line)
    for line in (*configurations([job for job, _ in what.jobs]), *what.warnings):
        remark(line)
    with kept(len(what.jobs), out, what.left_out) as advance:
        made = carry_out(what, workers=workers, calls=calls, done=advance, told=remark, fail_fast=fail_fast)
    written = written_reports(made.results, out, made.seconds, made.left_out)
    print_results(made.results, made.seconds, written, out)
    for line in reasons(made.left_out[len(what.left_out) :]):
        say(line)
    return made


def remark(line: str) -> None:
    """One line to standard error, beside the results."""
    sys.stderr.write(f"{line}\n")


def failed_before(out: Path, strict: bool) -> frozenset[str]:
    """The runs that failed last time; empty, which means all, where none did, and that is said."""
    from harness.running.last_time import failed_last_time

    failed = failed_last_time(out, strict=strict)
    if not failed:
        remark("no run failed last time: all are run")
    return failed


def repeated(context: typer.Context) -> str:
    """The command line that is being run, without its choice of scenarios and without a key."""
    words = ["harness", context.info_name or ""]
    for one in context.command.params:
        value = context.params.get(one.name or "")
        source = context.get_parameter_source(one.name or "")
        if source is None or source.name != "COMMANDLINE" or one.name in ("k", "m", "fail_fast", "last_failed"):
            continue
        if one.param_type_name == "argument":
            words.append(str(value))
            continue
        for each in value if isinstance(value, (list, tuple)) else [value]:
            words += [one.opts[0]] if each is True else [one.opts[0], "KEY" if one.name == "key" else str(each)]
    return shlex.join(words)
