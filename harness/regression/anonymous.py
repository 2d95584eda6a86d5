"""Takes what tells about a machine out of a recording: absolute paths, home folders, the name of whoever was logged in. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

# A path below a folder that is somebody's, or this machine's: only the file's own name is kept.
_ROOTS = r"home|Users|root|tmp|var|opt|srv|mnt|media|private|work|workspace|builds?|data|app|etc|usr"
_POSIX = re.compile(rf"(?<![\w.:/])(?:file://)?/(?:{_ROOTS})(?:/[^\s\"'<>|:;,)\\]+)+")
_UNC_OR_DRIVE = re.compile(r"(?<!\w)(?:[A-Za-z]:|\\\\[\w.-]+)(?:\\+[^\s\"'<>|:;,)\\]+)+")
_UPWARDS = re.compile(r"(?:\.\./)+[^\s\"'<>|:;,)\\]+")
_HOME = re.compile(r"~[A-Za-z0-9_.-]*/[^\s\"'<>|:;,)\\]+")


def anonymous(value: Any) -> Any:
    """Any JSON value; in its texts each path of a machine is only its last part."""
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, Mapping):
        return {_text(str(key)): anonymous(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [anonymous(inner) for inner in value]
    return value


def _text(text: str) -> str:
    if "/" in text:
        for pattern in (_POSIX, _UPWARDS, _HOME):
            text = pattern.sub(lambda found: found[0].rstrip("/").rpartition("/")[2], text)
    if "\\" in text:
        text = _UNC_OR_DRIVE.sub(lambda found: found[0].rstrip("\\").rpartition("\\")[2], text)
    return text
