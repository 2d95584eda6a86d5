"""What the fake service answers over HTTP when it refuses: statuses and error bodies of both vendors, as rows.

Azure's gateway answers ``{"error": {"code", "message"}}`` with HTTP numbers as code; the model side behind it, and OpenAI,
answer ``{"error": {"message", "type", "param", "code"}}``. Texts that clients and people match on are the vendors'.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any, Literal

from harness.fake.checks import WORDING


@dataclass(frozen=True, slots=True)
class HttpRefusal:
    """An HTTP error: ``status``, and an error body in the ``gateway`` or the ``model`` shape."""

    status: int
    code: str
    message: str
    shape: Literal["gateway", "model"] = "model"
    type: str = "invalid_request_error"
    param: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def body(self) -> dict[str, Any]:
        """The JSON body."""
        if self.shape == "gateway":
            return {"error": {"code": self.code, "message": self.message}}
        return {"error": {"message": self.message, "type": self.type, "param": self.param, "code": self.code}}

    def sending(self, headers: Mapping[str, str]) -> HttpRefusal:
        """The same refusal with these response headers."""
        return replace(self, headers={**self.headers, **headers})

    def about(self, param: str) -> HttpRefusal:
        """The same refusal about this parameter; ``{param}`` in the message is filled in."""
        return replace(self, param=param, message=self.message.replace("{param}", param))


@dataclass(frozen=True, slots=True)
class Vendor:
    """How one vendor refuses. ``root`` is the first segment of its paths, ``request_id`` the header that carries the id.

    ``needs_model``: there is no default model, because a model is reached through a deployment that somebody named.
    ``stray_api_version``: what an ``api-version`` does on a path that takes none; None: nothing.
    """

    root: str
    request_id: str
    needs_model: bool
    key_missing: HttpRefusal
    key_wrong: HttpRefusal
    key_expired: HttpRefusal
    not_ephemeral: HttpRefusal
    model_unknown: HttpRefusal
    not_found: HttpRefusal
    method: HttpRefusal
    content_type: HttpRefusal
    region: HttpRefusal
    stray_api_version: HttpRefusal | None


NOT_JSON = HttpRefusal(
    400, "invalid_json", "We could not parse the JSON body of your request: it has to be one JSON object."
)
UNKNOWN_PARAMETER = HttpRefusal(400, *WORDING["unknown"])
MISSING_PARAMETER = HttpRefusal(400, *WORDING["missing"])
INVALID_TYPE = HttpRefusal(400, "invalid_type", "Invalid type for '{param}'.")
INVALID_VALUE = HttpRefusal(400, "invalid_value", "Invalid value for '{param}'.")
KEY_LIFETIME_LOW = HttpRefusal(
    400, "integer_below_min_value", "Invalid '{param}': integer below minimum value. Expected a value >= 10."
)
KEY_LIFETIME_HIGH = HttpRefusal(
    400, "integer_above_max_value", "Invalid '{param}': integer above maximum value. Expected a value <= 7200."
)
MODEL_IN_QUERY = HttpRefusal(
    400, "unknown_parameter", "Unknown query parameter: '{param}'. The ephemeral key carries the model.", param="model"
)
# espressif/esp-webrtc-solution#17
INVALID_OFFER = HttpRefusal(
    400, "invalid_offer", "Invalid SDP offer. Please try again with a WHIP-compliant offer.", param="sdp"
)
# TanStack/ai#586
BETA_REMOVED = HttpRefusal(
    400,
    "beta_api_shape_disabled",
    "The Realtime beta API is no longer available. Use /v1/realtime/client_secrets and /v1/realtime/calls.",
)
CALL_UNKNOWN = HttpRefusal(404, "call_id_not_found", "No call with this id.", param="call_id")
TOO_LARGE = HttpRefusal(413, "request_too_large", "The request body exceeds the maximum size.")
TOO_SLOW = HttpRefusal(408, "request_timeout", "The request body did not arrive in time.")
TOO_MANY_CALLS = HttpRefusal(
    429,
    "rate_limit_exceeded",
    "Too many concurrent calls. Please retry after 1 second.",
    type="rate_limit_error",
    headers={"retry-after": "1", "retry-after-ms": "1000"},
)

# SciSharp/BotSharp#386
_AZURE_DENIED = HttpRefusal(
    401,
    "401",
    "Access denied due to invalid subscription key or wrong API endpoint. Make sure to provide a valid key for an active "
    "subscription and use a correct regional API endpoint for your resource.",
    "gateway",
)
# BerriAI/litellm PR#38645
_NOT_EPHEMERAL = HttpRefusal(401, "Unauthorized", "This operation requires ephemeral authentication.", "gateway")

AZURE = Vendor(
    root="openai",
    request_id="apim-request-id",
    needs_model=True,
    key_missing=_AZURE_DENIED,
    key_wrong=_AZURE_DENIED,
    key_expired=HttpRefusal(401, "Unauthorized", "The ephemeral key has expired.", "gateway"),
    not_ephemeral=_NOT_EPHEMERAL,
    # chatboxai/chatbox#739 prints the whole body.
    model_unknown=HttpRefusal(
        404,
        "DeploymentNotFound",
        "The API deployment for this resource does not exist. If you created the deployment within the last 5 minutes, "
        "please wait a moment and try again.",
        "gateway",
    ),
    not_found=HttpRefusal(404, "404", "Resource not found", "gateway"),
    method=HttpRefusal(405, "405", "Method not allowed", "gateway"),
    content_type=HttpRefusal(415, "415", "Unsupported media type: this operation takes {param}.", "gateway"),
    # No document names the code of a wrong region; 401, 403 and 404 have been reported.
    region=HttpRefusal(404, "404", "The resource is not available in this region.", "gateway"),
    # Microsoft's preview-to-GA migration guide names a leftover api-version as a cause of 401.
    stray_api_version=replace(_AZURE_DENIED, message=_AZURE_DENIED.message + " api-version is not supported here."),
)

OPENAI = Vendor(
    root="v1",
    request_id="x-request-id",
    needs_model=False,
    key_missing=HttpRefusal(
        401,
        "invalid_api_key",
        "You didn't provide an API key. Send it in an Authorization header using Bearer auth.",
    ),
    key_wrong=HttpRefusal(401, "invalid_api_key", "Incorrect API key provided."),
    key_expired=HttpRefusal(401, "invalid_api_key", "The ephemeral key has expired."),
    not_ephemeral=replace(_NOT_EPHEMERAL, shape="model"),
    model_unknown=HttpRefusal(
        404, "model_not_found", "The model does not exist or you do not have access to it.", param="model"
    ),
    not_found=HttpRefusal(404, "404", "Resource not found"),
    method=HttpRefusal(405, "method_not_allowed", "Method not allowed"),
    content_type=HttpRefusal(
        400, "unsupported_content_type", "Unsupported content type: this operation takes {param}."
    ),
    region=HttpRefusal(404, "404", "Resource not found"),
    stray_api_version=None,
)

VENDORS: Mapping[str, Vendor] = MappingProxyType({"azure": AZURE, "openai": OPENAI})
