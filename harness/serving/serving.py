"""``harness serve``: the fake for a client under test. Each call is recorded from the service's side and judged when it ends."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import signal
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import IO

from harness.diagnosis.troubles import words_of
from harness.errors import HarnessError
from harness.fake.peer import ServiceCall
from harness.fake.replayed_call import MISS, RecordedService
from harness.fake.replayed_service import ReplayService
from harness.fake.server import FakeService
from harness.fake.settings import FakeSettings
from harness.files import refused, writing
from harness.judging.recording import result_of
from harness.judging.results import Result
from harness.media import opus, wav
from harness.protocol.dialects import DIALECTS
from harness.report.html import conformance_html
from harness.report.text import failure, totals
from harness.report.write import write_reports
from harness.running.clock import undisturbed
from harness.running.libraries import quiet_libraries
from harness.scenario.files import resolve_audio, resolve_recording
from harness.scenario.loader import load
from harness.scenario.script import FakeScript, Replayed
from harness.serving.page import example_page
from harness.trace import Entry, Header, Recorder, Trace, open_recording
from harness.trace.redact import Redactor


class Served:
    """The calls that were made so far: a trace file for each, judged as it ends, all of them in one report."""

    def __init__(self, out: Path, say: Callable[[str], None], *, secrets: Sequence[str] = ()) -> None:
        self.results: list[Result] = []
        self._out = out
        self._print = say
        self._secrets = secrets
        self._began = time.monotonic()
        self._paths: dict[int, tuple[Path, IO[str] | None]] = {}
        self._made = 0
        self._judge = ThreadPoolExecutor(1, "judge")
        self._judged: list[Future[None]] = []
        self._fresh: list[Result] = []
        self._failure: HarnessError | None = None

    def recorder_for(self, dialect: str) -> Recorder:
        """A recorder for one client's call, streaming into a file of its own; where there can be none, the call goes on without."""
        self._made += 1
        path = self._out / "traces" / f"call-{self._made:04d}.{dialect}.ndjson"
        sink: IO[str] | None = None
        try:
            with writing(path):
                sink = path.open("w", encoding="utf-8")
        except HarnessError as error:
            self._fail(error)
        header, clock = Header("service", dialect, "client", ""), asyncio.get_running_loop().time
        recorder = Recorder(header, clock, redactor=Redactor(self._secrets), sink=sink)
        self._paths[id(recorder)] = (path, sink)
        recorder.watch(lambda entry: self._follow(path.stem, entry))
        return recorder

    def call_ended(self, call: ServiceCall) -> None:
        """Leave the audio of a call beside its trace, before the trace is closed."""
        path = self._paths.get(id(call.recorder), (None, None))[0]
        for direction, capture in (("received", call.received), ("sent", call.sent)):
            if path is None or capture is None:
                continue
            file = self._out / "audio" / f"{path.stem}.{direction}.ogg"
            try:
                with writing(file):
                    seconds = capture.write_ogg(file)
            except HarnessError as error:
                self._fail(error)
            else:
                if seconds:
                    call.recorder.record(
                        "audio.file", direction=direction, path=f"../audio/{file.name}", seconds=seconds
                    )

    def _follow(self, name: str, entry: Entry) -> None:
        """Say how far a client has come: who waits for a call needs to see where it stays."""
        if entry.kind == "channel.open":
            self._say(f"  {name} is open")
        elif entry.kind == "http.preflight" and entry.data["refused"]:
            self._say(
                f"  {name}: preflight refused, a header that no page may send: {', '.join(entry.data['refused'])}"
            )
        elif entry.kind == "harness.error" and entry.data.get("error") == MISS:
            self._say(f"  {name}: not in the recording: {entry.data['what']}; {entry.data['seen']}")
        elif entry.kind == "harness.note" and entry.data.get("about") == "replay":
            self._say(f"  {name}: {entry.data['text']}")
        elif entry.kind == "event.sent" and entry.type == "error":
            self._say(f"  {name}: an event is refused: {words_of(entry.event.get('error'))}")
        elif entry.kind == "http.response":
            status, step = entry.data["status"], entry.data["step"]
            what = {"key": "token request", "call": "call request", "hangup": "hang-up"}[step]
            if status >= 400:
                self._say(f"  {name}: {what} refused with {status}: {_reason(entry.data.get('body'))}")
            elif step == "key":
                self._say(f"  {name}: key minted")

    def ended(self, recorder: Recorder) -> None:
        """Have a finished trace judged, its verdict said and the reports written anew, while the other calls go on."""
        path, sink = self._paths.pop(id(recorder))
        if recorder.sink_error is not None:
            self._fail(refused(path, recorder.sink_error))
        if sink is not None:
            with contextlib.suppress(OSError):
                sink.close()
        self._judged.append(self._judge.submit(self._judged_one, path, recorder.trace(), len(self._judged)))

    def finish(self) -> None:
        """Wait until everything is judged and written, and say the sum. Raises UsageError where a file could not be written."""
        self._judge.shutdown()
        for one in self._judged:
            one.result()
        if self.results:
            self._say(totals(self.results, seconds=time.monotonic() - self._began))
        if self._failure is not None:
            raise self._failure

    def _judged_one(self, path: Path, trace: Trace, number: int) -> None:
        result = result_of(
            trace, name=path.stem.removesuffix(f".{trace.header.dialect}"), path=path.relative_to(self._out).as_posix()
        )
        # The recording stays in its file: a service that is left running must not grow by every call it ever had.
        self.results.append(replace(result, recording=None))
        self._fresh.append(result)
        if result.verdict == "conformant" and not result.warned:
            self._say(f"✓ conformant  {result.id}: {trace.seconds:.1f} s of call")
        else:
            for line in failure(result, out=self._out):
                self._say(line)
        # Calls that ended meanwhile write the reports themselves.
        if number >= len(self._judged) - 1:
            fresh, self._fresh = self._fresh, []
            try:
                write_reports(self.results, self._out, seconds=time.monotonic() - self._began, fresh=fresh)
            except HarnessError as error:
                self._fail(error)
        if not self._paths:
            gc.collect()  # while nobody's audio waits for it, see clock.undisturbed

    def _say(self, line: str) -> None:
        """Say a line, on the event loop or beside it; where nobody can hear it any more, calls go on all the same."""
        try:
            self._print(line)
        except OSError as error:
            self._failure = self._failure or refused(Path("standard output"), error)

    def _fail(self, error: HarnessError) -> None:
        """What cannot be written is said once, and ends nobody's call."""
        if self._failure is None:
            self._failure = error
            self._say(f"! {error}")


def _reason(body: object) -> str:
    """The message of an error body, on one line."""
    error = body.get("error") if isinstance(body, Mapping) else None
    message = error.get("message") if isinstance(error, Mapping) else body
    return " ".join(str(message or "no reason given").split())[:200]


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
    stop = stop or _ended_by_signal()  # before anything is announced: who waits for the address may end it at once
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


def _ended_by_signal() -> asyncio.Event:
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
