"""CORS: whether a web page of another origin can make the call. Judged where the caller asks as a page does (``caller.origin``)."""

from __future__ import annotations

from collections.abc import Iterator

from harness.rules.base import OBSERVED, SERVICE, SHOULD, Family, Observation, View, judged
from harness.rules.support.fields import listing, text
from harness.rules.support.http_view import exchanges, header, status_of
from harness.rules.support.sources import issue

FAMILY = Family("CORS", "Web pages", rank=15, who=SERVICE, capability="browser")
_PREFLIGHT = (issue("openai/openai-agents-js#483"), issue("openclaw/openclaw#76435"), "WHATWG Fetch, CORS protocol")


@FAMILY.rule("01", SHOULD, OBSERVED, *_PREFLIGHT, observers=("client",))
def preflight_is_allowed(view: View) -> Iterator[Observation]:
    """the preflight of a page's call request is allowed

    A page posts the offer with Authorization and Content-Type: application/sdp; a browser asks for leave first, by OPTIONS.

    Where the answer is no 2xx, or does not name the origin (or *) and both headers, the browser never sends the offer. A * among the
    headers does not cover Authorization.

    Okay:
        http.preflight {"step": "call", "url": "https://x", "origin": "https://app.example", "method": "POST",
            "headers": ["authorization", "content-type"], "refused": [], "status": 204, "allowed_origin": "*"}
    Okay:
        http.preflight {"step": "call", "url": "https://x", "origin": "https://app.example", "method": "POST",
            "headers": ["authorization"], "refused": [], "status": 200, "allowed_origin": "https://app.example"}
    Fail:
        http.preflight {"step": "call", "url": "https://x", "origin": "https://app.example", "method": "POST",
            "headers": ["authorization"], "refused": ["authorization"], "status": 204, "allowed_origin": "*"}
    Fail:
        http.preflight {"step": "call", "url": "https://x", "origin": "https://app.example", "method": "POST",
            "headers": ["authorization"], "refused": [], "status": 405, "allowed_origin": "*"}
    Fail:
        http.preflight {"step": "call", "url": "https://x", "origin": "https://app.example", "method": "POST",
            "headers": ["authorization"], "refused": [], "status": 204, "allowed_origin": "https://elsewhere.example"}
    """
    for one in view.trace.of("http.preflight"):
        refused = [str(name) for name in listing(one.data, "refused")]
        wrong = [] if 200 <= status_of(one) < 300 else [f"status {status_of(one)}"]
        wrong += [f"{' and '.join(refused)} not allowed"] if refused else []
        wrong += _origin(text(one.data, "allowed_origin"), text(one.data, "origin"))
        yield judged(one, not wrong, "2xx, the origin and the headers of the request allowed", "; ".join(wrong))


@FAMILY.rule("02", SHOULD, OBSERVED, *_PREFLIGHT, observers=("client",))
def answer_may_be_read(view: View) -> Iterator[Observation]:
    """a page may read the SDP answer and the call's Location

    Without Access-Control-Allow-Origin the browser throws the answer away; without Location in Access-Control-Expose-Headers the page
    never learns the call's id.

    Okay:
        request call {"headers": {"origin": "https://app.example"}}
        response call {"headers": {"access-control-allow-origin": "*", "access-control-expose-headers": "Location"}}
    Fail:
        request call {"headers": {"origin": "https://app.example"}}
        response call {"headers": {"access-control-expose-headers": "Location"}}
    Fail:
        request call {"headers": {"origin": "https://app.example"}}
        response call {"headers": {"access-control-allow-origin": "*"}}
    Unseen:
        request call {}
        response call {}
    """
    for one in exchanges(view, "call"):
        origin = header(one.request, "origin")
        if not origin or one.response is None or not one.ok:
            continue
        exposed = [name.strip().lower() for name in header(one.response, "access-control-expose-headers").split(",")]
        wrong = _origin(header(one.response, "access-control-allow-origin"), origin)
        hidden = header(one.response, "location") and not {"location", "*"} & set(exposed)
        wrong += ["Location is not exposed"] if hidden else []
        yield judged(one.response, not wrong, "the origin allowed, Location exposed", "; ".join(wrong))


def _origin(allowed: str, origin: str) -> list[str]:
    return [] if allowed in ("*", origin) else ["the origin is not allowed"]
