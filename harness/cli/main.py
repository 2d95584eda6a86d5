"""The command line: its commands, and what becomes of their errors. Nobody imports this module."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from harness import __version__
from harness.cli import calls, compares, lists, recordings
from harness.cli import proxy as relay
from harness.cli.terminal import Commands, any_text, put, without_secrets, written_out
from harness.errors import HarnessError

app = typer.Typer(
    cls=Commands,
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="A headless conformance checker for realtime voice APIs over WebRTC. Exit codes: 0 conformant, 1 nonconformant, "
    "2 usage or scenario error, 3 could not judge, 70 a bug in the harness.",
)
COMMANDS = (
    *(calls.run, calls.check, calls.serve, relay.proxy, calls.judge),
    *(compares.compare, compares.drift),
    *(recordings.scenario, recordings.cassette, recordings.export),
    *(lists.rules, lists.faults, lists.dialects, lists.selftest, lists.explain, lists.schema),
)
for _command in COMMANDS:
    app.command()(_command)


def main() -> None:
    """The console script. A deliberate error becomes its message and exit code; anything else is a bug of ours, exit code 70."""
    any_text()
    try:
        with written_out():
            app()
    except HarnessError as error:
        _complain(str(error))
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        _complain("interrupted")
        sys.exit(130)
    except Exception as error:
        if isinstance(error, OSError) and error.filename:
            _complain(f"{error.filename}: {error.strerror}\n  fix: check the path, its permissions and the free space")
            sys.exit(2)
        import traceback

        print(without_secrets(traceback.format_exc()), end="", file=sys.stderr)
        _complain(f"this is a bug in the harness ({type(error).__name__}); please report it with the lines above")
        sys.exit(70)


def _show_version(asked: bool) -> None:
    if asked:
        put(f"realtime-harness {__version__}\n")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", help="Print the version and stop.", callback=_show_version, is_eager=True)
    ] = False,
) -> None:
    pass


def _complain(message: str) -> None:
    print(without_secrets(f"harness: {message}"), file=sys.stderr)


if __name__ == "__main__":
    main()
