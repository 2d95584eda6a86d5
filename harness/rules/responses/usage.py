"""RSP: what a response cost: usage and rate limits."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from harness.rules.base import (
    INFERRED,
    INFO,
    OBSERVED,
    SHOULD,
    UNKNOWN,
    Observation,
    View,
    bad,
    judged,
)
from harness.rules.responses import FAMILY
from harness.rules.support.fields import listing, mapping, number, shown, text
from harness.rules.support.history import history
from harness.rules.support.sources import LOG, sdk

_USAGE = sdk("realtime_response_usage.py")
_USAGE_DETAILS = sdk(
    "realtime_response_usage_input_token_details.py", "realtime_response_usage_output_token_details.py"
)


@FAMILY.rule("11", SHOULD, OBSERVED, _USAGE, LOG)
def usage_total(view: View) -> Iterator[Observation]:
    """a completed response has its usage, and the total is the sum

    Usage "will correspond to billing": total_tokens is input_tokens plus output_tokens.

    Okay:
        < response.done {"response": {"id": "r", "status": "completed", "usage": {"total_tokens": 30,
            "input_tokens": 10, "output_tokens": 20}}}
    Fail:
        < response.done {"response": {"id": "r", "status": "completed", "usage": {"total_tokens": 31,
            "input_tokens": 10, "output_tokens": 20}}}
    Fail:
        < response.done {"response": {"id": "r", "status": "completed", "usage": null}}
    """
    for done in history(view).server("response.done"):
        usage = mapping(done.event, "response", "usage")
        counts = [number(usage, name) for name in ("input_tokens", "output_tokens", "total_tokens")]
        if text(done.event, "response", "status") == "completed" and not usage:
            yield bad(done.entry, "usage", "none")
        elif (given := [count for count in counts if count is not None]) and len(given) == 3:
            seen = f"{given[0]:g} + {given[1]:g}, total {given[2]:g}"
            yield judged(done.entry, given[0] + given[1] == given[2], "total = input + output", seen)


@FAMILY.rule("15", INFO, UNKNOWN, sdk("rate_limits_updated_event.py"), hidden_by_filter=False)
def rate_limits(view: View) -> Iterator[Observation]:
    """rate limits are well-formed where they appear

    Each limit names requests or tokens with numbers; where and how often the event comes is not fixed and not judged.

    Okay:
        < rate_limits.updated {"rate_limits": [{"name": "tokens", "limit": 20000, "remaining": 19000,
            "reset_seconds": 3.5}]}
    Fail:
        < rate_limits.updated {"rate_limits": [{"name": "tokens", "limit": "many"}]}
    """
    for one in history(view).server("rate_limits.updated"):
        limits = listing(one.event, "rate_limits")
        ok = all(
            isinstance(limit, Mapping)
            and limit.get("name") in (None, "requests", "tokens")
            and all(
                limit.get(name) is None or number(limit, name) is not None
                for name in ("limit", "remaining", "reset_seconds")
            )
            for limit in limits
        )
        yield judged(one.entry, ok, "name requests or tokens; numbers", shown(list(limits)))


@FAMILY.rule("19", SHOULD, INFERRED, _USAGE_DETAILS)
def usage_details(view: View) -> Iterator[Observation]:
    """the details of usage add up

    Text, audio and image tokens make up the input, text and audio the output; cached tokens are "a subset of input tokens".

    Okay:
        < response.done {"response": {"id": "r", "status": "completed", "usage": {"input_tokens": 10,
            "output_tokens": 5, "total_tokens": 15, "input_token_details": {"text_tokens": 4, "audio_tokens": 6,
            "cached_tokens": 4}}}}
    Fail:
        < response.done {"response": {"id": "r", "status": "completed", "usage": {"input_tokens": 10,
            "output_tokens": 5, "total_tokens": 15, "output_token_details": {"text_tokens": 4, "audio_tokens": 6}}}}
    Fail:
        < response.done {"response": {"id": "r", "status": "completed", "usage": {"input_tokens": 10,
            "output_tokens": 5, "total_tokens": 15, "input_token_details": {"text_tokens": 4, "audio_tokens": 6,
            "cached_tokens": 11}}}}
    """
    for done in history(view).server("response.done"):
        usage = mapping(done.event, "response", "usage")
        wrong = []
        for side in ("input", "output"):
            total, details = number(usage, f"{side}_tokens"), mapping(usage, f"{side}_token_details")
            parts = [number(details, f"{kind}_tokens") for kind in ("text", "audio", "image")]
            known = [part for part in parts if part is not None]
            if total is None or len(known) < 2:
                continue
            if sum(known) != total:
                wrong.append(f"{side}: {' + '.join(f'{part:g}' for part in known)}, not {total:g}")
            cached = number(details, "cached_tokens")
            if cached is not None and cached > total:
                wrong.append(f"{side}: {cached:g} cached of {total:g}")
        if mapping(usage, "input_token_details") or mapping(usage, "output_token_details"):
            yield judged(done.entry, not wrong, "details that add up", "; ".join(wrong))
