"""Which runs to make, one run, many of them side by side or spread over processes, and the clock they run on."""

CALLS = 8
"""Calls to a service at once, where nothing else is asked for."""
