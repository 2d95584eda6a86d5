"""The same run several times: a real sample in virtual time, a trace for each, budgets over all of them."""

from __future__ import annotations

import json
from pathlib import Path

import harness
from harness.comparing.comparison import compare
from harness.comparing.sources import read_sample
from harness.running.jobs import select
from harness.running.plan import carry_out, plan
from tests.unscripted import service

GREETING = Path(__file__).parents[2] / "scenarios" / "turns" / "the-answer-is-heard.yaml"


def test_chances_differ_and_the_whole_repeats_exactly(tmp_path: Path) -> None:
    def made(folder: str) -> list[float | None]:
        results = harness.run(GREETING, dialects=["azure-ga"], network="wifi-bad", repeat=3, out=tmp_path / folder)
        assert [one.repetition for one in results] == [1, 2, 3]
        return [one.milestones["first-audio"] for one in results]

    times = made("a")
    assert len(set(times)) == 3
    assert made("b") == times
    assert len(list((tmp_path / "a" / "traces").glob("*.ndjson"))) == 3
    assert len(list((tmp_path / "a" / "audio").glob("*.received.ogg"))) == 3
    found = compare(read_sample(tmp_path / "a"), read_sample(tmp_path / "b"))
    assert (found.exit_code, len(found.pairs), len(found.pairs[0].before)) == (0, 1, 3)


def test_one_run_is_as_it_was(tmp_path: Path) -> None:
    harness.run(GREETING, dialects=["azure-ga"], out=tmp_path)
    (run,) = json.loads((tmp_path / "results.json").read_text())["runs"]
    assert "repetition" not in run
    assert run["latencies"]["end of speech to first audio"]


def test_the_budget_of_a_percentile_is_that_of_all_runs(tmp_path: Path) -> None:
    path = tmp_path / "x.yaml"
    path.write_text("title: x\nassert: {budgets: {channel-open: {p95: 5s}, key: {p50: 1ms}}}\nsteps: []\n")
    made = carry_out(plan(select([path], dialects=["azure-ga"], repeat=2, cwd=tmp_path)), workers=2)
    seen = [
        [one.actual.partition("; ")[2] for one in run.expectations if " at p" in one.expected] for run in made.results
    ]
    assert len(seen) == 2
    assert all("p95 of 2 runs is" in channel and "p50 of 2 runs is" in key for channel, key in seen)


def test_calls_to_a_service_are_repeated_side_by_side(tmp_path: Path) -> None:
    path = tmp_path / "x.yaml"
    path.write_text("title: x\nlive: {budgets: {key: {p95: 20s}}}\nsteps: []\n")
    with service() as place:
        chosen = select([path], dialects=["openai-ga"], target=place.url, repeat=3, out=tmp_path / "out", cwd=tmp_path)
        made = carry_out(plan(chosen), calls=3)
    assert [run.repetition for run in made.results] == [1, 2, 3]
    assert all(any("p95 of 3 runs" in one.actual for one in run.expectations) for run in made.results)


def test_what_is_left_out_is_left_out_once(tmp_path: Path) -> None:
    path = tmp_path / "x.yaml"
    path.write_text("title: x\nsteps: []\nlive: {needs: [script]}\n")
    chosen = select([path], dialects=["openai-ga"], target="http://127.0.0.1:9", repeat=3, cwd=tmp_path)
    assert len(plan(chosen).left_out) == 1


def test_a_run_that_was_made_once_is_not_called_untried(tmp_path: Path) -> None:
    path = tmp_path / "x.yaml"
    path.write_text("title: x\nsteps: [{expect: error, within: 1s}]\n")
    made = carry_out(plan(select([path], dialects=["azure-ga"], repeat=3, cwd=tmp_path)), fail_fast=True)
    assert (len(made.results), made.left_out) == (1, ())
