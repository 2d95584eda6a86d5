"""What differs between SDK, schemas, fake and recordings, and how it is told apart. The recordings are made from the golden ones."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from harness.drifting import look, sources
from harness.drifting.drift import Drift
from harness.drifting.models import generate
from harness.drifting.text import drift_lines
from harness.drifting.vocabulary import Vocabulary, vocabulary
from harness.errors import UsageError
from harness.protocol import events

GOLDEN = Path(__file__).parents[1] / "golden" / "azure-ga"
TURN = GOLDEN / "s02-server-vad-turn.ndjson"
TODAY = date(2026, 6, 1)
Change = Callable[[dict[str, Any]], None]


def changed(folder: Path, change: Change, *, name: str = "live.ndjson", source: Path = TURN) -> Path:
    """A recording in which ``change`` was made to each of the service's events."""
    lines = []
    for line in source.read_text().splitlines():
        row = json.loads(line)
        if row.get("kind") == "event.received":
            change(row["data"]["event"])
        lines.append(json.dumps(row))
    (folder / name).write_text("\n".join(lines) + "\n")
    return folder / name


def found(*live: Path, fake: Path | None = GOLDEN, **options: Any) -> Drift:
    return look.drift(live, fake=fake, today=TODAY, **options)


def contract(*live: Path, **options: Any) -> list[tuple[str, str]]:
    return [(row.kind, row.what) for row in found(*live, **options).contract]


def test_the_same_has_no_difference() -> None:
    assert found(GOLDEN).rows == ()
    assert found(GOLDEN).exit_code == 0
    assert list(drift_lines(found(GOLDEN)))[-1].startswith(
        "✓ no difference of the contract from the SDK and live services"
    )


def test_an_event_that_is_new(tmp_path: Path) -> None:
    def rename(event: dict[str, Any]) -> None:
        if event["type"] == "rate_limits.updated":
            event["type"] = "rate_limits.changed"

    seen = found(changed(tmp_path, rename))
    (row,) = seen.contract
    assert (row.kind, row.what, row.has["live"], row.has["schema"]) == ("event", "rate_limits.changed", True, False)
    assert row.example.startswith(f"{tmp_path / 'live.ndjson'}, entry ")
    assert seen.exit_code == 1


def test_a_field_that_is_new(tmp_path: Path) -> None:
    def add(event: dict[str, Any]) -> None:
        if event["type"] == "response.done":
            event["response"]["mood"] = {"name": "calm"}

    assert contract(changed(tmp_path, add)) == [("field", "response.done: response.mood")]


def test_a_value_that_is_new(tmp_path: Path) -> None:
    def other(event: dict[str, Any]) -> None:
        if event["type"] == "response.done":
            event["response"]["status"] = "ready"

    assert contract(changed(tmp_path, other)) == [("value", "response.done: response.status ready")]


def test_a_field_that_is_missing_or_of_another_type(tmp_path: Path) -> None:
    def drop(event: dict[str, Any]) -> None:
        if event["type"] == "response.done":
            del event["event_id"]
        if event["type"] == "input_audio_buffer.speech_started":
            event["audio_start_ms"] = "soon"

    assert contract(changed(tmp_path, drop)) == [
        ("type", "input_audio_buffer.speech_started: audio_start_ms"),
        ("missing", "response.done: event_id"),
    ]


def test_what_the_fake_sends_too_is_known_although_no_schema_has_it(tmp_path: Path) -> None:
    def add(event: dict[str, Any]) -> None:
        if event["type"] == "response.done":
            event["response"]["mood"] = "calm"

    live = changed(tmp_path, add)
    assert contract(live, fake=live) == []


def test_what_the_fake_lacks_is_a_gap_of_ours() -> None:
    seen = found(GOLDEN, fake=TURN)
    assert seen.contract == ()
    assert seen.exit_code == 0
    lacking = [row.what for row in seen.rows if row.has["fake"] is False]
    assert "conversation.item.truncated" in lacking
    assert not any(what.startswith("conversation.item.truncated:") for what in lacking), "nothing inside of it"
    assert any(line.startswith("~ event    conversation.item.truncated") for line in drift_lines(seen))


def test_what_only_the_fake_sends_is_told_where_the_event_came_often(tmp_path: Path) -> None:
    def add(event: dict[str, Any]) -> None:
        if event["type"] in ("session.created", "response.output_item.added"):
            event["mood"] = "calm"

    told = [row.what for row in found(GOLDEN, fake=changed(tmp_path, add)).rows if row.has["live"] is False]
    assert told == ["response.output_item.added: mood", "session.created: mood"]
    assert not [row for row in found(TURN, fake=changed(tmp_path, add)).rows if row.has["live"] is False]


def swap(event: dict[str, Any]) -> None:
    """The part is announced where the item is and the other way round."""
    names = {"response.content_part.done": "response.output_item.done"}
    names |= {new: old for old, new in names.items()}
    if event["type"] in names:
        event["type"] = names[event["type"]]


def test_an_order_that_is_turned_round(tmp_path: Path) -> None:
    once = found(changed(tmp_path, swap))
    turned = [row for row in once.rows if row.kind == "order"]
    assert "response.output_item.done before response.content_part.done" in [row.what for row in turned]
    assert {row.meaning for row in turned} == {"gap"}, "once is no rule"
    for number in range(5):
        changed(tmp_path, swap, name=f"{number}.ndjson")
    often = [row for row in found(tmp_path).contract if row.kind == "order"]
    assert "response.output_item.done before response.content_part.done" in [row.what for row in often]


def test_a_model_of_the_sdk_that_changed(monkeypatch: pytest.MonkeyPatch) -> None:
    def models() -> tuple[dict[str, Vocabulary], list[str]]:
        whole = json.loads(json.dumps(events.whole("ga-service")))
        done = whole["events"].pop("response.done")
        whole["events"]["response.finished"] = done
        created = whole["events"]["response.created"]
        created["properties"]["mood"] = {"enum": ["calm"]}
        created["required"].remove("event_id")
        return {"ga-service": vocabulary(whole)}, ["Model.field needs no relaxation: why"]

    monkeypatch.setattr(look, "sdk_vocabularies", models)
    seen = found()
    assert [(row.kind, row.what, row.has["sdk"]) for row in seen.contract] == [
        ("field", "response.created: mood", True),
        ("required", "response.created: event_id", False),
        ("event", "response.done", False),
        ("event", "response.finished", True),
        ("relaxation", "Model.field needs no relaxation: why", True),
    ]


def test_without_the_sdk(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sources, "installed", lambda: None)
    seen = found(GOLDEN)
    assert seen.missing["sdk"] == "the vendor's SDK is not compared: pip install openai"
    assert seen.exit_code == 0
    assert list(drift_lines(seen))[-1].startswith("✓ no difference of the contract from live services")
    assert list(drift_lines(found(fake=None)))[-1].startswith("? neither")


def test_no_recording_is_skipped_and_red_where_one_is_required() -> None:
    seen = found(fake=None)
    assert (seen.exit_code, seen.missing["live"]) == (0, "no recording of a live call: none was given")
    assert found(fake=None, require_live=True).exit_code == 1


def test_calls_to_our_fake_are_no_live_recordings(tmp_path: Path) -> None:
    text = TURN.read_text()
    (tmp_path / "fake.ndjson").write_text(text.replace('"target":"golden"', '"target":"fake"', 1))
    (tmp_path / "broken.ndjson").write_text("{}\n")
    (tmp_path / "odd.ndjson").write_text(text.replace('"dialect":"azure-ga"', '"dialect":"other"', 1))
    seen = found(tmp_path, fake=None, require_live=True)
    assert len(seen.skipped) == 3
    assert seen.missing["live"] == "no recording of a live call: none of what was given is one"
    assert seen.exit_code == 1
    assert sum(line.startswith("- skipped:") for line in drift_lines(seen)) == 5
    with pytest.raises(UsageError, match="no such file"):
        found(tmp_path / "gone")
    with pytest.raises(UsageError, match="no such file"):
        found(GOLDEN, fake=tmp_path / "gone")


def test_the_document_is_json() -> None:
    document = json.loads(json.dumps(found(GOLDEN, fake=TURN).to_json()))
    assert document["schema"] == 1
    assert {row["meaning"] for row in document["rows"]} == {"gap"}


def test_a_relaxation_in_vain_is_named() -> None:
    from harness.drifting.relaxations import Relaxation

    in_vain: list[str] = []
    row = Relaxation(("ga-service",), "RealtimeResponse", "id", "why", {"type": "string"})
    generate("ga-service", (row,), in_vain=in_vain)
    assert in_vain == ["RealtimeResponse.id needs no relaxation: why"]
