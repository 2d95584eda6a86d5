"""``harness serve``: the fake for a client under test. Each call is recorded from the service's side and judged when it ends."""

from __future__ import annotations

import asyncio
import signal
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import IO

from harness.fake.server import FakeService
from harness.fake.settings import FakeSettings
from harness.media import opus, wav
from harness.protocol.dialects import DIALECTS
from harness.recorded import result_of
from harness.report.html import conformance_html
from harness.report.text import failure, totals
from harness.report.write import write_reports
from harness.results import Result
from harness.scenario.files import resolve_audio
from harness.scenario.model import FakeScript
from harness.trace import Header, Recorder, Trace

# Seconds after which the judging thread lets the event loop go on. Each of the loop's system calls waits that long for its turn, and
# a few dozen of them make up one round of packets; CPython's 5 ms would add up to more than a listener's jitter buffer holds.
TURN = 0.0005


class Served:
    """The calls that were made so far: a trace file for each, judged as it ends, all of them in one report."""

    def __init__(self, out: Path, say: Callable[[str], None]) -> None:
        self.results: list[Result] = []
        self._out = out
        self._say = say
        self._began = time.monotonic()
        self._paths: dict[int, tuple[Path, IO[str]]] = {}
        self._made = 0
        self._judge = ThreadPoolExecutor(1, "judge")
        self._judged: list[Future[None]] = []

    def recorder_for(self, dialect: str) -> Recorder:
        """A recorder for one client's call, streaming into a file of its own."""
        self._made += 1
        folder = self._out / "traces"
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"call-{self._made:04d}.{dialect}.ndjson"
        sink = path.open("w", encoding="utf-8")
        recorder = Recorder(Header("service", dialect, "client", ""), asyncio.get_running_loop().time, sink=sink)
        self._paths[id(recorder)] = (path, sink)
        recorder.watch(lambda entry: self._say(f"  {path.stem} is open") if entry.kind == "channel.open" else None)
        return recorder

    def ended(self, recorder: Recorder) -> None:
        """Have a finished trace judged, its verdict said and the reports written anew, while the other calls go on."""
        path, sink = self._paths.pop(id(recorder))
        sink.close()
        self._judged.append(self._judge.submit(self._judged_one, path, recorder.trace(), len(self._judged)))

    def finish(self) -> None:
        """Wait until everything is judged and written. Raises what went wrong with that: OSError where a report cannot be written."""
        self._judge.shutdown()
        for one in self._judged:
            one.result()

    def _judged_one(self, path: Path, trace: Trace, number: int) -> None:
        result = result_of(trace, name=path.stem, path=path.relative_to(self._out).as_posix())
        self.results.append(result)
        if result.verdict == "conformant":
            self._say(f"✓ conformant  {result.id}: {trace.seconds:.1f} s of call")
        else:
            for line in failure(result):
                self._say(line)
        # Calls that ended meanwhile write the reports themselves.
        if number >= len(self._judged) - 1:
            write_reports(self.results, self._out, seconds=time.monotonic() - self._began)

    def summary(self) -> str:
        """The last line."""
        return totals(self.results, seconds=time.monotonic() - self._began)


async def serve_forever(
    *,
    host: str,
    port: int,
    dialects: Sequence[str],
    faults: Sequence[str] = (),
    out: Path,
    key: str = "",
    say: Callable[[str], None],
) -> list[Result]:
    """Serve until SIGINT or SIGTERM, then end all calls and return what was judged.

    ``key`` is the API key clients must send; without one any key is accepted. Raises UsageError where it cannot listen.
    """
    sys.setswitchinterval(TURN)
    conformance_html((), seconds=0.0)  # loads and compiles what it takes, which would hold up the first calls
    served = Served(out, say)
    service = FakeService(
        dialects=[DIALECTS[name] for name in dialects],
        script=FakeScript(faults=list(faults)),
        audio=lambda name: opus.encode(wav.load(resolve_audio(Path.cwd() / "scenario.yaml", name))),
        settings=FakeSettings(api_keys=(key,) if key else None),
        recorder_for=served.recorder_for,
        on_trace=served.ended,
        loopback=host in ("127.0.0.1", "localhost", "::1"),
    )
    url = await service.start(host, port)
    for line in _greeting(url, dialects, key):
        say(line)
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    try:
        await stop.wait()
    finally:
        await service.stop()
        served.finish()
        if served.results:
            say(served.summary())
    return served.results


def _greeting(url: str, dialects: Sequence[str], key: str) -> list[str]:
    lines = [f"serving {url}  (Ctrl-C ends it)"]
    for name in dialects:
        row = DIALECTS[name]
        for label, template in (("key", row.key_url), ("call", row.call_url)):
            lines.append(f"  {name:<14} {label:<5} POST {url}/{template.split('/', 3)[3]}")
    return [*lines, f"  API key: {'as given by --key' if key else 'any'}"]
