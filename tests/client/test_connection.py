import pytest

from harness.client.connection import channel_fix, last_states
from harness.trace import Entry


def test_the_last_state_of_each_layer() -> None:
    states = [("ice", "checking"), ("ice", "completed"), ("dtls", "connecting"), ("state", "connecting")]
    entries = [Entry(seq, 0.0, f"connection.{kind}", {"state": state}) for seq, (kind, state) in enumerate(states)]
    entries.append(Entry(4, 0.0, "connection.secured", {"role": "client"}))
    assert last_states(entries) == "ICE completed, DTLS connecting, connection connecting"
    assert last_states([]) == "ICE new, DTLS new, connection new"


@pytest.mark.parametrize(
    ("states", "fix"),
    [
        ("ICE checking, DTLS new, connection connecting", "UDP"),
        ("ICE completed, DTLS connecting, connection connecting", "fingerprint"),
        ("ICE connected, DTLS connected, connection connected", "did not take the data channel"),
    ],
)
def test_what_to_do_depends_on_how_far_it_came(states: str, fix: str) -> None:
    assert fix in channel_fix(states)
