"""``harness proxy``: a pass-through between a real client and the real service; both are recorded and judged."""
