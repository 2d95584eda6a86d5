"""What a terminal gets: text that can be printed and holds no credential, and a progress bar."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.errors import HarnessError

if TYPE_CHECKING:
    from harness.results import Result


def without_secrets(text: str) -> str:
    """What is said of an error, without the credentials of the environment, should one have got into it."""
    from harness.redact import Redactor
    from harness.targets import SECRETS, load_environment, variable

    try:
        environment = load_environment(Path.cwd())
    except (HarnessError, OSError):
        environment = dict(os.environ)
    return Redactor(variable(environment, name) for name in SECRETS).text(writable(text))


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
