"""Served calls: each judged behind the event loop's back, all of them in one report."""

from __future__ import annotations

import asyncio
import errno
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import httpx
import pytest

from harness.errors import UsageError
from harness.fake.server import FakeService
from harness.judging.recording import result_of
from harness.judging.results import Result, exit_code
from harness.report import write
from harness.running import clock
from harness.scenario.script import Replayed
from harness.serving import served as served_calls
from harness.serving import serving
from harness.serving.served import Served
from harness.trace import read_trace
from tests.fake.caller import Caller
from tests.fake.requests import AZURE, call_path
from tests.regression.calls import recorded


def serve(out: Path, calls: int, say: Callable[[str], None] = lambda _: None) -> Served:
    """Calls that end as soon as they are made."""

    async def main() -> Served:
        served = Served(out, say)
        for _ in range(calls):
            recorder = served.recorder_for("azure-ga")
            recorder.record("harness.note", text="nothing happened")
            recorder.close()
            served.ended(recorder)
        return served

    return clock.run(main, time="virtual")


def test_every_call_is_judged_in_order_and_the_last_report_holds_all(tmp_path: Path) -> None:
    said: list[str] = []
    served = serve(tmp_path, 3, said.append)
    served.finish()
    names = [f"call-{number:04d}" for number in (1, 2, 3)]
    assert [result.scenario for result in served.results] == names
    assert [run["scenario"] for run in json.loads((tmp_path / "results.json").read_text())["runs"]] == names
    assert [len(read_trace(tmp_path / "traces" / f"{name}.azure-ga.ndjson").entries) for name in names] == [1, 1, 1]
    assert sum(line.startswith("! error") for line in said) == 3
    assert said[-1].startswith("! 3 runs")


def test_a_report_that_cannot_be_written_is_an_error_at_the_end(tmp_path: Path) -> None:
    (tmp_path / "results.json").mkdir()
    said: list[str] = []
    served = serve(tmp_path, 2, said.append)
    with pytest.raises(UsageError, match=r"results.json: cannot be written: Is a directory"):
        served.finish()
    assert len(served.results) == 2
    assert sum("cannot be written" in line for line in said) == 1


def test_calls_are_judged_where_no_trace_can_be_written(tmp_path: Path) -> None:
    (tmp_path / "traces").write_text("a file stands where the folder should be")
    said: list[str] = []
    served = serve(tmp_path, 2, said.append)
    with pytest.raises(UsageError, match="cannot be written"):
        served.finish()
    assert [result.verdict for result in served.results] == ["error", "error"]
    assert said[-1].startswith("! 2 runs")


def test_who_waits_for_a_call_sees_where_it_stays(tmp_path: Path) -> None:
    said: list[str] = []

    async def main() -> None:
        served = Served(tmp_path, said.append)
        recorder = served.recorder_for("azure-ga")
        body = {"error": {"message": "no\nsuch key"}}
        recorder.record("http.response", id=1, step="key", status=200, headers={}, body={}, seconds=0.0)
        recorder.record("http.response", id=2, step="call", status=401, headers={}, body=body, seconds=0.0)
        recorder.record("http.preflight", step="call", refused=["x-app"], status=400)
        recorder.record("http.response", id=3, step="call", status=502, headers={}, body="", seconds=0.0)
        error = {"type": "invalid_request_error", "code": "bad", "message": "No such\nthing.", "param": "item.id"}
        recorder.record("event.sent", event={"type": "error", "error": error}, size=1)
        recorder.close()
        served.ended(recorder)
        served.finish()

    clock.run(main, time="virtual")
    assert said[:5] == [
        "  call-0001.azure-ga: key minted",
        "  call-0001.azure-ga: call request refused with 401: no such key",
        "  call-0001.azure-ga: preflight refused, a header that no page may send: x-app",
        "  call-0001.azure-ga: call request refused with 502: no reason given",
        "  call-0001.azure-ga: an event is refused: bad: No such thing. (param item.id)",
    ]


def test_call_whose_client_never_connects_is_not_conformant(tmp_path: Path) -> None:
    said: list[str] = []

    async def main() -> Served:
        served = Served(tmp_path, said.append)
        async with (
            FakeService(dialects=(AZURE,), recorder_for=served.recorder_for, on_trace=served.ended) as service,
            httpx.AsyncClient(base_url=service.url, trust_env=False) as http,
        ):
            caller = Caller(http, AZURE)
            headers = {"content-type": "application/sdp", "authorization": f"Bearer {await caller.key()}"}
            answer = await http.post(call_path(AZURE), content=await caller.peer.offer(), headers=headers)
            assert answer.status_code == 201, answer.text
            await asyncio.sleep(300)
            await caller.close()
        served.finish()
        return served

    (result,) = clock.run(main, time="virtual").results
    assert (result.verdict, exit_code([result])) == ("inconclusive", 3)
    verdict, cause = (
        line.split() for line in said if line.startswith(("? inconclusive", "    cause")) or " conformant" in line
    )
    assert verdict[:2] == ["?", "inconclusive"]
    assert cause[-1] == "[ice-never-connected]"
    assert "    error     the call never got through: it stopped after the answer" in said


def test_recordings_stay_in_their_files_and_pages_are_written_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written: list[str] = []
    really = write.write_text

    def spy(path: Path, text: str) -> None:
        written.append(path.name)
        really(path, text)

    monkeypatch.setattr(write, "write_text", spy)
    monkeypatch.setattr(
        served_calls, "result_of", lambda trace, **told: replace(result_of(trace, **told), verdict="conformant")
    )
    served = serve(tmp_path, 3)
    served.finish()
    assert [result.recording for result in served.results] == [None] * 3
    pages = sorted(path.name for path in (tmp_path / "runs").iterdir())
    assert len(pages) == 3
    assert sorted(name for name in written if name in pages) == pages


def test_calls_go_on_where_nobody_can_hear_of_them(tmp_path: Path) -> None:
    def say(_: str) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    served = serve(tmp_path, 2, say)
    with pytest.raises(UsageError, match="standard output: cannot be written: No space left on device"):
        served.finish()
    assert len(json.loads((tmp_path / "results.json").read_text())["runs"]) == 2


def test_a_served_recording_is_told_with_what_was_missed_and_leaves_its_audio(tmp_path: Path) -> None:
    _, path = recorded("turns/caller-speaks-assistant-answers.yaml", "azure-ga", tmp_path / "recorded")
    said: list[str] = []

    async def main() -> list[Result]:
        stop, address = asyncio.Event(), asyncio.get_running_loop().create_future()

        def say(line: str) -> None:
            said.append(line)
            if line.startswith("serving"):
                address.set_result(line.split()[1])

        serving_it = asyncio.create_task(
            serving.serve_forever(
                host="127.0.0.1",
                port=0,
                dialects=[],
                out=tmp_path / "out",
                replay=Replayed(file=str(path)),
                say=say,
                stop=stop,
            )
        )
        async with httpx.AsyncClient(base_url=await address) as http:
            caller = Caller(http, AZURE)
            await caller.call()
            await asyncio.sleep(0.5)
            caller.send("response.create")
            await caller.expect("error")
            await caller.close()
        stop.set()
        return await serving_it

    (result,) = clock.run(main, time="virtual")
    assert result.verdict in ("error", "nonconformant")
    assert any(
        "not in the recording: the recording expects session.update next; response.create came" in line for line in said
    )
    assert [one.name for one in sorted((tmp_path / "out" / "audio").iterdir())] == [
        "call-0001.azure-ga.received.ogg",
        "call-0001.azure-ga.sent.ogg",
    ]
    kept = read_trace(tmp_path / "out" / "traces" / "call-0001.azure-ga.ndjson")
    assert [one.data["path"] for one in kept.of("audio.file")] == [
        "../audio/call-0001.azure-ga.received.ogg",
        "../audio/call-0001.azure-ga.sent.ogg",
    ]
