"""Keeps the libraries underneath quiet: their logs quote headers, SDP and messages, with the keys in them; the trace says it better."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

LIBRARIES = ("aioice", "aiortc", "asyncio", "httpcore", "httpx", "python_multipart", "uvicorn")


@contextmanager
def quiet_libraries() -> Iterator[None]:
    """No library writes a log record below CRITICAL, whatever levels have been set; afterwards these are as they were."""
    before = {logger: logger.level for logger in _loggers()}
    for logger in before:
        logger.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        for logger, level in before.items():
            logger.setLevel(level)


def _loggers() -> list[logging.Logger]:
    """Each library's own logger, and those below it that exist by now: a level set there would win over the parent's."""
    existing = [name for name in logging.root.manager.loggerDict if name.partition(".")[0] in LIBRARIES]
    return [logging.getLogger(name) for name in {*LIBRARIES, *existing}]
