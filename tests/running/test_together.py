"""Calls side by side on one event loop, at services with few places, and what ends them."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.client import http
from harness.judging.results import Result
from harness.running import places as together_places
from harness.running import together
from harness.running.jobs import Job
from harness.running.places import Places
from harness.running.together import Crowd
from harness.scenario.loader import LoadedScenario, load
from harness.targets.service import Access
from tests.unscripted import API_KEY, GATEWAY_KEY, Place, gateway, service

SHORT = "title: A short call\nsteps:\n  - {expect: session.updated, within: 5s}\n"


def jobs(folder: Path, url: str, number: int, *, key: str = "", text: str = SHORT) -> list[tuple[Job, LoadedScenario]]:
    """So many calls to the service at ``url``."""
    made = []
    folder.mkdir(exist_ok=True)
    for one in range(number):
        path = folder / f"call-{one}.yaml"
        path.write_text(text)
        access = Access(key=key)
        environment = {"OPENAI_API_KEY": API_KEY}
        job = Job(path, path.name, "openai-ga", url, out=folder / "out", access=access, environment=environment)
        made.append((job, load(path)))
    return made


def test_calls_are_made_at_once_and_come_in_the_order_of_their_jobs(tmp_path: Path) -> None:
    seen: list[str] = []
    with service() as place:
        made = Crowd(jobs(tmp_path, place.url, 4), Places(4), done=lambda one: seen.append(one.scenario)).make()
    assert [one.scenario for one in made.in_order] == [f"call-{number}.yaml" for number in range(4)]
    assert [one.verdict for one in made.in_order] == ["conformant"] * 4
    assert (sorted(seen), made.reason) == ([f"call-{number}.yaml" for number in range(4)], "")


@pytest.fixture(autouse=True)
def short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, "BACK_OFF", 0.05)
    monkeypatch.setattr(together_places, "FIRST_PAUSE", 0.1)
    monkeypatch.setattr(together_places, "LONGEST_PAUSE", 0.2)


def hang_ups(place: Place) -> set[str]:
    return {path.partition(" ")[0] for path in place.asked if path.startswith("DELETE")}


def test_a_full_service_is_waited_for_with_fewer_calls_and_gets_its_places_back_by_delete(tmp_path: Path) -> None:
    told: list[str] = []
    with gateway(places=2, hang_up="DELETE") as place:
        chosen = jobs(tmp_path, place.url, 5, key=GATEWAY_KEY, text=SHORT + "  - wait: 1s\n")
        made = Crowd(chosen, Places(5), told=told.append).make()
    assert [one.verdict for one in made.in_order] == ["conformant"] * 5
    assert made.reason == ""
    assert hang_ups(place) == {"DELETE"}
    assert told
    assert all("at once from now on" in line for line in told)


def test_places_that_do_not_come_back_are_the_one_cause(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(together, "PATIENCE", 0.3)
    with gateway(places=2) as place:
        made = Crowd(jobs(tmp_path, place.url, 6, key=GATEWAY_KEY), Places(4)).make()
    broken = [one for one in made.in_order if one.verdict != "conformant"]
    assert (len(made.results), len(broken)) == (3, 1)
    assert broken[0].diagnosis[0].id == "places-not-given-back"
    assert "2 calls were made before this one; all have ended" in broken[0].diagnosis[0].cause
    assert made.reason == "the service has no place for another call (status 503)"


def test_a_wait_that_nobody_has_patience_for_is_not_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(together, "LONGEST_WAIT", -1.0)
    with gateway(places=0) as place:
        made = Crowd(jobs(tmp_path, place.url, 2, key=GATEWAY_KEY), Places(1)).make()
    assert [one.verdict for one in made.in_order] == ["error"]
    assert made.reason


def test_after_enough_no_call_begins(tmp_path: Path) -> None:
    def enough(one: Result) -> str:
        return f"{one.scenario} was enough"

    with service() as place:
        made = Crowd(jobs(tmp_path, place.url, 3), Places(1), enough=enough).make()
    assert (len(made.results), made.reason) == (1, "call-0.yaml was enough")


class Stop(Exception):
    """Whatever ends the work."""


def test_what_ends_the_work_ends_all_calls_and_keeps_their_traces(tmp_path: Path) -> None:
    def stop(_: Result) -> None:
        raise Stop

    with service() as place:
        chosen = [
            *jobs(tmp_path / "long", place.url, 1, text=SHORT + "  - wait: 60s\n"),
            *jobs(tmp_path / "short", place.url, 1),
        ]
        with pytest.raises(Stop):
            Crowd(chosen, Places(2), done=stop).make()
    (trace,) = (tmp_path / "long" / "out" / "traces").iterdir()
    assert '"interrupted"' in trace.read_text().splitlines()[-1]
