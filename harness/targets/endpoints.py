"""Where a run goes: the endpoints and the credential of a fake, a gateway or the real service, from the environment or .env files."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

from harness.errors import MissingCredentials, UsageError
from harness.protocol.dialects import API_KEY, BEARER, DIALECTS, Auth, Dialect
from harness.protocol.hosts import is_loopback
from harness.protocol.retirements import retiring
from harness.scenario.model import Caller
from harness.targets.environment import (
    API_VERSION,
    AZURE_KEY,
    AZURE_TOKEN,
    DEPLOYMENT,
    ENDPOINT,
    OPENAI_BASE,
    OPENAI_KEY,
    OPENAI_MODEL,
    REGION,
    RESOURCE,
    variable,
)

# Hosts of an Azure resource: they stand for the resource, not for a gateway in front of every URL.
_AZURE_HOSTS = (".openai.azure.com", ".cognitiveservices.azure.com", ".services.ai.azure.com")
_LABEL = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,62})\Z")
_LINE_OF_KEY = re.compile(r"[\x21-\x7e]+\Z")


@dataclass(frozen=True)
class Endpoints:
    """Where the two requests of one dialect go, and with what. ``base`` stands in place of the vendor's hosts where it is set.

    ``loopback`` is true where the service is on this machine, so that both ends need the loopback interface alone.
    ``direct``: there is no token request, ``api_key`` itself is the bearer of the call request; ``form``: the offer goes in a form,
    with the session beside it. ``cafile`` holds the certificates to trust instead of the usual ones.
    ``notes`` are things a person should know about how the settings were read. ``api_key`` is never shown by ``repr``.
    """

    dialect: Dialect
    api_key: str = field(repr=False)
    auth: Auth
    model: str
    region: str = ""
    resource: str = ""
    api_version: str = ""
    base: str = ""
    loopback: bool = False
    verify: bool = True
    cafile: str = ""
    direct: bool = False
    form: bool = False
    webrtcfilter: bool = False
    notes: tuple[str, ...] = ()

    @property
    def key_url(self) -> str:
        """Where the token request goes, query included."""
        return self._url(self.dialect.key_url, self.dialect.key_query)

    @property
    def transcription_key_url(self) -> str:
        """Where the token request of a transcription session goes."""
        return self._url(self.dialect.transcription_key_url, self.dialect.key_query)

    @property
    def call_url(self) -> str:
        """Where the offer goes, query included."""
        extra = {"webrtcfilter": "on"} if self.webrtcfilter else {}
        return self._url(self.dialect.call_url, {**self.dialect.call_query, **extra})

    @property
    def call_host(self) -> str | None:
        """The ``Host`` of the call request where a stand-in on this machine has to be told the region, else None."""
        if self.loopback and self.region and "{region}" in self.dialect.call_url:
            port = urlsplit(self.base).port
            return f"{self.region}.localhost" + (f":{port}" if port else "")
        return None

    def hangup_url(self, call_id: str) -> str | None:
        """Where the call is hung up, or None where the dialect has no such request."""
        if self.dialect.hangup_url is None:
            return None
        return self._url(self.dialect.hangup_url.replace("{call_id}", quote(call_id, safe="")), {})

    def credentials(self) -> dict[str, str]:
        """The header that carries the long-lived key."""
        return self.auth.headers(self.api_key)

    def for_caller(self, caller: Caller) -> Endpoints:
        """These endpoints with what a scenario's ``caller`` block changes; what cannot be done is a note.

        Raises UsageError where the region could not stand in a host name.
        """
        if caller.region and not _LABEL.match(caller.region):
            raise UsageError(f"caller.region {caller.region!r} is not a region", fix="write it as Azure does: eastus2")
        notes = self.notes
        if caller.webrtcfilter and not self.dialect.filter:
            notes += (f"webrtcfilter left out: {self.dialect.name} has no such query",)
        if caller.region and "{region}" not in self.dialect.call_url:
            notes += (f"region {caller.region} left out: {self.dialect.name} has no region in its URLs",)
        changed = replace(
            self,
            api_key=self.api_key if caller.api_key is None else caller.api_key,
            model=caller.model or self.model,
            region=caller.region or self.region,
            webrtcfilter=caller.webrtcfilter and self.dialect.filter,
            notes=notes,
        )
        return replace(changed, notes=notes + _region_notes(changed)) if caller.region else changed

    def config(self) -> dict[str, Any]:
        """What the trace records at its start: resource, deployment, API version, region and URLs, no secret."""
        seen = {
            "resource": self.resource,
            "deployment": self.model,
            "api_version": self.api_version,
            "region": self.region,
            "auth": self.auth.name,
            "key_url": self.key_url,
            "call_url": self.call_url,
        }
        return {"dialect": self.dialect.name, **{name: value for name, value in seen.items() if value}}

    def _url(self, template: str, query: Mapping[str, str]) -> str:
        values = {
            "resource": self.resource,
            "region": self.region,
            "model": self.model,
            "api_version": self.api_version,
        }
        if self.base and not self._own_host(template):
            template = "{base}/" + template.partition("://")[2].partition("/")[2]
        url = template.format(base=self.base, **values)
        filled = {name: value.format(**values) for name, value in query.items()}
        asked = urlencode({name: value for name, value in filled.items() if value}, quote_via=quote)
        return f"{url}?{asked}" if asked else url

    def _own_host(self, template: str) -> bool:
        """A resource's own host does not stand in for the regional one."""
        return "{region}" in template and _is_azure_host(urlsplit(self.base).hostname or "")


def fake_endpoints(
    dialect: str | Dialect, base_url: str, *, api_key: str, model: str | None = None, region: str | None = None
) -> Endpoints:
    """Endpoints of a service at ``base_url`` that has this dialect's paths: the fake, or a stand-in a person started.

    Raises UsageError where ``base_url`` is no http(s) URL.
    """
    row = _row(dialect)
    base = _base(base_url, "--target")
    regions = row.regions if "{region}" in row.call_url else ()
    return Endpoints(
        dialect=row,
        api_key=api_key,
        auth=row.auth[0],
        model=model or row.default_model,
        region=region or next(iter(regions), ""),
        resource="fake" if "{resource}" in row.key_url else "",
        api_version=row.default_api_version,
        base=base,
        loopback=_is_loopback(base),
        notes=_transport_notes(base),
    )


def live_endpoints(dialect: str | Dialect, env: Mapping[str, str]) -> Endpoints:
    """Endpoints and credential of the real service (or of a gateway named in the environment) for this dialect.

    ``env`` is what :func:`load_environment` returns. Raises MissingCredentials that names every missing variable, and
    UsageError for one that is set to what it cannot be.
    """
    row = _row(dialect)
    return _VENDORS[row.vendor](row, env)


def available(dialect: str | Dialect, env: Mapping[str, str]) -> str | None:
    """Why this dialect cannot be called with these variables, on one line for a skip; None when it can.

    Raises UsageError for a variable that is set to what it cannot be: that is a mistake, and no reason to skip.
    """
    row = _row(dialect)
    try:
        found = live_endpoints(row, env)
    except MissingCredentials as error:
        return error.what
    if row.state.startswith("removed") and urlsplit(found.key_url).hostname == urlsplit(row.key_url).hostname:
        return f"{row.title} was {row.state}"
    return None


def _azure(row: Dialect, env: Mapping[str, str]) -> Endpoints:
    endpoint, key, token = (variable(env, name) for name in (ENDPOINT, AZURE_KEY, AZURE_TOKEN))
    notes: list[str] = []
    base = _base(endpoint, ENDPOINT) if endpoint else ""
    resource = _resource(variable(env, RESOURCE), notes)
    if base and _is_azure_host(urlsplit(base).hostname or ""):
        resource = resource or _resource(base, notes)
        if "{region}" in row.call_url:
            notes.append(f"{ENDPOINT} is a resource's own host: the call request goes to the region's host")
    missing = [] if resource or base else [RESOURCE]
    missing += [] if key or token else [AZURE_KEY]
    _refuse(row, missing)
    model = variable(env, DEPLOYMENT)
    if not model:
        notes.append(f"{DEPLOYMENT} is not set: the deployment is taken to be {row.default_model}")
    version = variable(env, API_VERSION) if row.default_api_version else ""
    region = variable(env, REGION).lower().replace(" ", "") if row.regions else ""
    if region and not _LABEL.match(region):
        raise UsageError(f"{region!r} is not a region", where=REGION, fix="write it as Azure does: eastus2")
    endpoints = Endpoints(
        dialect=row,
        api_key=_key(token or key, AZURE_TOKEN if token else AZURE_KEY),
        auth=BEARER if token else API_KEY,
        model=model or row.default_model,
        region=region or next(iter(row.regions), ""),
        resource=resource,
        api_version=version or row.default_api_version,
        base=base,
        loopback=_is_loopback(base),
    )
    return replace(endpoints, notes=(*notes, *_transport_notes(base), *_region_notes(endpoints)))


def _openai(row: Dialect, env: Mapping[str, str]) -> Endpoints:
    key, address = variable(env, OPENAI_KEY), variable(env, OPENAI_BASE)
    _refuse(row, [] if key else [OPENAI_KEY])
    base = _base(address, OPENAI_BASE) if address else ""
    model = variable(env, OPENAI_MODEL)
    ending = tuple(f"{OPENAI_MODEL}: {one}" for _, one in retiring({"model": model}, row.vendor))
    return Endpoints(
        dialect=row,
        api_key=_key(key, OPENAI_KEY),
        auth=BEARER,
        model=model or row.default_model,
        base=base,
        loopback=_is_loopback(base),
        notes=(*ending, *_transport_notes(base)),
    )


_VENDORS = MappingProxyType({"azure": _azure, "openai": _openai})


def _row(dialect: str | Dialect) -> Dialect:
    if isinstance(dialect, Dialect):
        return dialect
    if dialect not in DIALECTS:
        raise UsageError(f"unknown dialect {dialect!r}", fix=f"one of {', '.join(DIALECTS)}")
    return DIALECTS[dialect]


def _refuse(row: Dialect, missing: list[str]) -> None:
    if missing:
        spelled = ", ".join(f"{name} (or VITE_{name})" for name in missing)
        raise MissingCredentials(
            f"{row.name} needs {spelled}: not set in the environment, .env.local or .env",
            fix=f"put {' and '.join(f'{name}=...' for name in missing)} into .env.local in the current folder",
        )


def _key(key: str, name: str) -> str:
    """A key goes into an HTTP header, so it must be printable ASCII in one piece; the message never shows it."""
    if not _LINE_OF_KEY.match(key):
        raise UsageError(
            "the value has a blank, a line end or a character that is not ASCII; no key has",
            where=name,
            fix="copy the key again",
        )
    return key


def _resource(value: str, notes: list[str]) -> str:
    """The resource's name out of a name, a host name or a whole URL."""
    if not value:
        return ""
    host = value
    if "://" in value or "." in value or "/" in value:
        address = value if "://" in value else f"https://{value}"
        try:
            host = urlsplit(address).hostname or ""
        except ValueError:
            host = ""
        notes.append(
            f"{RESOURCE} or {ENDPOINT} is an address: the resource's name is taken to be {host.partition('.')[0]}"
        )
    name = host.partition(".")[0]
    if not _LABEL.match(name):
        raise UsageError(
            f"{value[:80]!r} is not a resource name",
            where=RESOURCE,
            fix="give the name alone: my-resource, not its URL",
        )
    return name


def _base(address: str, name: str) -> str:
    """Scheme, host, port and path prefix of a service, without the API's own root (``/openai/v1``, ``/v1``)."""
    try:
        parts = urlsplit(address.strip())
        good = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:
        good = False
    if not good or parts.username or parts.password:
        raise UsageError(
            f"{'an address with a user name or password' if good else repr(address[:80])} is no usable URL",
            where=name,
            fix="write https://host, or http://127.0.0.1:8080 for a service on this machine",
        )
    path = re.sub(r"/(?:openai(?:/v1)?|v1)\Z", "", parts.path.rstrip("/"))
    return f"{parts.scheme}://{parts.netloc}{path}"


def _is_loopback(base: str) -> bool:
    return is_loopback(urlsplit(base).hostname)


def _is_azure_host(host: str) -> bool:
    return host.endswith(_AZURE_HOSTS)


def _transport_notes(base: str) -> tuple[str, ...]:
    if base.startswith("http://") and not _is_loopback(base):
        return (f"{base} is not encrypted: keys travel in clear text",)
    return ()


def _region_notes(endpoints: Endpoints) -> tuple[str, ...]:
    regions = endpoints.dialect.regions
    if regions and endpoints.region not in regions:
        return (
            f"{endpoints.region} is no region of the WebRTC service ({', '.join(regions)}); {REGION} must be the resource's region",
        )
    return ()
