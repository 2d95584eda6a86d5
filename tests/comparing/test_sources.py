"""What can be compared: results, traces, folders of them; and what cannot."""

from __future__ import annotations

import copy
import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from harness.comparing.comparison import compare
from harness.comparing.sources import read_sample
from harness.errors import HarnessError, NotATrace, UsageError
from harness.judging.recording import judge_file
from harness.judging.results import to_json
from harness.report.comparison import comparison_lines

GOLDEN = Path(__file__).parents[1] / "golden"
TURN = GOLDEN / "azure-ga" / "s02-server-vad-turn.ndjson"


def report(folder: Path, *, repetitions: int = 1, trace: bool = True) -> Path:
    """A report folder of one scenario, as a run leaves it."""
    (folder / "traces").mkdir(parents=True)
    results = []
    for number in range(repetitions):
        file = folder / "traces" / f"turn.{number}.ndjson"
        if trace:
            shutil.copy(TURN, file)
        results.append(replace(judge_file(TURN), scenario="scenarios/turn.yaml", trace=f"traces/{file.name}"))
    (folder / "results.json").write_text(json.dumps(to_json(results, seconds=1.0)))
    return folder


def test_a_trace_is_judged() -> None:
    (run,) = read_sample(TURN).runs
    assert (run.dialect, run.verdict, run.trace) == ("azure-ga", "conformant", TURN)


def test_a_folder_of_traces_and_one_trace() -> None:
    folder = read_sample(GOLDEN / "azure-ga")
    assert len(folder.runs) == len(list((GOLDEN / "azure-ga").glob("*.ndjson")))
    assert compare(folder, read_sample(TURN)).exit_code == 0


def test_two_dialects_of_the_same_recordings() -> None:
    found = compare(read_sample(GOLDEN / "azure-preview"), read_sample(GOLDEN / "azure-ga"))
    assert found.across == (("azure-preview", "azure-ga"),)
    assert len(found.pairs) == len(list((GOLDEN / "azure-preview").glob("*.ndjson")))
    assert all(pair.order is None or pair.order.only_after for pair in found.pairs if pair.order)


def test_results_with_their_traces(tmp_path: Path) -> None:
    for path in (report(tmp_path / "a"), tmp_path / "a" / "results.json"):
        (run,) = read_sample(path).runs
        assert run.order is not None
        assert run.trace == tmp_path / "a" / "traces" / "turn.0.ndjson"


def test_results_without_their_traces(tmp_path: Path) -> None:
    (run,) = read_sample(report(tmp_path, trace=False)).runs
    assert (run.order, run.trace) == (None, None)
    assert run.latencies["end of speech to first audio"]


def test_a_trace_of_another_run_is_not_taken_for_this_one(tmp_path: Path) -> None:
    report(tmp_path)
    shutil.copy(GOLDEN / "azure-ga" / "s06-text.ndjson", tmp_path / "traces" / "turn.0.ndjson")
    assert read_sample(tmp_path).runs[0].order is None


def test_a_folder_of_reports_is_one_sample(tmp_path: Path) -> None:
    report(tmp_path / "monday", repetitions=2)
    report(tmp_path / "tuesday")
    shutil.copy(TURN, tmp_path / "loose.ndjson")
    sample = read_sample(tmp_path)
    assert len(sample.runs) == 4
    assert len(compare(sample, sample).pairs) == 2


def test_what_cannot_be_read_is_listed(tmp_path: Path) -> None:
    shutil.copy(TURN, tmp_path / "good.ndjson")
    (tmp_path / "bad.ndjson").write_text("{}\n")
    (tmp_path / "more").mkdir()
    (tmp_path / "more" / "results.json").write_text("[]")
    sample = read_sample(tmp_path)
    assert len(sample.runs) == 1
    assert [reason.rpartition("/")[2].partition(":")[0] for reason in sample.unread] == ["bad.ndjson", "results.json"]
    found = compare(sample, sample)
    assert any(note.startswith("not read:") for note in found.notes())


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"runs": [{}]}', '{"runs": 3}', "\xff"])
def test_what_is_no_result_is_refused(tmp_path: Path, content: str) -> None:
    path = tmp_path / "results.json"
    path.write_text(content, encoding="latin-1")
    with pytest.raises(UsageError, match="not the results of a run"):
        read_sample(path)


def test_nothing_there(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no trace in it"):
        read_sample(tmp_path)
    with pytest.raises(UsageError, match="no such file"):
        read_sample(tmp_path / "gone")
    (tmp_path / "x.ndjson").write_text("")
    with pytest.raises(NotATrace):
        read_sample(tmp_path / "x.ndjson")
    with pytest.raises(HarnessError, match="the file is empty"):
        read_sample(tmp_path)


WHOLE = to_json([replace(judge_file(TURN), scenario="a.yaml", trace=None)], seconds=1.0)["runs"][0]
ODD = (
    st.none()
    | st.booleans()
    | st.integers(-2, 2)
    | st.just("x")
    | st.just([])
    | st.just({})
    | st.just([{}])
    | st.floats()
)


def _places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    inner = value.items() if isinstance(value, dict) else enumerate(value[:3]) if isinstance(value, list) else ()
    return [path, *(place for key, one in inner for place in _places(one, (*path, key)))]


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.sampled_from(_places(WHOLE)[1:]), ODD)
def test_damaged_results_are_refused_or_compared(tmp_path: Path, place: tuple[Any, ...], odd: object) -> None:
    run = copy.deepcopy(WHOLE)
    *way, last = place
    holder: Any = run
    for part in way:
        holder = holder[part]
    holder[last] = odd
    path = tmp_path / "results.json"
    path.write_text(json.dumps({"harness": "0.1.0", "runs": [run]}))
    try:
        sample = read_sample(path)
    except UsageError:
        return
    found = compare(sample, sample)
    assert found.exit_code in (0, 3)
    json.dumps(found.to_json())
    list(comparison_lines(found))
