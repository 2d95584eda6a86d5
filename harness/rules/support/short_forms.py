"""Short forms of long entries in the rules' examples, and lines that are continued: the docstring as it would be without them.

    packets sent 7 0:1:960 20:2:1920        rtp.packets of one ssrc: milliseconds, sequence, timestamp; then size, marker and TOC,
                                            each as in the packet before where it is left out (3, 0 and 248 at first)
    packets received 2 40ms*125             125 packets of 960 samples, one every 40 ms
    levels received 0.5 -30*6 -90*2         audio.levels: windows of 0.5 s, 6 at -30 and 2 at -90 dBFS; speech above -60 dBFS
    < response.output_text.delta @r/i/0/1   the ids of response and item, the output and the content index of an event

JSON after a short form replaces or adds fields. A line that is indented deeper than the first of its example continues the one above.
Pure.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from itertools import zip_longest
from typing import Any

LABEL = re.compile(r"^(\s*)(Okay|Fail|Open|Unseen)(?:\[([^\]]*)\])?:\s*$")
_PACKETS = re.compile(r"packets (sent|received) (\d+) ([\d:ms* ]+?)(?: (\{.*))?$")
_EVERY = re.compile(r"(\d+)ms\*(\d+)$")
_LEVELS = re.compile(r"levels (sent|received) ([\d.]+) ([-\d.* ]+?)(?: (\{.*))?$")
_PLACE = re.compile(r"([<>] \S+) @([^/ ]*)(?:/([^/ ]*))?(?:/(\d*))?(?:/(\d*))?(?: (\{.*))?$")
_SPEECH_DBFS = -60.0


def written_out(doc: str) -> str:
    """A docstring with every example line whole and in its long form."""
    return "\n".join(_long(line) for line in _joined(doc))


def _joined(doc: str) -> Iterator[str]:
    """The lines of a docstring, those of examples with what continues them."""
    held, inside = "", None  # ``inside``: the indentation of the example's lines, once the first is seen
    label = None
    for line in doc.splitlines():
        indent = len(line) - len(line.lstrip())
        if label is not None and line.strip() and indent > label:
            if inside is not None and indent > inside:
                held += " " + line.strip()
                continue
            inside = indent if inside is None else inside
        else:
            found = LABEL.match(line)
            label, inside = len(found[1]) if found else None, None
        if held:
            yield held
        held = line
        if not line.strip():
            yield line
            held = ""
    if held:
        yield held


def _long(line: str) -> str:
    text = line.lstrip()
    indent = line[: len(line) - len(text)]
    if found := _PACKETS.match(text):
        data = {
            "direction": found[1],
            "ssrc": int(found[2]),
            "payload_type": 96,
            "first": 0.0,
            "packets": _packets(found[3]),
        }
        return f"{indent}rtp.packets {_json(data, found[4])}"
    if found := _LEVELS.match(text):
        levels: list[float] = []
        for stretch in found[3].split():
            level, _, count = stretch.partition("*")
            levels += [json.loads(level)] * int(count or 1)
        speech = [int(level > _SPEECH_DBFS) for level in levels]
        data = {"direction": found[1], "start": 0.0, "step": json.loads(found[2]), "levels": levels, "speech": speech}
        return f"{indent}audio.levels {_json(data, found[4])}"
    if found := _PLACE.match(text):
        data = {"response_id": found[2], "item_id": found[3]}
        data |= {name: int(found[at]) for at, name in ((4, "output_index"), (5, "content_index")) if found[at]}
        return f"{indent}{found[1]} {_json({name: value for name, value in data.items() if value not in ('', None)}, found[6])}"
    return line


def _packets(text: str) -> list[list[int]]:
    if every := _EVERY.match(text):
        return [[int(every[1]) * number, number + 1, 960 * number, 3, 0, 248] for number in range(int(every[2]))]
    last: list[int] = [0, 0, 0, 3, 0, 248]
    packets = []
    for packet in text.split():
        last = [int(new) if new else old for new, old in zip_longest(packet.split(":"), last)]
        packets.append(last)
    return packets


def _json(data: dict[str, Any], more: str | None) -> str:
    return json.dumps({**data, **json.loads(more or "{}")}, ensure_ascii=False)
