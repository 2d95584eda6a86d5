"""Loading: what a good file becomes, and for each kind of mistake the place and the words."""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path
from textwrap import dedent

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from harness.errors import ScenarioError
from harness.protocol.dialects import DIALECTS
from harness.scenario.loader import LoadedScenario, load, loads
from harness.scenario.steps.hang_up import HangUp
from harness.scenario.steps.say import Say

GOOD = """\
title: The caller speaks, the assistant answers
tags: [smoke]
session: {instructions: "You are a helpful behavioral health assistant.", voice: alloy, temperature: 0.8}
steps:
  - say: caller-not-ill-disposed.wav
  - expect: input_audio_buffer.speech_started
    within: 1s
    save: {item: item_id}
  - expect: response.output_audio_transcript.done
    where: {transcript: {matches: "(?i)sorry"}, item_id: {one_of: ["${item}", x]}}
  - expect: {all_of: [response.output_audio.done, {event: response.content_part.done, where: {output_index: 0}}]}
  - hear: {speech: 500ms, within: 3s}
  - never: error
  - text: "And in one sentence?"
  - send: {type: response.cancel}
  - tool: {name: get_slots, result: {slots: [9, 10]}}
  - wait: 200ms
  - hang_up
fake:
  replies:
    - {hears: He was not an ill disposed young man., says: I am sorry., audio: assistant-im-sorry.wav, after: 320ms}
assert:
  budgets: {channel-open: 3s}
"""


def problems(text: str) -> list[str]:
    """The messages for a text, without the name of the file."""
    with pytest.raises(ScenarioError) as raised:
        loads(dedent(text), Path("x.yaml"))
    return str(raised.value).replace("x.yaml:", "").splitlines()


def loaded(text: str) -> LoadedScenario:
    return loads(dedent(text), Path("x.yaml"))


def test_a_good_file_becomes_a_scenario_with_lines() -> None:
    found = loaded(GOOD)
    assert found.scenario.title == "The caller speaks, the assistant answers"
    assert found.scenario.steps[0] == Say(say="caller-not-ill-disposed.wav")
    assert found.scenario.steps[-1] == HangUp()
    assert found.scenario.fake.replies[0].after == 0.32
    assert found.scenario.assert_.budgets == {"channel-open": 3.0}
    assert found.lines == {0: 22, 1: 5, 2: 6, 3: 9, 4: 11, 5: 12, 6: 13, 7: 14, 8: 15, 9: 16, 10: 17, 11: 18}
    assert found.where(3) == "x.yaml:9"
    assert found.dialects == tuple(DIALECTS)


def test_a_budget_may_name_percentiles() -> None:
    found = loaded("title: x\nassert: {budgets: {first-audio: {p50: 900ms, p95: 1500ms}, key: 2s}}\n")
    assert found.scenario.assert_.budgets == {"first-audio": {"p50": 0.9, "p95": 1.5}, "key": 2.0}


def test_load_reads_the_file_and_looks_for_recordings_beside_it(tmp_path: Path) -> None:
    (tmp_path / "own.wav").write_bytes(b"")
    path = tmp_path / "a.yaml"
    path.write_text("title: x\nsteps:\n  - say: own.wav\n", encoding="utf-8-sig")
    assert load(path).path == path
    assert load(str(path)).scenario.title == "x"


def test_files_that_cannot_be_read_say_why(tmp_path: Path) -> None:
    with pytest.raises(ScenarioError) as raised:
        load(tmp_path)
    assert str(raised.value) == f"{tmp_path}: is a directory\n  fix: name a file in it"
    with pytest.raises(ScenarioError, match="no such file or directory"):
        load(tmp_path / "none.yaml")
    (tmp_path / "latin.yaml").write_bytes("title: über".encode("latin-1"))
    with pytest.raises(ScenarioError, match=r"latin\.yaml:1:8: byte 0xfc is not UTF-8 text"):
        load(tmp_path / "latin.yaml")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        # the file as a whole
        ("", "1:1: the file is empty"),
        ("- title: x\n", "1:1: a scenario is a mapping that begins with title: and has steps:"),
        ("just text\n", "1:1: a scenario is a mapping that begins with title: and has steps:"),
        ("steps: []\n", "1:1: a scenario needs 'title'"),
        ("title: x\ntitle: y\n", "2:1: 'title' stands twice here; first in line 1"),
        ("title: x\n---\ntitle: y\n", "2:1: a second document begins here"),
        # keys and types
        ("title: x\nstepps: []\n", "2:1: unknown key 'stepps'; did you mean 'steps'?"),
        ("title: x\nzzz: 1\n", "2:1: unknown key 'zzz'; known here: title, tags, dialects, session, caller, steps,"),
        ("title: 5\n", "1:8: title: must be text (in quotes, where it looks like something else), not 5"),
        ("title: x\ntags: smoke\n", '2:7: tags: must be a list, not "smoke"'),
        ("title: x\ntags: [1]\n", "2:8: tags: must be text (in quotes, where it looks like something else), not 1"),
        ("title: x\nsteps: {say: a}\n", "2:8: steps: must be a list"),
        ("title: x\nfake: [1]\n", "2:7: fake: must be a mapping, not [1]"),
        ("title: x\ncaller: {webrtcfilter: maybe}\n", '2:24: webrtcfilter: must be true or false, not "maybe"'),
        ("title: x\nassert: {fails: {at: key, status: many}}\n", '2:35: status: must be a whole number, not "many"'),
        ("title: x\nassert: {fails: {}}\n", "2:17: fails needs 'at'"),
        ("title: x\nassert: {order: [key, offr]}\n", "2:23: \"offr\" is not known here; did you mean 'offer'?"),
        ("title: x\nassert: {budgets: {first-audoi: 1s}}\n", "2:20: \"first-audoi\" is not known here; did you mean 'first-audio'?"),
        ("title: x\nfake: {replies: [{status: none}]}\n", '2:27: "none" is not known here; it is one of completed, incomplete, failed'),
        # durations
        ("title: x\nsteps: [{wait: 5}]\n", "2:16: wait: 5 is not a duration; write a number and a unit: 300ms, 1.5s, 2min"),
        ("title: x\nsteps: [{wait: 5 hours}]\n", "2:16: wait: '5 hours' is not a duration"),
        ("title: x\nassert: {budgets: {key: 3}}\n", "2:25: key: 3 is not a duration"),
        ("title: x\nassert: {budgets: {key: {p95: 3}}}\n", "2:25: key: 3 is not a duration"),
        ("title: x\nassert: {budgets: {key: {p96: 3s}}}\n", "2:25: key: a budget is a duration, or one for each percentile (p50, p75, p90, p95, p99), not 'p96'"),
        ("title: x\nassert: {budgets: {key: {}}}\n", "2:25: key: a budget is a duration, or one for each percentile (p50, p75, p90, p95, p99), at least one"),
        # steps
        ("title: x\nsteps: [expct: error]\n", "2:9: unknown step 'expct'; did you mean 'expect'?"),
        ("title: x\nsteps: [{within: 1s, exepct: error}]\n", "2:22: unknown step 'exepct'; did you mean 'expect'?"),
        ("title: x\nsteps: [{within: 1s}]\n", "2:9: no step word beside within; steps are: expect, hang_up, hear,"),
        ("title: x\nsteps: [hangup]\n", "2:9: unknown step 'hangup'; did you mean 'hang_up'?"),
        ("title: x\nsteps: [say]\n", "2:9: say needs a value; write say: and what"),
        ("title: x\nsteps: [7]\n", "2:9: a step is a word with a colon and its value; steps are: expect,"),
        ("title: x\nsteps: [{}]\n", "2:9: a step is a word with a colon and its value"),
        ("title: x\nsteps: [{hang_up: now}]\n", '2:19: hang_up: takes no value, not "now"'),
        ("title: x\nsteps: [{wait: 1s, text: hi}]\n", "2:20: a step has one step word, and this one has wait and text; begin another step with a dash"),
        ("title: x\nsteps: [{wait: 1s, wihtin: 1s}]\n", "2:20: unknown key 'wihtin'; known here: lenient, wait"),
        ("title: x\nsteps: [{expect: error, wihtin: 1s}]\n", "2:25: unknown key 'wihtin'; did you mean 'within'?"),
        ("title: x\nsteps: [{hear: {}}]\n", "2:16: hear: give either speech or silence"),
        ("title: x\nsteps: [{tool: {result: 1}}]\n", "2:16: tool needs 'name'"),
        # event names
        ("title: x\nsteps: [expect: session.updatd]\n", "2:17: unknown event 'session.updatd'; did you mean 'session.updated'?"),
        ("title: x\nsteps: [expect: response.audio_transcript.dne]\n", "did you mean 'response.audio_transcript.done'?"),
        ("title: x\nsteps: [never: xyzzy]\n", "2:16: unknown event 'xyzzy'; the nearest known one is "),
        ("title: x\nsteps: [expect: session.end]\n", "2:17: no service sends session.end: there is no end event"),
        ("title: x\nsteps: [expect: session.update]\n", "2:17: no service sends session.update: a client event; the service answers session.updated"),
        ("title: x\nsteps: [never: session.error]\n", "2:16: no service sends session.error: the service reports trouble as error"),
        ("title: x\nsteps: [expect: response.cancel]\n", "2:17: response.cancel is a client event; the service never sends it"),
        ("title: x\nsteps: [expect: [error]]\n", "2:17: expect: must be an event name, {all_of: [...]} or {any_of: [...]}, not [\"error\"]"),
        ("title: x\nsteps: [expect: {all_off: [error]}]\n", "2:18: unknown key 'all_off'; did you mean 'all_of'?"),
        ("title: x\nsteps: [expect: {}]\n", "2:17: expect: give either all_of or any_of, with at least one event"),
        ("title: x\nsteps: [expect: {any_of: [error, {event: eror}]}]\n", "2:42: unknown event 'eror'; did you mean 'error'?"),
        ("title: x\nsteps: [send: {type: response.cancell}]\n", "2:22: unknown event 'response.cancell' (send_raw sends a wrong one on purpose); did you mean 'response.cancel'?"),
        ("title: x\nsteps: [send: {type: message}]\n", "2:22: there is no event message: use conversation.item.create"),
        ("title: x\nsteps: [send: {type: response.done}]\n", "2:22: response.done is a server event; a client cannot send it"),
        ("title: x\nsteps: [send: {item: 1}]\n", "2:15: send needs a type: the name of a client event"),
        # conditions
        ("title: x\nsteps: [{expect: error, where: {error.code: {equal: x}}}]\n", "2:46: unknown condition 'equal'; did you mean 'equals'?"),
        ("title: x\nsteps: [{expect: error, where: {error: {zzz: x}}}]\n", "2:41: unknown condition 'zzz'; conditions are: equals, matches,"),
        ("title: x\nsteps: [{expect: error, where: {error: {}}}]\n", "2:40: no condition; conditions are:"),
        ("title: x\nsteps: [{expect: error, where: {a..b: 1}}]\n", "2:33: 'a..b' is no path"),
        ("title: x\nsteps: [{never: error, where: {a: {matches: '('}}}]\n", "2:45: matches: '(' is no regular expression: missing )"),
        ("title: x\nsteps: [{expect: error, where: {a: {matches: 1}}}]\n", "matches: must be a regular expression in quotes"),
        ("title: x\nsteps: [{expect: error, where: {a: {at_least: '5'}}}]\n", "at_least: must be a number"),
        ("title: x\nsteps: [{expect: error, where: {a: {at_most: true}}}]\n", "at_most: must be a number"),
        ("title: x\nsteps: [{expect: error, where: {a: {one_of: x}}}]\n", "one_of: must be a list with at least one value"),
        ("title: x\nsteps: [{expect: error, where: {a: {absent: 1}}}]\n", "absent: must be true or false"),
        ("title: x\nsteps: [{tool: {name: f, arguments: {a: {is: 1}}}}]\n", "2:42: unknown condition 'is'"),
        ("title: x\nsteps: [{expect: {all_of: [{event: error, where: {a: {is: 1}}}]}}]\n", "2:55: unknown condition 'is'"),
        # variables
        ("title: x\nsteps: [{send: {type: conversation.item.delete, item_id: '${item}'}}]\n", "2:58: unknown variable ${item}; no earlier expect saves it (save: {item: item_id})"),
        ("title: x\nsteps: [{expect: error, save: {itme: event_id}}, {text: '${item}'}]\n", "2:57: unknown variable ${item}; did you mean 'itme'?"),
        ("title: x\nsteps: [{expect: error, where: {a: '${b}'}, save: {b: event_id}}]\n", "2:36: unknown variable ${b}"),
        ("title: x\nsteps: [{send_raw: 'is ${item}'}]\n", "2:20: unknown variable ${item}"),
        ("title: x\nsteps: [{expect: error, save: {1a: event_id}}]\n", "2:32: '1a' is no variable name"),
        ("title: x\nsteps: [{expect: error, save: {a: ''}}]\n", "2:35: '' is no path"),
        # dialects and settings
        ("title: x\ndialects: [azure-pre]\n", "2:12: unknown dialect 'azure-pre'; did you mean 'azure-preview'?"),
        ("title: x\ndialects: [xyz]\n", "2:12: unknown dialect 'xyz'; dialects are: azure-preview, azure-ga, openai-ga, openai-beta"),
        ("title: x\ndialects: []\n", "2:11: no dialect; leave the key out for every dialect that can"),
        ("title: x\ndialects: [azure-preview]\nsteps: [expect: conversation.item.done]\n", "3:17: azure-preview has no conversation.item.done; only azure-ga, openai-ga"),
        ("title: x\nsteps: [expect: conversation.item.done, update: {temperature: 1}]\n", "2:17: no dialect can play this scenario: only azure-ga, openai-ga has conversation.item.done"),
        ("title: x\nsession: {instructons: hi}\n", "2:11: unknown session setting 'instructons'; did you mean 'instructions'?"),
        ("title: x\nsteps: [update: {voic: alloy}]\n", "2:18: unknown session setting 'voic'; did you mean 'voice'?"),
        ("title: x\ncaller: {webrtcfilter: true}\nsteps: [expect: response.done]\n", "3:17: webrtcfilter=on keeps response.done from the client's channel"),
        # rules and recordings
        ("title: x\nassert: {rules: {skip: {HTTP-1: why}}}\n", "2:25: unknown rule 'HTTP-1'; did you mean 'HTTP-"),
        ("title: x\nassert: {rules: {skip: {NOPE-01: why}}}\n", "2:25: unknown rule 'NOPE-01'"),
        ("title: x\nassert: {fails: {at: key, diagnosis: api-key-wrong}}\n", "2:38: unknown diagnosis 'api-key-wrong'; did you mean 'api-key-invalid'?"),
        ("title: x\nassert: {fails: {at: key, diagnosis: cors}}\n", "2:38: cors cannot be seen in a recording"),
        ("title: x\nsteps: [say: caller-not-ill-disposd.wav]\n", "2:14: no recording 'caller-not-ill-disposd.wav'; did you mean 'caller-not-ill-disposed.wav'? looked in "),
        ("title: x\nfake: {replies: [{audio: none.wav}]}\n", "2:26: no recording 'none.wav'; "),
    ],
)  # fmt: skip
def test_each_mistake_is_named_at_its_place(text: str, message: str) -> None:
    found = problems(text)
    assert message in "\n".join(found)


@pytest.mark.parametrize(
    "text",
    [
        "title: x\n",
        "title: x\nsteps:\n  - hang_up\n  - hush\n",
        "title: x\nsteps: [{expect: error, optional: true, where: {error.code: null}}]\n",
        "title: x\nsteps: [{expect: error, where: {a: {at_least: 0}, b: [1], c: {equals: {d: 1}}}}]\n",
        "title: x\nsteps: [{expect: error, save: {i: event_id}}, {expect: error, where: {a: {at_most: '${i}', matches: '^${i}$'}}}]\n",
        "title: x\nsteps: [{send_raw: '${not a variable'}]\n",
        "title: x\nsteps: [{text: 'costs $${price}'}]\n",
        "title: x\nsession: {something: else}\n",
        "title: x\nassert: {rules: {skip: {LAT-02: reason}}}\n",
        "title: x\nsteps: &s [hush]\nfake: {replies: [&r {says: a}, *r, {<<: *r, says: b}]}\n",
        "title: x\nsteps: [{say: caller-go-forward.wav, loop: yes}]\n",
        "title: x\nsteps: [{expect: {any_of: [conversation.item.created, conversation.item.done]}}]\n",
    ],
)
def test_these_load(text: str) -> None:
    assert loaded(text).scenario.title == "x"


def test_all_mistakes_of_a_file_are_told_together_in_its_order() -> None:
    assert problems(
        """\
        title: x
        steps:
          - say: caller-go-forward.wav
            lop: true
          - expect: session.updatd
            within: 3
          - wat: 1s
          - wait: 1
        assert: {order: [kez]}
        """
    ) == [
        "4:5: unknown key 'lop'; did you mean 'loop'?",
        "5:13: unknown event 'session.updatd'; did you mean 'session.updated'?",
        "6:13: within: 3 is not a duration; write a number and a unit: 300ms, 1.5s, 2min",
        "7:5: unknown step 'wat'; did you mean 'wait'?",
        "8:11: wait: 1 is not a duration; write a number and a unit: 300ms, 1.5s, 2min",
        "9:18: \"kez\" is not known here; did you mean 'key'?",
    ]


words = st.sampled_from(
    [
        "title",
        "steps",
        "say",
        "expect",
        "never",
        "where",
        "save",
        "within",
        "wait",
        "hear",
        "tool",
        "send",
        "type",
        "text",
        "update",
        "session",
        "dialects",
        "caller",
        "fake",
        "replies",
        "audio",
        "assert",
        "rules",
        "skip",
        "order",
        "budgets",
        "fails",
        "all_of",
        "any_of",
        "event",
        "error",
        "response.done",
        "azure-ga",
        "${a}",
        "hang_up",
        "1s",
        "x",
    ]
)
values = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | words | st.text("ab: $\n", max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(words, inner, max_size=3),
    max_leaves=15,
)


@given(st.dictionaries(words, values, max_size=6))
@example(
    {"title": "x", "steps": [{"expect": {"all_of": [{"event": {}}], "any_of": 1}, "where": {"a": {"matches": {}}}}]}
)
@example({"title": "x", "dialects": [{}], "steps": [{"send": {"type": []}}, {"update": []}, {"never": {}}]})
@example({"title": "x", "steps": [{"send": {"type": []}}, {"update": {"voice": {}}}, {"send": {}}]})
@example({"assert": {"budgets": {"x": {}}, "rules": {"skip": {"a": 1}}}, "fake": {"replies": [{"audio": ""}]}})
def test_any_file_loads_or_is_a_scenario_error(value: dict[str, object]) -> None:
    with suppress(ScenarioError):
        loads(json.dumps(value), Path("x.yaml"))
