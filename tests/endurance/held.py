"""What the process holds between calls: tasks, threads, descriptors, objects by type, memory by whose it is (Linux, glibc)."""

from __future__ import annotations

import asyncio
import ctypes
import gc
import os
import re
import sys
import threading
import urllib.parse
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from harness.fake.tokens import Key

# Objects of one type for every tenth call are a leak: what only the rarest of calls leave behind is found too.
OFTEN = 0.1
# Blocks and bytes that a call may leave behind: the key that the service remembers takes 16 blocks and 0.1 kB of them. A connection or a
# recording, the smallest things that could leak whole, hold a hundred times that.
MOST: Mapping[str, float] = {"blocks": 60, "heap": 2_000}


@dataclass(frozen=True)
class Held:
    """One count. ``sockets`` and ``files`` are open descriptors; what is left over counts in bytes, but for ``blocks``.

    ``objects`` are those the collector knows, by type, without the keys that the service has to remember (``keys``, bounded there) and
    without what only these hold. ``blocks`` are the pieces that Python's allocator has given out, strings and numbers too; ``heap`` is
    what C libraries and large Python objects hold of malloc; ``resident`` what the system says, with all that the allocators keep.
    """

    tasks: int
    threads: int
    sockets: int
    files: int
    keys: int
    blocks: int
    heap: int
    resident: int
    objects: Counter[str] = field(repr=False)

    @classmethod
    def now(cls) -> Held:
        """Counted after all garbage is gone, and the bounded caches of the standard library that go on filling."""
        re.purge()
        urllib.parse.clear_cache()
        gc.collect()
        gc.collect()  # what finalizers of the first pass let go
        sockets, files = _descriptors()
        keys = [one for one in gc.get_objects() if isinstance(one, Key)]
        objects = Counter(_kind(one) for one in gc.get_objects())
        remembered = {id(one): one for key in keys for one in (key, *_inside(key.session))}  # some share parts
        objects.subtract(map(_kind, remembered.values()))
        pages = int(Path("/proc/self/statm").read_text().split()[1])
        return cls(
            len(asyncio.all_tasks()),
            threading.active_count(),
            sockets,
            files,
            len(keys),
            sys.getallocatedblocks(),
            _heap(),
            pages * os.sysconf("SC_PAGE_SIZE"),
            objects,
        )


def leaks(first: Held, warm: Held, last: Held, *, calls: int, most: Mapping[str, float] = MOST) -> dict[str, float]:
    """What leaked, and how much: tasks, threads and descriptors since ``first``; the rest, a call, in the ``calls`` calls since ``warm``."""
    found: dict[str, float] = {}
    for name in ("tasks", "threads", "sockets", "files"):
        if (more := getattr(last, name) - getattr(first, name)) > 0:
            found[name] = more
    for kind, number in last.objects.items():
        if (more := (number - warm.objects[kind]) / calls) >= OFTEN:
            found[kind] = more
    for name, bound in most.items():
        if (more := (getattr(last, name) - getattr(warm, name)) / calls) > bound:
            found[name] = more
    return found


def _descriptors() -> tuple[int, int]:
    links = []
    for name in os.listdir("/proc/self/fd"):
        try:
            links.append(os.readlink(f"/proc/self/fd/{name}"))
        except OSError:
            continue  # the one that lists them
    sockets = sum(link.startswith("socket:") for link in links)
    return sockets, len(links) - sockets


def _kind(one: object) -> str:
    return f"{type(one).__module__}.{type(one).__qualname__}"


def _inside(value: Any) -> list[object]:
    """The containers of a JSON value, itself among them, as far as the collector counts them."""
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, (list, tuple)) else ()
    found = [one for each in inner for one in _inside(each)]
    return [value, *found] if gc.is_tracked(value) else found


class _Mallinfo(ctypes.Structure):
    """``struct mallinfo2`` of glibc's malloc.h."""

    _fields_ = tuple(
        (name, ctypes.c_size_t)
        for name in [
            "arena",
            "ordblks",
            "smblks",
            "hblks",
            "hblkhd",
            "usmblks",
            "fsmblks",
            "uordblks",
            "fordblks",
            "keepcost",
        ]
    )


def _heap() -> int:
    """Bytes that malloc has given out, small and large; Python's small objects lie elsewhere."""
    mallinfo = getattr(ctypes.CDLL(None), "mallinfo2", None)
    if mallinfo is None:
        return 0
    mallinfo.restype = _Mallinfo
    found = mallinfo()
    return int(found.uordblks + found.hblkhd)
