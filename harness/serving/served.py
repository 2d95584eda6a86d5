"""The calls that clients make, as they come: a trace file for each way to a call, judged as it ends, all of them in one report."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import IO

from harness.diagnosis.troubles import words_of
from harness.errors import HarnessError
from harness.fake.peer import ServiceCall
from harness.fake.replayed_call import MISS
from harness.files import refused, writing
from harness.judging.recording import result_of
from harness.judging.results import Result
from harness.report.text import failure, totals
from harness.report.write import write_reports
from harness.trace import Entry, Header, Recorder, Trace
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
        """A recorder for one client's call, as its service sees it."""
        return self.record(self.next_name(), Header("service", dialect, "client", ""))

    def next_name(self) -> str:
        """The name of the next call."""
        self._made += 1
        return f"call-{self._made:04d}"

    def redactor(self) -> Redactor:
        """What takes the secrets out of a recording, or out of several of one call."""
        return Redactor(self._secrets)

    def record(self, name: str, header: Header, redactor: Redactor | None = None) -> Recorder:
        """A recorder that streams into a file of its own; where there can be none, the call goes on without. Its way is said, too."""
        path = self._out / "traces" / f"{name}.{header.dialect}.ndjson"
        sink: IO[str] | None = None
        try:
            with writing(path):
                sink = path.open("w", encoding="utf-8")
        except HarnessError as error:
            self.fail(error)
        clock = asyncio.get_running_loop().time
        recorder = Recorder(header, clock, redactor=redactor or self.redactor(), sink=sink)
        self._paths[id(recorder)] = (path, sink)
        follow = self._follow if header.observer == "service" else self._follow_service
        recorder.watch(lambda entry: follow(path.stem, entry))
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
                self.fail(error)
            else:
                if seconds:
                    call.recorder.record(
                        "audio.file", direction=direction, path=f"../audio/{file.name}", seconds=seconds
                    )

    def _follow(self, name: str, entry: Entry) -> None:
        """Say how far a client has come: who waits for a call needs to see where it stays."""
        if entry.kind == "channel.open":
            self.say(f"  {name} is open")
        elif entry.kind == "http.preflight" and entry.data["refused"]:
            self.say(f"  {name}: preflight refused, a header that no page may send: {', '.join(entry.data['refused'])}")
        elif entry.kind == "harness.error" and entry.data.get("error") == MISS:
            self.say(f"  {name}: not in the recording: {entry.data['what']}; {entry.data['seen']}")
        elif entry.kind == "harness.note" and entry.data.get("about") == "replay":
            self.say(f"  {name}: {entry.data['text']}")
        elif entry.kind == "event.sent" and entry.type == "error":
            self.say(f"  {name}: an event is refused: {words_of(entry.event.get('error'))}")
        elif entry.kind == "http.response":
            status, step = entry.data["status"], entry.data["step"]
            what = {"key": "token request", "call": "call request", "hangup": "hang-up"}[step]
            if status >= 400:
                self.say(f"  {name}: {what} refused with {status}: {_reason(entry.data.get('body'))}")
            elif step == "key":
                self.say(f"  {name}: key minted")

    def _follow_service(self, name: str, entry: Entry) -> None:
        """The same for a service that is called: what became of a request is said where the client's is."""
        if entry.kind == "http.failed":
            self.say(f"! {name}: {entry.data['message']}")

    def ended(self, recorder: Recorder, audio: Callable[[], Mapping[str, str]] = dict) -> None:
        """Have a finished trace judged, its verdict said and the reports written anew, while the other calls go on.

        ``audio`` writes the files of its sound and gives their paths from the output folder; it is called beside the event loop.
        """
        path, sink = self._paths.pop(id(recorder))
        if recorder.sink_error is not None:
            self.fail(refused(path, recorder.sink_error))
        if sink is not None:
            with contextlib.suppress(OSError):
                sink.close()
        self._judged.append(self._judge.submit(self._judged_one, path, recorder.trace(), audio, len(self._judged)))

    def finish(self) -> None:
        """Wait until everything is judged and written, and say the sum. Raises UsageError where a file could not be written."""
        self._judge.shutdown()
        for one in self._judged:
            one.result()
        if self.results:
            self.say(totals(self.results, seconds=time.monotonic() - self._began))
        if self._failure is not None:
            raise self._failure

    def _judged_one(self, path: Path, trace: Trace, audio: Callable[[], Mapping[str, str]], number: int) -> None:
        result = result_of(
            trace, name=path.stem.removesuffix(f".{trace.header.dialect}"), path=path.relative_to(self._out).as_posix()
        )
        try:
            result = replace(result, audio=audio())
        except HarnessError as error:
            self.fail(error)
        # The recording stays in its file: a service that is left running must not grow by every call it ever had.
        self.results.append(replace(result, recording=None))
        self._fresh.append(result)
        if result.verdict == "conformant" and not result.warned:
            self.say(f"✓ conformant  {result.id}: {trace.seconds:.1f} s of call")
        else:
            for line in failure(result, out=self._out):
                self.say(line)
        # Calls that ended meanwhile write the reports themselves.
        if number >= len(self._judged) - 1:
            fresh, self._fresh = self._fresh, []
            try:
                write_reports(self.results, self._out, seconds=time.monotonic() - self._began, fresh=fresh)
            except HarnessError as error:
                self.fail(error)
        if not self._paths:
            gc.collect()  # while nobody's audio waits for it, see clock.undisturbed

    def say(self, line: str) -> None:
        """Say a line, on the event loop or beside it; where nobody can hear it any more, calls go on all the same."""
        try:
            self._print(line)
        except OSError as error:
            self._failure = self._failure or refused(Path("standard output"), error)

    def fail(self, error: HarnessError) -> None:
        """What cannot be written is said once, and ends nobody's call."""
        if self._failure is None:
            self._failure = error
            self.say(f"! {error}")


def _reason(body: object) -> str:
    """The message of an error body, on one line."""
    error = body.get("error") if isinstance(body, Mapping) else None
    message = error.get("message") if isinstance(error, Mapping) else body
    return " ".join(str(message or "no reason given").split())[:200]
