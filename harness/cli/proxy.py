"""The command that stands between a client and a service: proxy."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated

import typer

from harness.cli.options import Out, Strict, known_dialects
from harness.cli.terminal import say
from harness.protocol.dialects import DIALECTS


def proxy(
    dialect: Annotated[str, typer.Option("--dialect", "-d", help="One of: " + ", ".join(DIALECTS) + ".")],
    to: Annotated[str, typer.Option("--to", help="live, or the base URL of a service.")] = "live",
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 picks a free one.")] = 8080,
    own_key: Annotated[
        bool,
        typer.Option(
            "--own-key", help="Send the credentials of the environment instead of the client's, for this machine."
        ),
    ] = False,
    allow_origin: Annotated[
        list[str] | None,
        typer.Option("--allow-origin", help="With --own-key: pages of this origin may use it, too. Repeatable."),
    ] = None,
    out: Out = Path("reports"),
    strict: Strict = False,
) -> None:
    """Relay calls of a real client to the real service; both are recorded and judged. Exit code: the verdict on all; 3 if no call came."""
    from harness.errors import UsageError
    from harness.judging.results import exit_code
    from harness.proxying.proxying import proxy_forever
    from harness.targets.environment import load_environment

    if allow_origin and not own_key:
        raise UsageError(
            "only a proxy with a key of its own asks for the origin",
            where="--allow-origin",
            fix="leave it out, or add --own-key",
        )
    (name,) = known_dialects([dialect])
    results = asyncio.run(
        proxy_forever(
            host=host,
            port=port,
            dialect=name,
            to=to,
            environment=load_environment(Path.cwd()),
            own_key=own_key,
            origins=allow_origin or (),
            out=out,
            say=say,
        )
    )
    if not results:
        say("? no call came: nothing was judged")
    raise typer.Exit(exit_code(results, strict=strict))
