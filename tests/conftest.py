"""How hypothesis runs: without deadlines, since no test may fail because the machine is busy. ``--hypothesis-profile=ci`` goes first."""

from __future__ import annotations

from hypothesis import HealthCheck, settings

settings.register_profile("unhurried", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("unhurried")
