"""``harness serve``: the fake for a client under test. Each call is recorded from the service's side and judged when it ends."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from harness.fake.replayed_call import RecordedService
from harness.fake.replayed_service import ReplayService
from harness.fake.server import FakeService
from harness.fake.settings import FakeSettings
from harness.judging.results import Result
from harness.media import opus, wav
from harness.protocol.dialects import DIALECTS
from harness.report.html import conformance_html
from harness.running.clock import undisturbed
from harness.running.libraries import quiet_libraries
from harness.scenario.files import resolve_audio, resolve_recording
from harness.scenario.loader import load
from harness.scenario.script import FakeScript, Replayed
from harness.serving.page import example_page
from harness.serving.served import Served
from harness.trace import open_recording


async def serve_forever(
    *,
    host: str,
    port: int,
    dialects: Sequence[str],
    faults: Sequence[str] = (),
    out: Path,
    key: str = "",
    script: Path | None = None,
    sample_names: bool = False,
    deployments: Sequence[str] = (),
    replay: Replayed | None = None,
    say: Callable[[str], None],
    stop: asyncio.Event | None = None,
) -> list[Result]:
    """Serve until SIGINT or SIGTERM, then end all calls and return what was judged.

    ``key`` is the API key clients must send; without one any key is accepted. ``script`` is a scenario file, whose ``fake`` block says
    what is heard and answered. ``replay``: play a recorded service, in the recording's dialect. ``sample_names``: speak as Microsoft's JavaScript sample expects (see :mod:`harness.fake.sample_names`).
    ``deployments`` are the models that it has; without any it takes every name. ``stop`` ends it instead of the signals. Raises UsageError where it cannot listen, and at the end where something could not be
    written, ScenarioError for a wrong script, and TraceError for a recording that cannot be replayed.
    """
    conformance_html((), seconds=0.0)  # loads and compiles what it takes, which would hold up the first calls
    served = Served(out, say, secrets=(key,))
    told = load(script).scenario.fake if script else FakeScript()
    replay, beside = (told.replayed, script) if told.replayed is not None else (replay, None)
    make: Callable[..., FakeService] = partial(FakeService, dialects=[DIALECTS[name] for name in dialects])
    played: list[str] = []
    if replay is not None:
        recording = open_recording(replay.file if beside is None else resolve_recording(beside, replay.file))
        recorded = RecordedService.of(recording, lenient=replay.lenient, silence=replay.silence)
        # What is in a request is not compared: any key will do.
        dialects, key = (recorded.trace.header.dialect,), ""
        make = partial(ReplayService, recorded=recorded)
        acts = len(recorded.script.acts)
        played.append(f"  replays {recording.name}: {recording.trace.seconds:.1f} s, {acts} messages of the service")
    service = make(
        script=told.model_copy(update={"faults": [*told.faults, *faults]}),
        audio=lambda name: opus.encode(wav.load(resolve_audio(script or Path.cwd() / "scenario.yaml", name))),
        settings=FakeSettings(
            api_keys=(key,) if key else None, deployments=tuple(deployments) or None, sample_names=sample_names
        ),
        recorder_for=served.recorder_for,
        on_call_end=served.call_ended,
        on_trace=served.ended,
        loopback=host in ("127.0.0.1", "localhost", "::1"),
        page=example_page([DIALECTS[name] for name in dialects]),
    )
    stop = stop or ended_by_signal()  # before anything is announced: who waits for the address may end it at once
    with quiet_libraries(), undisturbed():
        url = await service.start(host, port)
        try:
            for line in (*_greeting(url, dialects, key), *played):
                say(line)
            await stop.wait()
        finally:
            await service.stop()
            served.finish()
    return served.results


def ended_by_signal() -> asyncio.Event:
    """An event that Ctrl-C and SIGTERM set."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    return stop


def _greeting(url: str, dialects: Sequence[str], key: str) -> list[str]:
    lines = [f"serving {url}  (Ctrl-C ends it)"]
    for name in dialects:
        row = DIALECTS[name]
        for label, template in (("key", row.key_url), ("call", row.call_url)):
            lines.append(f"  {name:<14} {label:<5} POST {url}/{template.split('/', 3)[3]}")
    return [
        *lines,
        f"  API key: {'as given by --key' if key else 'any'}",
        f"  {url}/ is an example page that makes a call",
    ]
