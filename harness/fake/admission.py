"""Who may mint a key and who may make a call: every check of the fake's HTTP side, as pure functions of a request.

Each returns what the request asked for, or the :class:`HttpRefusal` it is answered with. What differs between dialects is read
from their rows, what differs between vendors from the vendors' rows.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any
from urllib.parse import urlsplit

from harness.fake import answers
from harness.fake.answers import VENDORS, HttpRefusal
from harness.fake.checks import Refusal
from harness.fake.client_events import decode
from harness.fake.sample_names import as_documented
from harness.fake.session import Configuration
from harness.fake.settings import FakeSettings
from harness.fake.tokens import KeyRing
from harness.protocol.dialects import BEARER, WAYS, Dialect

JSON_TYPE = "application/json"
SDP_TYPE = "application/sdp"
FORM_TYPE = "multipart/form-data"
# OpenAI SDK 3.57.0, client_secret_create_params.py: expires_after.seconds
SHORTEST_KEY, LONGEST_KEY = 10, 7200


@dataclass(frozen=True, slots=True)
class Ask:
    """The part of an HTTP request that is judged. Header names are lower-case; ``body`` is the decoded text.

    ``parts`` are the fields of a multipart form, None where the body is no such form.
    """

    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: str
    parts: Mapping[str, str] | None = None

    @property
    def content_type(self) -> str:
        """The media type without parameters, lower-case."""
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()

    @property
    def bearer(self) -> str:
        """The Bearer credential, or an empty string."""
        return BEARER.key_in(self.headers)


@dataclass(frozen=True, slots=True)
class TokenGrant:
    """An accepted token request: the model, the session it asks for, the lifetime of the key in seconds."""

    model: str
    session: Configuration
    seconds: float


@dataclass(frozen=True, slots=True)
class CallGrant:
    """An accepted call request. ``key`` is the ephemeral key it came with, empty where a form came with a standard key."""

    model: str
    session: Mapping[str, Any]
    offer: str
    key: str
    filtered: bool


def token_request(
    dialect: Dialect, ask: Ask, settings: FakeSettings, *, transcription: bool = False
) -> TokenGrant | HttpRefusal:
    """Judge a token request; ``transcription`` means the beta path for transcription sessions."""
    vendor = VENDORS[dialect.vendor]
    refusal = _no_resource(dialect, ask) or _query_refusal(dialect, ask) or _key_refusal(dialect, ask, settings)
    if refusal is not None:
        return refusal
    if ask.content_type != JSON_TYPE:
        return vendor.content_type.about(JSON_TYPE)
    body = _json_object(ask.body)
    if isinstance(body, HttpRefusal):
        return body
    return _BODIES[dialect.body](dialect, body, settings, transcription)


def call_request(
    dialect: Dialect, ask: Ask, settings: FakeSettings, keys: KeyRing, now: float
) -> CallGrant | HttpRefusal:
    """Judge a call request at the loop time ``now``."""
    vendor = VENDORS[dialect.vendor]
    refusal = _query_refusal(dialect, ask) or _region_refusal(dialect, ask, settings)
    if refusal is not None:
        return refusal
    if "model" in dialect.call_query:
        refusal = _model_refusal(dialect, ask.query.get("model"), settings, "model")
        if refusal is not None:
            return refusal
    elif "model" in ask.query:
        return answers.MODEL_IN_QUERY
    if ask.content_type != SDP_TYPE and not (dialect.multipart and ask.parts is not None):
        return vendor.content_type.about(SDP_TYPE)

    standing, key = keys.find(ask.bearer, dialect.name, now)
    if standing == "expired":
        return vendor.key_expired
    if key is None and is_api_key(ask.bearer, settings) and ask.parts is None:
        return vendor.not_ephemeral
    if key is None and not is_api_key(ask.bearer, settings):
        bare = vendor.key_wrong if ask.bearer else vendor.key_missing
        elsewhere = any(way.key_in(ask.headers) for way in WAYS if way != BEARER)
        return vendor.not_ephemeral if elsewhere else bare

    parts = ask.parts or {"sdp": ask.body}
    model = key.model if key else dialect.default_model
    session: Mapping[str, Any] = key.session if key else {}
    if "session" in parts:
        # The unified interface: the form says what the session is, over what the key says.
        body = _json_object(parts["session"])
        if isinstance(body, HttpRefusal):
            return body
        grant = _nested(dialect, {"session": {"model": model, **body}}, settings, below=session)
        if isinstance(grant, HttpRefusal):
            return grant
        model, session = grant.model, grant.session.view("", 0)
    filtered = dialect.filter and ask.query.get("webrtcfilter") == "on"
    return CallGrant(model, session, parts.get("sdp", ""), key.value if key else "", filtered)


def hangup_request(dialect: Dialect, ask: Ask, settings: FakeSettings, keys: KeyRing, now: float) -> HttpRefusal | None:
    """Judge a hang-up: the standard key or a good ephemeral key may do it."""
    refusal = _query_refusal(dialect, ask)
    if refusal is None and keys.find(ask.bearer, dialect.name, now)[0] != "good":
        refusal = _key_refusal(dialect, ask, settings)
    return refusal


def is_api_key(value: str, settings: FakeSettings) -> bool:
    """Whether this is a long-lived key of the service. Where any is accepted, what looks like an ephemeral key is none."""
    if settings.api_keys is None:
        return bool(value) and not value.startswith("ek_")
    return value in settings.api_keys


def offer_problem(offer: str) -> str:
    """Why the service cannot answer this offer, or an empty string.

    espressif/esp-webrtc-solution#17: code invalid_offer came for a missing m=application, Opus, ICE or DTLS attribute, for wrong
    line ends, and for an offer that was wrapped in JSON or a form.
    """
    if not offer.strip():
        return "the body is empty"
    if not offer.startswith("v=0"):
        return "the body does not start with v=0: it is no SDP"
    if re.search(r"(?<!\r)\n", offer):
        return "lines do not end in CRLF"
    if not offer.endswith("\n"):  # ACM-VIT/ExamCooker#589: an offer that was trimmed
        return "failed to unmarshal SDP: EOF"
    head, *sections = re.split(r"(?m)^m=", offer)
    audio = [section for section in sections if section.startswith("audio ")]
    data = [section for section in sections if section.startswith("application ") and "webrtc-datachannel" in section]
    if not audio:
        return "no m=audio section"
    if not any(re.search(r"(?mi)^a=rtpmap:\d+ opus/48000/2\s*$", section) for section in audio):
        return "no Opus (opus/48000/2) in m=audio"
    if not data:
        return "no m=application section with webrtc-datachannel: create the data channel before the offer"
    for attribute in ("ice-ufrag", "ice-pwd", "fingerprint", "setup"):
        if not any(f"\na={attribute}:" in part for part in (head, audio[0])):
            return f"no a={attribute}"
    return ""


def _query_refusal(dialect: Dialect, ask: Ask) -> HttpRefusal | None:
    stray = "api-version" in ask.query and "api-version" not in dialect.key_query
    return VENDORS[dialect.vendor].stray_api_version if stray else None


def _no_resource(dialect: Dialect, ask: Ask) -> HttpRefusal | None:
    # A token path that takes an api-version is no resource without a well-formed one.
    version = ask.query.get("api-version", "")
    wrong = "api-version" in dialect.key_query and not re.fullmatch(r"\d{4}-\d{2}-\d{2}(-preview)?", version)
    return VENDORS[dialect.vendor].not_found if wrong else None


def _key_refusal(dialect: Dialect, ask: Ask, settings: FakeSettings) -> HttpRefusal | None:
    vendor = VENDORS[dialect.vendor]
    presented = [key for way in dialect.auth if (key := way.key_in(ask.headers))]
    if any(is_api_key(value, settings) for value in presented):
        return None
    return vendor.key_wrong if presented else vendor.key_missing


def _region_refusal(dialect: Dialect, ask: Ask, settings: FakeSettings) -> HttpRefusal | None:
    region = region_of(dialect, ask.headers.get("host", ""))
    served = settings.regions if settings.regions is not None else dialect.regions
    return VENDORS[dialect.vendor].region if region and served and region not in served else None


def region_of(dialect: Dialect, host: str) -> str:
    """The region that a ``Host`` header names, or an empty string: ``{region}`` in the dialect's call host, or ``{region}.localhost``."""
    pattern = urlsplit(dialect.call_url).hostname or ""
    if "{region}" not in pattern:
        return ""
    name = host.rpartition(":")[0] if re.search(r":\d+$", host) else host
    hosts = "|".join(re.escape(form).replace(r"\{region\}", r"([a-z0-9]+)") for form in (pattern, "{region}.localhost"))
    found = re.fullmatch(hosts, name.lower())
    return next(filter(None, found.groups()), "") if found else ""


def _json_object(text: str) -> dict[str, Any] | HttpRefusal:
    try:
        return decode(text)
    except Refusal:
        return answers.NOT_JSON


def _flat(
    dialect: Dialect, body: Mapping[str, Any], settings: FakeSettings, transcription: bool
) -> TokenGrant | HttpRefusal:
    session = as_documented(body) if settings.sample_names else dict(body)
    secret = session.pop("client_secret", None)
    if secret is not None:
        # Checked, not granted: in beta every key lives one minute (docstring of client_secret in the SDK's session types).
        name = "expires_at" if transcription else "expires_after"
        wanted = secret.get(name) if isinstance(secret, dict) else secret
        seconds = _key_seconds(wanted, f"client_secret.{name}")
        if isinstance(seconds, HttpRefusal):
            return seconds
    refusal = None if transcription else _model_refusal(dialect, session.get("model"), settings, "model")
    if refusal is not None:
        return refusal
    return _configured(dialect, session, settings, transcription=transcription, place="")


def _nested(
    dialect: Dialect,
    body: Mapping[str, Any],
    settings: FakeSettings,
    transcription: bool = False,
    below: Mapping[str, Any] = MappingProxyType({}),
) -> TokenGrant | HttpRefusal:
    for name in body:
        if name not in ("session", "expires_after"):
            return answers.UNKNOWN_PARAMETER.about(name)
    if "session" not in body and VENDORS[dialect.vendor].needs_model:
        return answers.MISSING_PARAMETER.about("session")
    session = body.get("session", {"type": "realtime"})
    if not isinstance(session, dict):
        return answers.INVALID_TYPE.about("session")
    kind = session.get("type", "realtime")
    if kind not in ("realtime", "transcription"):
        return answers.INVALID_VALUE.about("session.type")
    if kind == "realtime":
        refusal = _model_refusal(dialect, session.get("model"), settings, "session.model")
        if refusal is not None:
            return refusal
    seconds = _key_seconds(body.get("expires_after"), "expires_after")
    if isinstance(seconds, HttpRefusal):
        return seconds
    return _configured(
        dialect,
        session,
        settings,
        transcription=kind == "transcription",
        place="session.",
        seconds=seconds,
        below=below,
    )


_BODIES = MappingProxyType({"flat": _flat, "nested": _nested})


def _configured(
    dialect: Dialect,
    session: Mapping[str, Any],
    settings: FakeSettings,
    *,
    transcription: bool,
    place: str,
    seconds: float | None = None,
    below: Mapping[str, Any] = MappingProxyType({}),
) -> TokenGrant | HttpRefusal:
    """The session as the service would run it, or why it cannot; ``place`` is what stands before a field's name."""
    model = session.get("model") or dialect.default_model
    configuration = Configuration(dialect, model=model, transcription=transcription)
    configuration.adopt(below)
    try:
        configuration.update(session)
    except Refusal as refusal:
        param = refusal.param and place + refusal.param.removeprefix("session.")
        message = refusal.message.replace(f"'{refusal.param}'", f"'{param}'")
        return HttpRefusal(400, refusal.code or "invalid_value", message, type=refusal.kind, param=param)
    lifetime = settings.key_seconds or seconds or float(dialect.key_seconds or 0)
    return TokenGrant(model, configuration, lifetime)


def _model_refusal(dialect: Dialect, model: object, settings: FakeSettings, name: str) -> HttpRefusal | None:
    vendor = VENDORS[dialect.vendor]
    if model is None or model == "":
        required = vendor.needs_model or name in dialect.call_query
        return answers.MISSING_PARAMETER.about(name) if required else None
    if not isinstance(model, str):
        return answers.INVALID_TYPE.about(name)
    known = settings.deployments is None or model in settings.deployments
    return None if known else vendor.model_unknown


def _key_seconds(expires_after: object, name: str) -> float | HttpRefusal | None:
    if expires_after is None:
        return None
    if not isinstance(expires_after, dict):
        return answers.INVALID_TYPE.about(name)
    if expires_after.get("anchor", "created_at") != "created_at":
        return answers.INVALID_VALUE.about(f"{name}.anchor")
    seconds = expires_after.get("seconds")
    if seconds is None:
        return None
    if not isinstance(seconds, int) or isinstance(seconds, bool):
        return answers.INVALID_TYPE.about(f"{name}.seconds")
    if seconds < SHORTEST_KEY:
        return answers.KEY_LIFETIME_LOW.about(f"{name}.seconds")
    if seconds > LONGEST_KEY:
        return answers.KEY_LIFETIME_HIGH.about(f"{name}.seconds")
    return float(seconds)
