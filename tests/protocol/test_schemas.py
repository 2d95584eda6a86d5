"""The schemas in the package are those of the installed SDK, and made smaller without a change of meaning."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from typing import Any, get_args

import jsonschema_rs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.drifting.models import UNIONS, generate
from harness.drifting.relaxations import RELAXATIONS, Relaxation
from tests.generate_schemas import FOLDER, main, written

pytest.importorskip("openai", reason="the vendor's SDK is not installed (it is in the dev extra)")

PARTS: tuple[Any, ...] = (None, True, 0, 1.5, "", "audio", "text", "realtime", "message", "user", [], {}, [{}], [None], {"type": "message"}, "__gone__")  # fmt: skip


@pytest.mark.parametrize("file", UNIONS)
def test_the_sdk_still_says_what_the_package_says(file: str) -> None:
    """Where this fails, the SDK has changed: see what is new (git diff after --write), and whether rules and fake follow."""
    shipped = json.loads((FOLDER / f"{file}.json").read_text(encoding="utf-8"))
    found = generate(file)
    for part in ("events", "$defs"):
        assert found[part] == shipped[part]


@pytest.mark.parametrize("file", UNIONS)
def test_a_file_is_written_as_it_is_shipped(file: str) -> None:
    text = (FOLDER / f"{file}.json").read_text(encoding="utf-8")
    assert written(json.loads(text)) == text
    assert len(text) < 40_000


@pytest.mark.parametrize("file", UNIONS)
def test_every_definition_is_referred_to_and_there(file: str) -> None:
    whole = json.loads((FOLDER / f"{file}.json").read_text(encoding="utf-8"))
    asked = {ref.removeprefix("#/$defs/") for ref in _references(whole)}
    assert asked == set(whole["$defs"])
    for schema in whole["events"].values():
        jsonschema_rs.Draft202012Validator({**schema, "$defs": whole["$defs"]})


def _references(schema: Any) -> set[str]:
    inner = list(schema.values()) if isinstance(schema, dict) else schema if isinstance(schema, list) else []
    own = {schema["$ref"]} if isinstance(schema, dict) and isinstance(schema.get("$ref"), str) else set()
    return own.union(*(_references(one) for one in inner))


def test_relaxations_give_reasons_and_name_files() -> None:
    for one in RELAXATIONS:
        assert len(one.reason) > 40
        assert set(one.files) <= set(UNIONS)
        assert one.optional or one.also is not None


def test_a_relaxation_in_vain_is_refused() -> None:
    with pytest.raises(ValueError, match="needs no relaxation"):
        generate("ga-service", (Relaxation(("ga-service",), "RealtimeResponse", "id", "why", {"type": "string"}),))
    with pytest.raises(ValueError, match="no model Nothing"):
        generate("ga-service", (Relaxation(("ga-service",), "Nothing", "id", "why", optional=True),))


def test_main_says_what_would_change(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 0
    assert capsys.readouterr().out.count("unchanged") == len(UNIONS)


def _validators(file: str) -> dict[str, tuple[Callable[[Any], bool], Callable[[Any], bool]]]:
    """Event type -> is it valid by the model's own JSON Schema, and by the one that was made smaller."""
    from importlib import import_module

    package, union = UNIONS[file]
    small = generate(file, ())
    found = {}
    for model in get_args(get_args(getattr(import_module(package), union))[0]):
        kind = get_args(model.model_fields["type"].annotation)[0]
        ours = {**small["events"][kind], "$defs": small["$defs"]}
        found[kind] = tuple(
            jsonschema_rs.Draft202012Validator(one).is_valid for one in (model.model_json_schema(), ours)
        )
    return found  # type: ignore[return-value]


SAMPLES: tuple[dict[str, Any], ...] = (
    {"type": "session.updated", "event_id": "e", "session": {"type": "realtime", "output_modalities": ["audio"], "max_output_tokens": "inf", "tracing": "auto", "truncation": "auto", "tool_choice": {"type": "function", "name": "f"}, "tools": [{"type": "function", "name": "f", "parameters": {}}, {"type": "mcp", "server_label": "l", "headers": {"a": "b"}, "require_approval": {"never": {"tool_names": ["t"]}}, "allowed_tools": ["t"]}], "audio": {"input": {"format": {"type": "audio/pcm", "rate": 24000}, "turn_detection": {"type": "server_vad", "threshold": 0.5}}, "output": {"voice": "alloy", "format": {"type": "audio/pcmu"}}}}},
    {"type": "response.done", "event_id": "e", "response": {"id": "r", "status": "failed", "status_details": {"type": "failed", "error": {"code": "c"}}, "metadata": {"a": "b"}, "max_output_tokens": 5, "usage": {"total_tokens": 1, "input_token_details": {"cached_tokens": 1}}, "output": [{"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "x"}]}, {"type": "function_call", "name": "f", "arguments": "{}"}, {"type": "mcp_call", "id": "i", "server_label": "l", "name": "n", "arguments": "{}", "error": {"type": "http_error", "code": 1, "message": "m"}}]}},
    {"type": "conversation.item.input_audio_transcription.completed", "event_id": "e", "item_id": "i", "content_index": 0, "transcript": "t", "usage": {"type": "tokens", "input_tokens": 1, "output_tokens": 1, "total_tokens": 2, "input_token_details": {"audio_tokens": 1}}, "logprobs": [{"token": "t", "bytes": [1], "logprob": -1.5}], "languages": [{"code": "en"}]},
    {"type": "response.content_part.added", "event_id": "e", "response_id": "r", "item_id": "i", "output_index": 0, "content_index": 0, "part": {"type": "audio", "transcript": ""}},
    {"type": "rate_limits.updated", "event_id": "e", "rate_limits": [{"name": "tokens", "limit": 1, "remaining": 1, "reset_seconds": 0.5}]},
    {"type": "error", "event_id": "e", "error": {"type": "t", "message": "m", "code": None}},
    {"type": "mcp_list_tools.failed", "event_id": "e", "item_id": "i"},
)  # fmt: skip
PAIRS = {file: _validators(file) for file in ("ga-service", "beta-service")}


def _places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(place for key, one in inner for place in _places(one, (*path, key)))]


def test_the_samples_are_valid() -> None:
    for sample in SAMPLES:
        model, ours = PAIRS["ga-service"][sample["type"]]
        assert model(sample)
        assert ours(sample)


@settings(max_examples=400, deadline=None)
@given(st.data())
def test_smaller_means_the_same(data: st.DataObject) -> None:
    """A valid event with a few parts taken out or replaced is judged alike by the model's schema and by the one in the package."""
    file = data.draw(st.sampled_from(sorted(PAIRS)))
    sample = copy.deepcopy(data.draw(st.sampled_from([one for one in SAMPLES if one["type"] in PAIRS[file]])))
    model, ours = PAIRS[file][sample["type"]]
    for _ in range(data.draw(st.integers(1, 3))):
        *way, last = data.draw(st.sampled_from(_places(sample)[1:] or [("type",)]))
        holder: Any = sample
        for part in way:
            holder = holder[part]
        new = copy.deepcopy(data.draw(st.sampled_from(PARTS)))
        if new == "__gone__":
            del holder[last]
        else:
            holder[last] = new
    assert model(sample) == ours(sample), sample
