from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from harness.scenario.steps.hear import Segment, segments, silence, speech
from harness.trace import Entry


def change(seq: int, at: float, state: str, direction: str = "received") -> Entry:
    return Entry(seq, at, "audio.speech", {"direction": direction, "state": state, "at": at})


def test_changes_become_segments() -> None:
    changes = [
        change(0, 0.1, "stopped"),
        change(1, 0.5, "started"),
        change(2, 0.6, "started"),
        change(3, 0.7, "started", "sent"),
        change(4, 1.0, "stopped"),
        change(5, 1.1, "stopped"),
        change(6, 2.0, "started"),
        Entry(7, 2.0, "audio.levels", {"direction": "received"}),
    ]
    assert segments(changes) == [(0.5, 1.0), (2.0, None)]
    assert segments(changes, "sent") == [(0.7, None)]
    assert segments([]) == []


def test_speech_and_silence_of_one_stretch() -> None:
    found: list[Segment] = [(1.0, 1.5)]
    assert speech(found, since=0.0, until=3.0, certain=3.0) == 0.5
    assert speech(found, since=1.2, until=3.0, certain=3.0) == 0.5
    assert speech(found, since=1.6, until=3.0, certain=3.0) == 0.0
    assert speech(found, since=0.0, until=1.25, certain=1.25) == 0.25
    assert silence(found, since=0.0, until=3.0, certain=3.0) == 1.5
    assert silence(found, since=1.2, until=3.0, certain=2.0) == 0.5
    assert silence([(1.0, None)], since=0.0, until=3.0, certain=3.0) == 1.0
    assert silence([(1.0, None)], since=1.0, until=3.0, certain=3.0) == 0.0
    assert speech([(1.0, None)], since=0.0, until=3.0, certain=2.0) == 1.0


@st.composite
def talks(draw: st.DrawFn) -> list[Segment]:
    times = sorted(draw(st.lists(st.integers(0, 1000), unique=True, max_size=20)))
    found: list[Segment] = [(begin / 100, end / 100) for begin, end in zip(times[::2], times[1::2], strict=False)]
    return [*found, (times[-1] / 100, None)] if len(times) % 2 else found


@given(talks(), st.integers(0, 1000), st.integers(0, 500))
def test_speech_and_silence_fit_into_the_time(found: list[Segment], since: Any, within: Any) -> None:
    start, until = since / 100, (since + within) / 100
    talked, quiet = (measure(found, start, until, until) for measure in (speech, silence))
    assert 0 <= talked <= until + 1e-9
    assert 0 <= quiet <= until + 1e-9
    assert talked + quiet <= until + 1e-9
    if not found:
        assert (talked, quiet) == (0, until)
