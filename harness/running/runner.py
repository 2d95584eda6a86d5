"""One run: a scenario, in a dialect, against a target, gives a Result and leaves its trace and audio."""

from __future__ import annotations

import asyncio
import time as wall
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import IO, TYPE_CHECKING

from harness.client.call import Call
from harness.client.player import play
from harness.errors import CallError, UsageError
from harness.files import open_trace, refused, writing
from harness.judging.recording import as_recorded
from harness.judging.results import Expectation, Result
from harness.judging.verdict import judge
from harness.media import opus, wav
from harness.media.track import OutgoingAudio
from harness.netem.emulator import Emulator
from harness.running import clock
from harness.running.faults import check_faults
from harness.running.jobs import Job
from harness.running.libraries import quiet_libraries
from harness.scenario.files import resolve_recording
from harness.scenario.loader import LoadedScenario, resolve_audio
from harness.scenario.model import Scenario
from harness.scenario.network import Network
from harness.scenario.stage import Audio
from harness.scenario.unscripted import adapt, cooperative_steps
from harness.targets.endpoints import Endpoints, fake_endpoints, live_endpoints
from harness.targets.service import service_endpoints, tls
from harness.trace import Header, Recorder, Trace, open_recording
from harness.trace.redact import Redactor
from harness.webrtc.peer import Peer

if TYPE_CHECKING:
    from harness.fake.replayed_call import RecordedService

FAKE_KEY = "fake-api-key-0123456789"
# Behind the sum of all that a scenario waits for, a run that still has not ended has hung.
SLACK = 60.0


@dataclass(frozen=True)
class Ready:
    """A run whose settings are right. ``loaded`` is the scenario as it is played; ``endpoints`` are None for the fake,
    ``recorded`` is the service that it replays, if any."""

    job: Job
    loaded: LoadedScenario
    endpoints: Endpoints | None
    recorded: RecordedService | None = None


@dataclass(frozen=True)
class Played:
    """A call that was made: its trace, what the steps saw, the files that it left, and the seconds that it took."""

    trace: Trace
    walked: Sequence[Expectation]
    audio: Mapping[str, str]
    path: str | None
    seconds: float


def run_job(job: Job, loaded: LoadedScenario, *, watch: list[Trace] | None = None) -> Result:
    """Make the call, judge it, and return the result. The trace file grows while the call runs, so a killed run leaves one too.

    ``watch`` gets the call as the fake recorded it from its own end, in one trace for each way that led to it.

    Raises UsageError for wrong settings (missing credentials, time virtual on a real target) before anything is sent.
    """
    ready = prepared(job, loaded)
    with quiet_libraries():
        made = clock.run(lambda: make_call(ready, watch=watch), time=job.clock, seed=job.seed)
    return judged(ready, made)


def prepared(job: Job, loaded: LoadedScenario) -> Ready:
    """The run with its settings looked through. Raises UsageError."""
    if job.clock == "virtual" and job.target != "fake":
        raise UsageError(
            "virtual time needs the fake service",
            where=f"--target {job.target}",
            fix="leave --time out, or use --time real",
        )
    check_faults(loaded)
    if job.unscripted is not None:
        loaded = replace(loaded, scenario=adapt(loaded.scenario, job.unscripted))
    if job.target != "fake":
        return Ready(job, loaded, _endpoints(job))
    return Ready(job, loaded, None, recorded_service(loaded, job.dialect))


def judged(ready: Ready, made: Played) -> Result:
    """The result of a call that was made. Pure, but for the clock that says how long the judging takes."""
    began = wall.perf_counter()
    job, scenario, trace = ready.job, ready.loaded.scenario, made.trace
    lenient = cooperative_steps(scenario) if job.unscripted is not None else frozenset[int]()
    if job.network is not None and not scenario.has_network:
        # The scenario was not written for this network: what it does not let through in time is not the service's fault.
        lenient = frozenset(range(len(scenario.steps) + 1))
    judgement = judge(trace, scenario.assert_, made.walked, lenient=lenient, severity=scenario.severity)
    return Result(
        scenario=job.name,
        title=scenario.title,
        dialect=job.dialect,
        target=trace.header.target,
        observer="client",
        time=job.clock,
        verdict=judgement.verdict,
        seconds=made.seconds + wall.perf_counter() - began,
        media_seconds=trace.seconds,
        milestones=judgement.milestones,
        expectations=judgement.expectations,
        rules=judgement.rules,
        diagnosis=judgement.diagnosis,
        trace=made.path,
        audio=made.audio,
        error=judgement.error,
        bug=judgement.bug,
        media=judgement.media,
        troubles=judgement.troubles,
        latencies=judgement.latencies,
        repetition=job.repetition,
        recording=trace,
        tags=tuple(scenario.tags),
    )


async def make_call(ready: Ready, *, watch: list[Trace] | None = None, notes: Sequence[str] = ()) -> Played:
    """Make the call on this event loop. ``notes`` stand at the beginning of its trace; ``watch``: see :func:`run_job`."""
    import httpx

    job, scenario, endpoints = ready.job, ready.loaded.scenario, ready.endpoints
    began, loop = wall.perf_counter(), asyncio.get_running_loop()
    walked: list[Expectation] = []
    audio: dict[str, str] = {}
    packets = _audio_of(ready.loaded)
    end = "interrupted"
    with _sink(job) as (sink, trace_path):
        recorder = Recorder(
            Header("client", job.dialect, job.target, job.name, job.clock, extra=as_recorded(scenario.assert_)),
            loop.time,
            redactor=Redactor(secrets_of(endpoints)),
            sink=sink,
        )
        for note in notes:
            recorder.record("harness.note", about="places", text=note)
        try:
            async with AsyncExitStack() as stack:
                if endpoints is None:
                    endpoints = await _start_fake(ready, packets, recorder, stack, watch)
                http = await stack.enter_async_context(
                    httpx.AsyncClient(
                        verify=tls(endpoints), trust_env=not endpoints.loopback, timeout=scenario.caller.timeout
                    )
                )
                for step in scenario.steps:
                    step.prepare(packets)
                call = Call(
                    endpoints,
                    recorder,
                    session=scenario.session,
                    caller=scenario.caller,
                    track=OutgoingAudio(),
                    http=http,
                    peer=partial(Peer, network=network_of(job, scenario)),
                )
                try:
                    async with asyncio.timeout(longest(scenario)):
                        await call.open()
                        await play(scenario, call, recorder, packets, into=walked)
                    end = "completed"
                except CallError as error:
                    end = "failed"
                    recorder.record_error(error)
                except TimeoutError:
                    end = "failed"
                    recorder.record_error(
                        Hung(f"the run had not ended after {longest(scenario):g} s", fix="please report this as a bug"),
                    )
                finally:
                    await call.close()
                    audio = _write_audio(job, call)
        finally:
            trace = recorder.close(end)
        if recorder.sink_error is not None and sink is not None:
            raise refused(Path(sink.name), recorder.sink_error)
    return Played(trace, walked, audio, trace_path, wall.perf_counter() - began)


class Hung(CallError):
    """The run did not end by itself."""

    step = "session"


async def _start_fake(
    ready: Ready, packets: Audio, recorder: Recorder, stack: AsyncExitStack, watch: list[Trace] | None
) -> Endpoints:
    from harness.fake.server import FakeService, FakeSettings
    from harness.protocol.dialects import DIALECTS

    job, fake = ready.job, ready.loaded.scenario.fake
    make: Callable[..., FakeService] = partial(FakeService, dialects=(DIALECTS[job.dialect],))
    if ready.recorded is not None:
        from harness.fake.replayed_service import ReplayService

        # What is to be known of the replay belongs into the trace that is judged.
        make = partial(ReplayService, recorded=ready.recorded, on_note=recorder.record)
    service = make(
        script=fake.model_copy(update={"faults": [*fake.faults, *job.faults]}),
        audio=packets,
        settings=FakeSettings(api_keys=(FAKE_KEY,)),
        recorder_for=None if watch is None else partial(_service_recorder, job),
        on_trace=lambda recorder: None if watch is None else watch.append(recorder.trace()),
        loopback=True,
    )
    url = await service.start()
    stack.push_async_callback(service.stop)
    return fake_endpoints(job.dialect, url, api_key=FAKE_KEY)


def recorded_service(loaded: LoadedScenario, dialect: str) -> RecordedService | None:
    """The service that the scenario's ``fake`` replays; None where the engine answers.

    Raises TraceError where the recording cannot be read, UsageError where it is of another dialect.
    """
    wanted = loaded.scenario.fake.replayed
    if wanted is None:
        return None
    from harness.fake.replayed_call import RecordedService

    path = resolve_recording(loaded.path, wanted.file)
    recorded = RecordedService.of(open_recording(path), lenient=wanted.lenient, silence=wanted.silence)
    own = recorded.trace.header.dialect
    if own != dialect:
        fix = f"write dialects: [{own}] into the scenario, or run it with -d {own}"
        raise UsageError(f"a recording of {own} cannot be replayed in {dialect}", where=str(loaded.path), fix=fix)
    return recorded


def network_of(job: Job, scenario: Scenario) -> Emulator | None:
    """The network that the call goes through: the scenario's own, else the one that was asked for; None: as it is."""
    if not scenario.has_network and job.network is None:
        return None
    network = scenario.network or Network(preset="clean" if scenario.has_network else job.network)
    return Emulator(network.conditions, seed=job.seed if network.seed is None else network.seed)


def _service_recorder(job: Job, dialect: str) -> Recorder:
    header = Header("service", dialect, "client", job.name, job.clock)
    return Recorder(header, asyncio.get_running_loop().time, redactor=Redactor((FAKE_KEY,)))


def secrets_of(endpoints: Endpoints | None) -> tuple[str, ...]:
    """What must never be written, known before the first entry."""
    return (endpoints.api_key,) if endpoints else (FAKE_KEY,)


def longest(scenario: Scenario) -> float:
    """Seconds after which a run of this scenario has hung: all its waits, its recordings, its set-up, and slack."""
    waits = sum(step.patience for step in scenario.steps)
    return waits + 3 * scenario.caller.timeout + scenario.caller.key_age + SLACK


def configurations(jobs: Sequence[Job]) -> list[str]:
    """A line for each dialect of a target that is not the fake: resource, deployment, API version, region; no secret. Then its notes."""
    lines: dict[str, list[str]] = {}
    for job in jobs:
        if job.target != "fake" and job.dialect not in lines:
            endpoints = _endpoints(job)
            seen = endpoints.config()
            named = ("resource", "deployment", "api_version", "region", "key_url", "call_url")
            settings = ", ".join(f"{name} {seen[name]}" for name in named if name in seen)
            lines[job.dialect] = [f"  {job.dialect}: {settings}", *(f"    note: {note}" for note in endpoints.notes)]
    return [line for several in lines.values() for line in several]


def _endpoints(job: Job) -> Endpoints:
    if job.target == "live":
        return live_endpoints(job.dialect, job.environment)
    if job.access is not None:
        return service_endpoints(job.dialect, job.target, job.environment, job.access)
    return fake_endpoints(job.dialect, job.target, api_key=job.environment.get("HARNESS_KEY") or FAKE_KEY)


def _audio_of(loaded: LoadedScenario) -> Audio:
    def packets(name: str, /, *, gain: float = 0.0) -> tuple[bytes, ...]:
        return opus.encode(wav.load(resolve_audio(loaded.path, name)), gain=gain)

    return packets


def _write_audio(job: Job, call: Call) -> dict[str, str]:
    if job.out is None:
        return {}
    written: dict[str, str] = {}
    for direction, capture in (("sent", call.sent), ("received", call.received)):
        path = job.out / "audio" / f"{job.slug}.{direction}.ogg"
        with writing(path):
            if seconds := capture.write_ogg(path):
                written[direction] = path.relative_to(job.out).as_posix()
                call.recorder.record("audio.file", direction=direction, path=f"../audio/{path.name}", seconds=seconds)
    return written


@contextmanager
def _sink(job: Job) -> Iterator[tuple[IO[str] | None, str | None]]:
    if job.out is None:
        yield None, None
        return
    path = job.out / "traces" / f"{job.slug}.ndjson"
    with open_trace(path) as sink:
        yield sink, path.relative_to(job.out).as_posix()
