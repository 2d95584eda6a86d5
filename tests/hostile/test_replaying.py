"""Recordings of any content are replayed, packed and made into scenarios, or refused with a message: no traceback for what a peer sent."""

from __future__ import annotations

import contextlib
import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from harness.errors import HarnessError, TraceError
from harness.fake.replay.player import Replay
from harness.fake.replayed_call import RecordedService
from harness.media import ogg
from harness.media.opus import SILENCE
from harness.regression.cassette import cassette_files
from harness.regression.scenario import scenario_of
from harness.scenario.loader import loads
from harness.trace import Recording, Trace, dump, read_trace
from tests.hostile.mutations import spoiled, values
from tests.hostile.test_judging import TRACES

SOUND = ogg.file([(960, SILENCE)] * 10)


def used(trace: Trace, message: str) -> None:
    """Everything that is made of a recording, as far as it goes."""
    recording = Recording(trace, "hostile", {"sent": lambda: SOUND, "received": lambda: SOUND})
    service = RecordedService.of(recording, silence=True)
    assert service.conduct is not None
    assert service.answers is not None
    assert service.payload_type is None or service.session_id is not None
    replay = Replay(service.script)
    replay.connect(0.0)
    replay.receive(message, 0.1)
    for _ in range(200):
        due = replay.deadline
        if due is None:
            break
        replay.tick(due)
    cassette_files(recording)
    scenario_of(trace, "again")


@pytest.mark.parametrize(
    "name", ["azure-ga/s02-server-vad-turn.ndjson", "azure-ga/s07-function-call.ndjson", "azure-ga/s15-errors.ndjson"]
)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(data=st.data())
def test_spoiled_recordings_are_used_or_refused(name: str, data: st.DataObject) -> None:
    whole = TRACES[name]
    rows: list[Any] = [json.loads(json.dumps(entry.to_json())) for entry in whole.entries]
    for index in data.draw(st.lists(st.integers(0, len(rows) - 1), min_size=1, max_size=6, unique=True)):
        rows[index]["data"] = data.draw(spoiled(rows[index]["data"], times=3))
    lines = [
        dump(whole.header.to_json()),
        *(dump(row) for row in rows),
        dump({"end": "completed", "entries": len(rows)}),
    ]
    with contextlib.suppress(HarnessError):
        used(read_trace(lines), json.dumps(data.draw(values), allow_nan=True))


@pytest.mark.parametrize("name", sorted(TRACES))
def test_every_golden_recording_is_used_and_its_scenario_loads(name: str, tmp_path: Any) -> None:
    from harness.regression.scenario import _yaml

    trace = TRACES[name]
    used(trace, "{}")
    document = scenario_of(trace, "again")[0]
    (tmp_path / "again").mkdir()
    for number in range(40):
        (tmp_path / "again" / f"caller-{number}.wav").write_bytes(b"RIFF")
    with contextlib.suppress(TraceError):
        loads(_yaml(document), tmp_path / "again.yaml")
