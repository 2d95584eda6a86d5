"""Finds the JSON in a text: whole, one a line, or pasted between other words; each object with the words before it on its line."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from harness.protocol.messages import parse

_TANGLED = 8  # times the length of a text that may be looked at in vain, before it counts as no text with JSON in it
_DECODER = json.JSONDecoder()


class Tangled(ValueError):
    """The text is full of JSON that begins and never ends."""


def pieces(text: str) -> Iterator[tuple[str, Any]]:
    """Each JSON object or array of ``text``, with the text of its line before it; None stands for a line with one that is broken.

    A text that is one JSON document gives that, before which nothing stands. Objects may run over several lines. Raises Tangled.
    """
    try:
        yield "", parse(text)
        return
    except ValueError:
        pass
    at = 0
    line = 0
    wasted = 0
    while (at := _next(text, at)) >= 0:
        line = max(line, text.rfind("\n", 0, at) + 1)
        try:
            value, end = _DECODER.raw_decode(text, at)
            value = parse(text[at:end])
            if isinstance(value, list) and not any(map(_holds, value)):
                at += 1  # "[12]" before an event is a label
                continue
        except (ValueError, RecursionError) as error:
            reached = error.pos if isinstance(error, json.JSONDecodeError) else len(text)
            wasted += max(reached - at, 0) + 1
            if wasted > _TANGLED * len(text):
                raise Tangled("JSON begins in it again and again, and never ends") from error
            end = _line_end(text, at)
            if text[at] == "{":  # "[12:03:11]" is no broken array
                yield text[line:at], None
            else:
                at += 1
                continue
        else:
            yield text[line:at], value
        line = at = end


def _holds(value: Any) -> bool:
    return isinstance(value, (dict, list)) or (isinstance(value, str) and value.lstrip().startswith("{"))


def _next(text: str, at: int) -> int:
    found = [place for sign in "{[" if (place := text.find(sign, at)) >= 0]
    return min(found, default=-1)


def _line_end(text: str, at: int) -> int:
    end = text.find("\n", at)
    return len(text) if end < 0 else end
