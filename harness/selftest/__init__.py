"""``harness selftest``: the proof that the rules catch each fault."""
