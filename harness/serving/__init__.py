"""``harness serve``: any client, served and judged."""
