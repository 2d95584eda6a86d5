"""CNT: content parts and what stands in them."""

from __future__ import annotations

from harness.rules.base import SERVICE, Family

FAMILY = Family("CNT", "Content", rank=90, who=SERVICE)
