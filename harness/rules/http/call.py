"""HTTP: the call request that carries the offer, and the response that carries the answer."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from urllib.parse import urlsplit

from harness.protocol.dialects import BETA, DIALECTS, GA
from harness.protocol.hosts import is_loopback
from harness.rules.base import DOCUMENTED, INFO, MUST, OBSERVED, SERVICE, SHOULD, Observation, View, bad, judged
from harness.rules.http import FAMILY
from harness.rules.support.fields import at, mapping, shown, text
from harness.rules.support.http_view import (
    Exchange,
    body_of,
    exchanges,
    from_browser,
    header,
    is_sdp,
    media_type,
    query_of,
    url_of,
)
from harness.rules.support.sources import MS_PREVIEW_WEBRTC, MS_WEBRTC, OPENAPI, issue

_CALLS = f"{OPENAPI}; {MS_WEBRTC}"
_RESOURCE_HOSTS = (".openai.azure.com", ".services.ai.azure.com", ".cognitiveservices.azure.com")
_USUAL_PORTS = frozenset((None, 80, 443))
# What a page may send across origins to these services, and what browsers add by themselves (Fetch standard, CORS-safelisted and
# forbidden request-header names).
_BROWSER_HEADERS = frozenset(
    {
        "authorization", "content-type",
        "accept", "accept-charset", "accept-encoding", "accept-language", "access-control-request-headers",
        "access-control-request-method", "cache-control", "connection", "content-language", "content-length", "cookie",
        "date", "dnt", "expect", "forwarded", "host", "keep-alive", "origin", "pragma", "priority", "range", "referer",
        "save-data", "te", "trailer", "transfer-encoding", "upgrade", "user-agent", "via",
    }
)  # fmt: skip
# Added on the way by proxies, or by the browser itself.
_BROWSER_PREFIXES = ("sec-", "proxy-", "x-forwarded-", "x-real-ip", "cf-", "x-envoy-", "x-request-id", "traceparent")
_MODEL_IN_URL = (MS_PREVIEW_WEBRTC, issue("TanStack/ai#699"), issue("m1guelpf/swift-realtime-openai#54"))
_REGION = (MS_PREVIEW_WEBRTC, issue("Azure-Samples/realtime-call-center-accelerator#5"))


@FAMILY.rule("13", MUST, DOCUMENTED, _CALLS)
def offer_content_type(view: View) -> Iterator[Observation]:
    """the offer is sent as application/sdp, or as a form in GA

    The call request's body is the offer itself as application/sdp; GA also takes multipart/form-data with a part named sdp.

    An offer wrapped in JSON is answered with 400 or, on Azure, with a complaint about its size. Microsoft's how-to posts the
    raw offer while its REST page documents the form alone: both are accepted here for GA.

    Okay:
        request call
    Okay[openai-ga]:
        request call {"headers": {"content-type": "multipart/form-data; boundary=x"}, "body": {"sdp": "v=0",
            "session": "{}"}}
    Fail:
        request call {"headers": {"content-type": "application/json"}, "body": {"sdp": "v=0", "type": "offer"}}
    Fail:
        request call {"headers": {"content-type": "text/plain"}}
    Fail:
        request call {"body": {"sdp": "v=0"}}
    Fail[openai-ga]:
        request call {"headers": {"content-type": "multipart/form-data; boundary=x"}, "body": {"session": "{}"}}
    Fail[azure-preview]:
        request call {"headers": {"content-type": "multipart/form-data; boundary=x"}, "body": {"sdp": "v=0",
            "session": "{}"}}
    """
    expected = ["application/sdp with the offer as the body"]
    if view.dialect.multipart:
        expected.append("multipart/form-data with parts sdp and session")
    for one in exchanges(view, "call"):
        kind, body = media_type(one.request), body_of(one.request)
        raw = kind == "application/sdp" and is_sdp(body)
        # The session part is optional in OpenAI's schema (call_create_params.py).
        form = view.dialect.multipart and kind == "multipart/form-data" and _has_part(body, "sdp")
        yield judged(one.request, raw or form, expected, f"{kind or 'no content-type'} with {shown(body, 60)}")


def _has_part(body: object, name: str) -> bool:
    return name in body if isinstance(body, Mapping) else isinstance(body, str) and f'name="{name}"' in body


@FAMILY.rule("14", SHOULD, OBSERVED, *_MODEL_IN_URL)
def model_in_url(view: View) -> Iterator[Observation]:
    """the call URL names the model in beta and not in GA

    Beta services take the model (on Azure: the deployment) from the query parameter model; in GA it is part of the session.

    Without it the Azure preview answers 400; GA refuses a call URL that has it.

    Okay[azure-preview]:
        request call
    Okay[azure-ga]:
        request call
    Fail[azure-preview]:
        request call {"query": ""}
    Fail[openai-beta]:
        request call {"query": "model="}
    Fail[openai-ga]:
        request call {"query": "model=gpt-realtime"}
    """
    wanted = "model" in view.dialect.call_query
    for one in exchanges(view, "call"):
        model = query_of(one.request).get("model")
        if wanted:
            yield judged(
                one.request,
                bool(model),
                "?model=<model or deployment>",
                "no model" if model is None else "an empty model",
            )
        else:
            yield judged(one.request, model is None, "no model in the URL", f"model={model}")


@FAMILY.rule("15", SHOULD, DOCUMENTED, *_REGION, dialects=("azure-preview",))
def region(view: View) -> Iterator[Observation]:
    """the preview is called in a region that has it

    The preview's WebRTC endpoint exists in eastus2 and swedencentral only, and must be in the resource's own region.

    With another region the token request works and the call fails. Create the resource in one of the two regions, or move to GA,
    whose URLs name no region. The region is read from the call's host, else from the configuration that the caller noted.

    Okay:
        request call
    Okay:
        harness.config {"region": "swedencentral"}
        request call {"url": "http://127.0.0.1:8080/v1/realtimertc?model=my-realtime"}
    Fail:
        request call {"url": "https://eastus.realtimeapi-preview.ai.azure.com/v1/realtimertc?model=my-realtime"}
    Fail:
        harness.config {"region": "westeurope"}
        request call {"url": "http://127.0.0.1:8080/v1/realtimertc?model=my-realtime"}
    Unseen:
        request call {"url": "http://127.0.0.1:8080/v1/realtimertc?model=my-realtime"}
    """
    suffix = "." + (urlsplit(view.dialect.call_url).hostname or "").partition(".")[2]
    for one in exchanges(view, "call"):
        host = url_of(one.request).hostname or ""
        config = view.trace.first("harness.config")
        if host.endswith(suffix):
            entry, named = one.request, host.removesuffix(suffix)
        elif config is not None and text(config.data, "region"):
            entry, named = config, text(config.data, "region")
        else:
            continue
        yield judged(entry, named.lower() in view.dialect.regions, view.dialect.regions, named)


@FAMILY.rule("16", MUST, DOCUMENTED, MS_WEBRTC, dialects=("azure-ga",))
def same_host(view: View) -> Iterator[Observation]:
    """token request and call request go to the same resource

    In Azure GA both requests go to the host of the one resource; a key is worth nothing at another one.

    The regional host is a thing of the preview. Use https://<resource>.openai.azure.com for both.

    Okay:
        request key
        request call
    Okay:
        request key {"url": "http://localhost:8080/openai/v1/realtime/client_secrets"}
        request call {"url": "http://127.0.0.1:8080/openai/v1/realtime/calls"}
    Okay:
        request key {"url": "https://contoso.services.ai.azure.com/openai/v1/realtime/client_secrets"}
        request call
    Fail:
        request key
        request call {"url": "https://eastus2.realtimeapi-preview.ai.azure.com/v1/realtimertc"}
    Fail:
        request key
        request call {"url": "https://fabrikam.openai.azure.com/openai/v1/realtime/calls"}
    Unseen:
        request call
    """
    for one in exchanges(view, "call"):
        earlier = [key for key in exchanges(view, "key") if key.request.seq < one.request.seq]
        if earlier:
            here, there = _host(one), _host(earlier[-1])
            yield judged(one.request, here == there, there, here)


def _host(one: Exchange) -> str:
    parts = url_of(one.request)
    host = "this machine" if is_loopback(parts.hostname) else (parts.hostname or "")
    # One resource has several names: https://<resource>.<any of these>.
    host = next((host.removesuffix(suffix) for suffix in _RESOURCE_HOSTS if host.endswith(suffix)), host)
    return host + (f":{parts.port}" if parts.port not in _USUAL_PORTS else "")


@FAMILY.rule("17", MUST, DOCUMENTED, _CALLS, who=SERVICE, per_dialect=dict.fromkeys(BETA, INFO))
def call_status(view: View) -> Iterator[Observation]:
    """a call that succeeds is answered with 201 in GA

    A call request that succeeds creates a call: the status is 201 in GA, 200 or 201 in the preview and the beta.

    Microsoft's GA sample takes any other status for a failure. No document names the status of the preview, which is why it is
    only noted there.

    Okay[azure-ga]:
        request call
        response call
    Okay[azure-preview]:
        request call
        response call {"status": 200}
    Fail[azure-ga]:
        request call
        response call {"status": 200}
    Fail[openai-beta]:
        request call
        response call {"status": 202}
    Unseen:
        request call
        response call {"status": 401}
    """
    expected = [str(status) for status in sorted(view.dialect.call_statuses)]
    for one in exchanges(view, "call"):
        if one.ok and one.response is not None:
            yield judged(one.response, one.status in view.dialect.call_statuses, expected, str(one.status))


@FAMILY.rule("18", MUST, DOCUMENTED, _CALLS, who=SERVICE, dialects=GA)
def location(view: View) -> Iterator[Observation]:
    """Location ends in the call's id

    The 201 has a Location header, relative or absolute, whose last path segment is the call's id ("rtc_...").

    Hanging up over HTTP and watching the call from a server both need that id.

    Okay:
        request call
        response call
    Okay:
        request call
        response call {"headers": {"location": "https://contoso.openai.azure.com/openai/v1/realtime/calls/rtc_9?x=1"}}
    Fail:
        request call
        response call {"headers": {"location": "__absent__"}}
    Fail:
        request call
        response call {"headers": {"location": "/v1/realtime/calls/"}}
    """
    for one in exchanges(view, "call"):
        if one.status == 201 and one.response is not None:
            value = header(one.response, "location")
            path = value.partition("?")[0].partition("#")[0]
            # The id is what follows "calls"; ".../calls" or ".../calls/" names none.
            named = path.rpartition("/")[2] not in ("", "calls")
            yield judged(one.response, named, "Location: .../calls/<call id>", value or "no Location")


@FAMILY.rule("19", SHOULD, DOCUMENTED, _CALLS, who=SERVICE, per_dialect={"azure-preview": INFO})
def answer_content_type(view: View) -> Iterator[Observation]:
    """the answer comes as application/sdp

    The body of a successful call response is the SDP answer, and Content-Type says application/sdp.

    Gateways that relabel it as text or JSON make clients parse it wrongly. No document says it of the preview, where it is only noted.

    Okay:
        request call
        response call
    Fail:
        request call
        response call {"headers": {"content-type": "text/plain"}}
    Fail:
        request call
        response call {"headers": {"content-type": "__absent__"}}
    Unseen:
        request call
        response call {"status": 500}
    """
    for one in exchanges(view, "call"):
        if one.ok and one.response is not None:
            kind = media_type(one.response)
            yield judged(one.response, kind == "application/sdp", "application/sdp", kind or "no content-type")


@FAMILY.rule("25", SHOULD, OBSERVED, issue("TanStack/ai#699"), dialects=("openai-ga",))
def no_beta(view: View) -> Iterator[Observation]:
    """no beta header and no beta URL is used on GA

    OpenAI's GA endpoints are used without OpenAI-Beta: realtime=v1, and the beta's URLs are gone since May 2026.

    The header switches to the beta's event names, or is refused. Take it out when moving to GA.

    Okay:
        request key
        request call
    Fail:
        request key {"headers": {"openai-beta": "realtime=v1"}}
    Fail:
        request call {"url": "https://api.openai.com/v1/realtime?model=gpt-realtime"}
    """
    own = {
        urlsplit(url).path for url in (view.dialect.key_url, view.dialect.transcription_key_url, view.dialect.call_url)
    }
    gone = {
        urlsplit(url).path
        for row in (DIALECTS[name] for name in BETA)
        if row.vendor == view.dialect.vendor
        for url in (row.key_url, row.transcription_key_url, row.call_url)
    } - own
    for one in exchanges(view):
        beta, path = header(one.request, "openai-beta"), url_of(one.request).path
        if "realtime" in beta.lower():
            yield bad(one.request, "no OpenAI-Beta header", f"OpenAI-Beta: {beta}")
        else:
            yield judged(one.request, not path.endswith(tuple(gone)), sorted(own), path)


@FAMILY.rule("26", INFO, OBSERVED, issue("openclaw/openclaw#76435"))
def browser_headers(view: View) -> Iterator[Observation]:
    """a browser sends no headers of its own invention with the offer

    From a page, the call request carries Authorization and Content-Type and nothing else that the page chose.

    Any further header goes into the CORS preflight, and a service that does not list it makes the browser refuse the whole
    request. Only requests that come from a browser are looked at.

    Okay[azure-ga service]:
        request call {"headers": {"origin": "https://app.example", "sec-fetch-mode": "cors",
            "user-agent": "Mozilla/5.0"}}
    Fail[azure-ga service]:
        request call {"headers": {"origin": "https://app.example", "originator": "my-app"}}
    Unseen:
        request call {"headers": {"x-team": "voice"}}
    """
    for one in exchanges(view, "call"):
        if not from_browser(one.request):
            continue
        names = {str(name).lower() for name in mapping(at(one.request.data, "headers"))}
        own = sorted(name for name in names - _BROWSER_HEADERS if not name.startswith(_BROWSER_PREFIXES))
        yield judged(one.request, not own, "Authorization and Content-Type only", ", ".join(own))
