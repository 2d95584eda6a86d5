"""SEC: long-lived keys stay where they belong, the recording keeps no secret, and a page can be overruled by its user."""

from __future__ import annotations

from collections.abc import Iterator

from harness.rules.base import BOTH, CLIENT, DOCUMENTED, INFO, MUST, Family, Observation, View, bad, good, judged
from harness.rules.support.fields import mapping
from harness.rules.support.http_view import credential, exchanges, from_browser, long_lived, media_type, secrets_in_url
from harness.rules.support.sources import MS_WEBRTC, OPENAPI, WEBRTC
from harness.trace.redact import Redactor

FAMILY = Family("SEC", "Safety", rank=170, who=CLIENT)
_NO_SECRET_RECORDED = "own policy: keys, api-key headers and ice-pwd are redacted before anything is stored"


@FAMILY.rule("01", MUST, DOCUMENTED, WEBRTC, MS_WEBRTC)
def long_lived_key(view: View) -> Iterator[Observation]:
    """the long-lived key stays away from the call endpoint and out of URLs

    The key of the resource or account mints ephemeral keys on a server; no call request of a page carries it, and no URL any key.

    Whoever opens the page's developer tools could take it, and URLs end up in logs. A form with the standard key, sent by a server
    (OpenAI's unified interface), is allowed.

    Okay:
        request key
        response key
        request call
    Okay[openai-ga]:
        request key
        request call {"headers": {"authorization": "Bearer [redacted:11:64:text]",
            "content-type": "multipart/form-data; boundary=x"}}
    Fail:
        request key
        request call {"headers": {"authorization": "Bearer [redacted:11:64:text]"}}
    Fail[openai-ga service]:
        request key
        request call {"headers": {"authorization": "Bearer [redacted:11:64:text]",
            "content-type": "multipart/form-data; boundary=x", "origin": "https://app.example"}}
    Fail:
        request key {"query": "api-key=[redacted:11:64:text]"}
    """
    lasting = long_lived(view)
    for one in exchanges(view):
        if secrets_in_url(one.request):
            yield bad(one.request, "no key in the URL", "a key in the URL")
            continue
        mark = credential(one.request)
        form = media_type(one.request).startswith("multipart/") and not from_browser(one.request)
        leaked = one.step == "call" and mark is not None and mark.number in lasting and not form
        yield judged(one.request, not leaked, "the ephemeral key", "the long-lived key at the call endpoint")


@FAMILY.rule("02", MUST, DOCUMENTED, _NO_SECRET_RECORDED, who=BOTH)
def no_secret_recorded(view: View) -> Iterator[Observation]:
    """the recording keeps no secret

    No key, authorization header or ICE password stands readable in what was recorded of HTTP, SDP and the configuration.

    This judges the checker itself, not a peer: traces and reports are passed on. Should it ever fail, report it and do not share
    the trace. Redaction leaves redacted text alone, so that anything it would still change is a leak.

    Okay:
        request key
        offer
    Fail:
        http.request {"step": "key", "headers": {"api-key": "not-a-real-key"}}
    Fail:
        offer s|\\[redacted:1:22:ice\\]|notarealpassword123456|
    Fail:
        harness.config {"call_url": "https://host.example/v1/realtime?api-key=not-a-real-key"}
    """
    redactor = Redactor()
    for entry in view.trace.of("http", "sdp", "harness.config"):
        yield judged(
            entry, redactor.value(entry.data) == entry.data, "marks in place of secrets", f"a secret in {entry.kind}"
        )


@FAMILY.rule("03", INFO, DOCUMENTED, MS_WEBRTC, OPENAPI, dialects=("azure-ga", "openai-ga"))
def overridable(view: View) -> Iterator[Observation]:
    """instructions and tools are not left to the page where they matter

    What a page sets with session.update its user can change and read: the configuration in the key is a default, not a lock.

    Where instructions or tools must stay secret or unchanged, set them over the side-band connection of a server, and on Azure turn
    webrtcfilter=on. Only calls from a browser are looked at.

    Okay[azure-ga service]:
        request call {"headers": {"origin": "https://app.example"}}
        > session.update {"session": {"type": "realtime", "audio": {"output": {"voice": "alloy"}}}}
    Fail[azure-ga service]:
        request call {"headers": {"origin": "https://app.example"}}
        > session.update {"session": {"type": "realtime", "instructions": "Never mention the price."}}
    Unseen:
        request call
        > session.update {"session": {"type": "realtime", "instructions": "Never mention the price."}}
    """
    if not any(from_browser(one.request) for one in exchanges(view, "call")):
        return
    for entry in view.client("session.update"):
        session = mapping(entry.event, "session")
        named = [word for word in ("instructions", "tools") if session.get(word)]
        if named and not view.filtered:
            yield bad(entry, ("set by a server", "webrtcfilter=on"), f"{' and '.join(named)} set by the page")
        else:
            yield good(entry)
