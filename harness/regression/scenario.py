"""Writes a regression scenario from a recording: the steps, the caller's audio, and the cassette that the fake replays."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import yaml

from harness.errors import UsageError
from harness.fake.replay.acts import Script, script_of, service_closes
from harness.files import write_bytes, write_text
from harness.judging.recording import result_of
from harness.protocol.generations import UPDATES
from harness.protocol.sdp import parse
from harness.protocol.session_body import session_body
from harness.regression.anonymous import anonymous
from harness.regression.cassette import write_cassette
from harness.regression.facts import literal
from harness.regression.speech import cut, spans, stretches
from harness.regression.steps import Steps, untold
from harness.rules.base import MUST, Outcome
from harness.rules.support.milestones import milestones
from harness.scenario.model import DEFAULT_ORDER
from harness.trace import Recording, Trace, open_recording, shows

_HEARD = "input_audio_buffer.speech_started"

NOTICED = 1.0
"""Seconds after the end of a channel in which the caller has noticed it."""


@dataclass(frozen=True)
class Written:
    """What was written: the scenario's ``path``, the ``folder`` beside it, the number of ``steps``, and what there is to know."""

    path: Path
    folder: Path
    steps: int
    notes: tuple[str, ...] = ()


def write_scenario(recording: Recording, path: Path, *, words: bool = False, secrets: Iterable[str] = ()) -> Written:
    """Write the scenario to ``path``, and into the folder of its name the cassette and the caller's audio as WAV files.

    ``words``: what the model said has to come again, word for word. Raises UsageError where it cannot be written, or the caller speaks in
    a record without sound, TraceError where the recording lacks what is needed otherwise.
    """
    if path.suffix not in (".yaml", ".yml"):
        raise UsageError("a scenario file ends in .yaml", where=str(path), fix=f"-o {path}.yaml")
    if not shows(recording.trace, "audio.speech") and recording.trace.events("service", _HEARD):
        raise UsageError(
            "its caller speaks, and the record that it was made from holds no sound",
            where=recording.name,
            fix="make the scenario of a trace with its audio, as harness proxy, serve and run leave it",
        )
    folder = path.with_suffix("")
    said = stretches(recording.trace)
    sounds = cut(recording, said)
    write_cassette(recording, folder, secrets=secrets)
    # From what the cassette holds, which has no secret and no path: the scenario is handed on with it.
    document, notes = scenario_of(open_recording(folder).trace, folder.name, words=words)
    for number, sound in enumerate(sounds, start=1):
        write_bytes(folder / f"caller-{number}.wav", sound)
    write_text(path, _yaml(document))
    return Written(path, folder, len(document["steps"]), tuple(notes))


def scenario_of(trace: Trace, folder: str, *, words: bool = False) -> tuple[dict[str, Any], list[str]]:
    """The scenario as it stands in a file, and notes for whoever made it. ``folder`` is the name of its cassette, beside the file."""
    script = script_of(trace)
    session, first, on_open = _session(script)
    steps = Steps(script, words, _heard(trace), folder)
    made = steps.walk(stretches(trace), first=first, ends=_hung_up(trace))
    notes = [
        f"{one} is an id of the recorded service that no event before told: another service will not know it"
        for one in untold(script, steps.names)
    ]
    caller = _caller(trace, on_open)
    asserted, told = _assert(trace)
    document: dict[str, Any] = {
        "title": f"As recorded: {anonymous(trace.header.scenario) or 'a call of ' + script.dialect.title}",
        "tags": ["regression"],
        "dialects": [script.dialect.name],
        **({"session": session} if session else {}),
        **({"caller": caller} if caller else {}),
        "steps": made,
        "fake": {"recording": folder},
        **({"assert": asserted} if asserted else {}),
    }
    return document, [*notes, *told]


def _session(script: Script) -> tuple[dict[str, Any], int, bool]:
    """The session that the caller asked for as it opened the call, the number of the first message after that, and whether it did."""
    asks = script.asks
    if not asks or asks[0].type not in UPDATES or asks[0].event is None or set(asks[0].event) != {"type", "session"}:
        return {}, 0, False
    body = asks[0].event["session"]
    if not isinstance(body, Mapping) or asks[0].type != "session.update" or asks[0].t - script.opened > 0.1:
        return {}, 0, False
    settings = {key: value for key, value in body.items() if key != "type" or value != "realtime"}
    if session_body(script.dialect, settings)[0] != body:
        return {}, 0, False
    return literal(settings), 1, True


def _caller(trace: Trace, on_open: bool) -> dict[str, Any]:
    """What the caller did differently while the call was set up."""
    caller: dict[str, Any] = {}
    requests = [one for one in trace.of("http.request") if one.data.get("step") == "call"]
    if any("webrtcfilter=on" in str(one.data.get("url", "")) for one in requests):
        caller["webrtcfilter"] = True
    if not on_open:
        caller["update_on_open"] = False
    offered = trace.first("sdp.offer")
    # A proxy creates its channel when it learns of the client's: the offer says whether there was one before it.
    if trace.of("channel.created") and offered and not parse(str(offered.data.get("sdp", ""))).of("application"):
        caller["channel"] = "after-offer"
    origin = next((one for request in requests if (one := _other_origin(request.data))), "")
    if origin:
        caller["origin"] = origin
    minted = [one.t for one in trace.of("http.response") if one.data.get("step") == "key"]
    if minted and requests and requests[0].t - minted[-1] > 1.0:
        caller["key_age"] = f"{round((requests[0].t - minted[-1]) * 1000)}ms"
    return caller


def _other_origin(request: Mapping[str, Any]) -> str:
    """The origin of the page that made a request, where it is another one than the service's; browsers send it to their own, too."""
    headers = request.get("headers") or {}
    origin = str(headers.get("origin", ""))
    return origin if urlsplit(origin).netloc != headers.get("host") else ""


def _assert(trace: Trace) -> tuple[dict[str, Any], list[str]]:
    """What has to hold of the whole call: as the run that was recorded had it, less what the recorded service broke."""
    kept = dict(trace.header.extra.get("assert") or {})
    result = result_of(trace, name="recording")
    broken = [one for one in result.rules if one.outcome is Outcome.FAIL and one.severity == MUST]
    skip = dict((kept.get("rules") or {}).get("skip") or {})
    skip.update({one.id: "broken in the recording" for one in broken})
    if skip:
        kept["rules"] = {"skip": skip}
    if "fails" not in kept and (failure := _failure(trace)):
        kept["fails"] = failure
    if trace.of("connection.disturbed") and "diagnosis" in (kept.get("fails") or {}):
        kept["fails"] = {
            key: value for key, value in kept["fails"].items() if key != "diagnosis"
        }  # the network is not repeated
    order = _order(trace)
    if order is not None and "order" not in kept:
        kept["order"] = order
    notes = ["the emulated network of the recorded call is not repeated"] if trace.of("connection.disturbed") else []
    notes += [f"{one.id} is broken in the recording, and skipped: a repaired service passes too" for one in broken]
    return kept, notes


def _failure(trace: Trace) -> dict[str, Any]:
    """Where the recorded call failed, and with which status; nothing where it did not. The service's own trace has refusals alone."""
    error = trace.first("harness.error")
    refused = [one.data for one in trace.of("http.response") if one.data.get("step") in ("key", "call")]
    if error is not None:
        failure, status = {"at": error.data.get("step")}, error.data.get("status")
    elif trace.first("channel.open") is None and refused and int(refused[-1].get("status") or 0) >= 400:
        failure, status = {"at": "key" if refused[-1]["step"] == "key" else "answer"}, refused[-1]["status"]
    else:
        return {}
    return {**failure, "status": status} if isinstance(status, int) else failure


def _order(trace: Trace) -> list[str] | None:
    """The milestones that the recorded call reached in their order, where they are not the usual ones."""
    reached = milestones(trace)
    order: list[str] = [name for name in DEFAULT_ORDER if reached.get(name) is not None]
    return None if order == list(DEFAULT_ORDER) else order


def _heard(trace: Trace) -> list[tuple[float, float]]:
    """When the service's speech was heard."""
    heard = spans(trace, trace.direction("service"))
    return [(began, ended) for began, ended in heard if ended is not None]


def _hung_up(trace: Trace) -> float | None:
    """When the caller ended the call, or had noticed that the service did; None where no call was made."""
    if trace.first("channel.open") is None:
        return None
    closing = service_closes(trace)
    if closing is not None:
        return closing.t + NOTICED
    asked = next((one for one in trace.of("http.request") if one.data.get("step") == "hangup"), None)
    ended = asked or trace.first("channel.closed")
    return ended.t if ended is not None else trace.seconds


class _Short(dict[str, Any]):
    """A mapping that is written on one line."""


class _Dumper(yaml.SafeDumper):
    """YAML as people write scenarios: the conditions of a step on one line."""


_Dumper.add_representer(
    _Short, lambda dumper, value: dumper.represent_mapping("tag:yaml.org,2002:map", value, flow_style=True)
)


def _yaml(document: Mapping[str, Any]) -> str:
    return "".join(
        f"{key}: {_yaml_text(value, one_line=True)}"
        if not isinstance(value, (dict, list)) or key in ("tags", "dialects", "fake")
        else f"{key}:\n{_yaml_text([_short(one) for one in value] if key == 'steps' else value, indent=2)}"
        for key, value in document.items()
    )


def _short(step: Mapping[str, Any]) -> dict[str, Any]:
    return {key: _Short(value) if isinstance(value, dict) else value for key, value in step.items()}


def _yaml_text(value: Any, *, indent: int = 0, one_line: bool = False) -> str:
    text = yaml.dump(
        value,
        Dumper=_Dumper,
        sort_keys=False,
        allow_unicode=True,
        width=130,
        default_flow_style=one_line,
    )
    return "".join(f"{' ' * indent}{line}\n" for line in text.removesuffix("...\n").splitlines())
