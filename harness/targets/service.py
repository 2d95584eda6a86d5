"""How a service that we did not write is entered: key, model, region, TLS, with or without a token request."""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path

from harness.errors import UsageError
from harness.protocol.dialects import BEARER, DIALECTS
from harness.scenario.live import Need
from harness.scenario.model import Caller
from harness.scenario.unscripted import Unscripted
from harness.targets.endpoints import Endpoints, live_endpoints
from harness.targets.environment import (
    AZURE_KEY,
    AZURE_TOKEN,
    DEPLOYMENT,
    ENDPOINT,
    OPENAI_BASE,
    OPENAI_KEY,
    OPENAI_MODEL,
    REGION,
    variable,
)

# What stands for the key of a service on this machine where none is set: such a service seldom asks for one.
ANY_KEY = "any-key-0123456789"
_NAMES: Mapping[str, Mapping[str, str]] = {
    "azure": {"url": ENDPOINT, "key": AZURE_KEY, "token": AZURE_TOKEN, "model": DEPLOYMENT, "region": REGION},
    "openai": {"url": OPENAI_BASE, "key": OPENAI_KEY, "model": OPENAI_MODEL},
}


@dataclass(frozen=True)
class Access:
    """What a person says of the service. Empty texts: as the environment says.

    ``key``: there is no token endpoint, this key is the bearer of the call request. ``form``: the offer goes in a form with the
    session beside it. ``insecure``: the certificate is not checked; ``cafile``: it is checked against these. ``without``: what
    the service does not have. ``key`` is never shown by ``repr``.
    """

    key: str = field(default="", repr=False)
    model: str = ""
    region: str = ""
    cafile: str = ""
    insecure: bool = False
    form: bool = False
    without: frozenset[Need] = frozenset()

    @property
    def unscripted(self) -> Unscripted:
        """The same for scenarios."""
        no_token = frozenset[Need](("token-request",) if self.key else ())
        return Unscripted(self.without | no_token, graded=True)


def service_endpoints(dialect: str, url: str, env: Mapping[str, str], access: Access) -> Endpoints:
    """Endpoints of the service at ``url`` with this dialect's paths; what ``access`` leaves open comes from ``env``.

    On this machine a service needs no key. Raises UsageError where the key is missing elsewhere, or a setting is wrong.
    """
    row = DIALECTS[dialect]
    if access.form and not row.multipart:
        raise UsageError(
            f"{dialect} takes no form", where="--form", fix="leave it out: the offer is sent as application/sdp"
        )
    if access.cafile and not Path(access.cafile).is_file():
        raise UsageError("no such file", where=access.cafile, fix="give a file of certificates in PEM")
    names = _NAMES[row.vendor]
    given = {"url": url, "key": access.key, "model": access.model, "region": access.region}
    settings = {**env, **{names[word]: value for word, value in given.items() if value and word in names}}
    if access.key:
        settings |= {AZURE_TOKEN: "", f"VITE_{AZURE_TOKEN}": ""}
    keyless = not any(variable(settings, names[word]) for word in ("key", "token") if word in names)
    found = live_endpoints(row, {**settings, names["key"]: ANY_KEY} if keyless else settings)
    if keyless and not found.loopback:
        raise UsageError(
            f"no key for {url}",
            where="harness check",
            fix=f"set {names['key']}; where the service has no token endpoint, give --key",
        )
    return replace(
        found,
        auth=BEARER if access.key else found.auth,
        # On this machine the region would have to be told by another Host header: only for a service that asks for it.
        region=found.region if access.region or not found.loopback else "",
        verify=not access.insecure,
        cafile=access.cafile,
        direct=bool(access.key),
        form=access.form,
    )


def relayed_endpoints(dialect: str, to: str, env: Mapping[str, str], *, own_key: bool) -> Endpoints:
    """Endpoints of the service that a client's requests go on to: the real one ("live"), or the one at the URL ``to``.

    Without ``own_key`` the clients bring their credentials, and none is needed here. Raises UsageError for a setting that is wrong, and
    MissingCredentials that names what is not set.
    """
    row = DIALECTS[dialect]
    names = _NAMES[row.vendor]
    settings = {**env, **({} if to == "live" else {names["url"]: to})}
    if not own_key:
        settings |= {names[word]: "" for word in ("key", "token") if word in names}
        settings |= {f"VITE_{names[word]}": "" for word in ("key", "token") if word in names}
        settings[names["key"]] = ANY_KEY
    found = live_endpoints(row, settings)
    # On this machine the region would have to be told by another Host header, which a client never asked for.
    return replace(found, region="" if found.loopback else found.region)


def absent(endpoints: Endpoints, access: Access) -> frozenset[Need]:
    """What a service entered like this cannot be tried for: its check of the key where none is given, its regions where no URL names one."""
    found: set[Need] = set()
    if endpoints.api_key == ANY_KEY:
        found.add("authentication")
    if not access.region and endpoints.for_caller(Caller(region="elsewhere")).call_url == endpoints.call_url:
        found.add("regions")
    return frozenset(found)


@cache
def _usual_certificates(*, trust_env: bool) -> ssl.SSLContext:
    """Those that httpx trusts, read once: they take 14 ms, a tenth of an offline run."""
    from httpx import create_ssl_context

    return create_ssl_context(trust_env=trust_env)


def tls(endpoints: Endpoints) -> bool | ssl.SSLContext:
    """How the certificate of the service is checked. Raises UsageError where the file of certificates cannot be used."""
    if not endpoints.verify:
        return False
    try:
        if endpoints.cafile:
            return ssl.create_default_context(cafile=endpoints.cafile)
        return _usual_certificates(trust_env=not endpoints.loopback)
    except (OSError, ssl.SSLError) as error:
        where = endpoints.cafile or "SSL_CERT_FILE"
        raise UsageError(
            f"no certificates in it: {error.strerror or error}", where=where, fix="give a file in PEM"
        ) from error
