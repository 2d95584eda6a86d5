"""HTTP: where the call request goes. Where the token request goes is HTTP-01."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import urlsplit

from harness.rules.base import DOCUMENTED, MUST, Observation, View, judged
from harness.rules.http import FAMILY
from harness.rules.support.fields import text
from harness.rules.support.http_view import exchanges, url_of
from harness.rules.support.sources import MS_MIGRATION, MS_PREVIEW_WEBRTC, MS_WEBRTC, OPENAPI


@FAMILY.rule("28", MUST, DOCUMENTED, "; ".join((MS_WEBRTC, MS_PREVIEW_WEBRTC, MS_MIGRATION, OPENAPI)))
def call_request_address(view: View) -> Iterator[Observation]:
    """the call request is a POST to the dialect's path

    The offer is posted to one path, which differs from dialect to dialect; a gateway may put a prefix before it.

    /openai/realtime with a deployment in the query, which older code posts to, is the preview's WebSocket URL and takes no offer;
    the preview's and the beta's paths do not exist in GA. They are answered with 404.

    Okay:
        request call
    Okay[openai-ga]:
        request call {"url": "https://gateway.example/tenant/v1/realtime/calls"}
    Fail[azure-preview]:
        request call {"url": "https://contoso.openai.azure.com/openai/realtime",
            "query": "api-version=2025-04-01-preview&deployment=my-realtime"}
    Fail[azure-ga]:
        request call {"url": "https://eastus2.realtimeapi-preview.ai.azure.com/v1/realtimertc"}
    Fail:
        request call {"method": "PUT"}
    """
    path = urlsplit(view.dialect.call_url).path
    for one in exchanges(view, "call"):
        method, url = text(one.request.data, "method").upper(), url_of(one.request)
        yield judged(
            one.request,
            method == "POST" and url.path.endswith(path),
            f"POST https://.../{path.lstrip('/')}",
            f"{method} {url.scheme}://{url.netloc}{url.path}",
        )
