from harness.fake.sample_names import SEED_END, SEED_EVENTS, as_documented, as_the_sample_expects
from harness.protocol.dialects import DIALECTS, FICTIONAL_EVENTS


def test_the_sample_waits_for_events_that_no_service_sends() -> None:
    """The three server events of the sample's switch statement."""
    imagined = {*SEED_EVENTS.values(), SEED_END["type"]}
    assert imagined == {"session.update", "session.error", "session.end"}
    assert imagined <= set(FICTIONAL_EVENTS)
    assert all(not imagined & row.server_events for row in DIALECTS.values())


def test_only_the_names_change() -> None:
    assert as_the_sample_expects({"type": "session.updated", "session": {"voice": "alloy"}}) == {
        "type": "session.update",
        "session": {"voice": "alloy"},
    }
    assert as_the_sample_expects({"type": "error", "error": {}})["type"] == "session.error"
    assert as_the_sample_expects({"type": "response.done"}) == {"type": "response.done"}


def test_the_token_request_is_read_as_it_was_meant() -> None:
    assert as_documented({"model": "m", "max_output_tokens": 4096}) == {
        "model": "m",
        "max_response_output_tokens": 4096,
    }
