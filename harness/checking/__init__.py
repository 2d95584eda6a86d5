"""``harness check``: any service, graded."""
