"""What the fake service accepts and how it behaves: one frozen set of values, given at the start."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Self

from harness.fake.faults.base import ServiceConduct
from harness.scenario.script import FakeScript


@dataclass(frozen=True, slots=True)
class FakeSettings:
    """Limits and credentials of the fake service. Times are seconds, sizes bytes.

    ``api_keys``: the long-lived keys it accepts; None accepts any that is not empty.
    ``deployments``: the deployments (models) it has, case-sensitive; None accepts any name, so that a new model is never refused.
    ``regions``: the regions its resource is in; None means the dialect's own list. A request tells its region by its
    ``Host``: the vendor's regional host, or ``{region}.localhost``; any other host has no region and is not checked.
    ``body_limit``: a longer request body is answered with 413.
    ``request_seconds``: a request body that is not there by then is answered with 408.
    ``max_connections``: further HTTP connections are closed at once. A connection that has not brought a whole request head
    within ``request_seconds`` is closed.
    ``max_calls``: further calls at the same time are answered with 429.
    ``connect_seconds``: a call whose peer connection is not there by then is dropped.
    ``max_call_seconds``: a call is ended then; None leaves it to the dialect's session length.
    ``received_bytes``, ``messages_per_second`` (on the average), ``channels``: what one call may bring on its data channels; a
    call that brings more is ended, further channels are ignored.
    ``queued_bytes``: a call whose client does not take its events is ended when so much waits for it.
    ``key_seconds``: lifetime of every ephemeral key; None means the request's ``expires_after``, else the dialect's.
    ``sample_names``: speak as a client expects that was written to Microsoft's JavaScript sample (see :mod:`harness.fake.sample_names`).
    """

    api_keys: tuple[str, ...] | None = None
    deployments: tuple[str, ...] | None = None
    regions: tuple[str, ...] | None = None
    body_limit: int = 1 << 20
    request_seconds: float = 30.0
    max_connections: int = 512
    max_calls: int = 64
    connect_seconds: float = 45.0
    max_call_seconds: float | None = None
    received_bytes: int = 16 << 20
    messages_per_second: float = 200.0
    channels: int = 16
    queued_bytes: int = 8 << 20
    key_seconds: float | None = None
    sample_names: bool = False

    def scripted(self, script: FakeScript) -> Self:
        """The settings with what a scenario says of the service itself: the deployments that it has."""
        return self if script.deployments is None else replace(self, deployments=tuple(script.deployments))

    def as_conducted(self, conduct: ServiceConduct) -> Self:
        """The settings as a faulty service has them: its own lifetimes of sessions and keys."""
        session, key = conduct.session_seconds, conduct.key_seconds
        return replace(
            self,
            max_call_seconds=self.max_call_seconds if session is None else session,
            key_seconds=self.key_seconds if key is None else key,
        )
