"""Every error this project raises on purpose, each with what was seen and what to do.

    HarnessError                      (exit code in parentheses)
    ├── UsageError                    wrong option, file or environment (2)
    │   ├── MissingCredentials        what a live target needs is not set (2)
    │   └── ScenarioError             a scenario file is wrong, with file:line:column (2)
    ├── TraceError                    a trace cannot be read (2)
    │   ├── NotATrace                 empty, binary or some other file
    │   │   └── NotARecord            and no record of others that is read either
    │   ├── UnknownTraceVersion       written by a version this one does not know
    │   ├── UnknownDialect            recorded in a dialect this version does not know
    │   └── BrokenTrace               an entry is damaged before the last line
    ├── UnknownLibrary                aiortc, aioice or pylibsrtp has not the parts that the hooks need (70)
    ├── Interrupted                   Ctrl-C (130, as shells count it)
    └── CallError                     the call could not be made or went away (3)
        ├── TokenRequestFailed        step "key"
        ├── OfferFailed               step "offer"
        ├── CallRequestFailed         step "answer": HTTP failed or the body is not an SDP answer
        ├── ChannelNeverOpened        step "channel-open"
        └── ConnectionLost            after the channel was open

A misbehaving service is never reported by an exception out of the rules: it is an entry of the trace, then an observation.
``CallError`` only ends the call; what was recorded until then is judged.
"""

from __future__ import annotations

from collections.abc import Iterable

_LONGEST_SEEN = 200


class HarnessError(Exception):
    """Base of all deliberate errors: ``what`` happened, ``where``, and how to ``fix`` it.

    ``str(error)`` is the whole message for a person, without secrets.
    """

    exit_code = 2

    def __init__(self, what: str, *, where: str = "", fix: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.where = where
        self.fix = fix

    def __str__(self) -> str:
        head = f"{self.where}: {self.what}" if self.where else self.what
        return f"{head}\n  fix: {self.fix}" if self.fix else head


class UsageError(HarnessError):
    """The command line, a path or the environment is wrong (exit code 2)."""


class MissingCredentials(UsageError):
    """What a live target needs is not set; live tests are then skipped (exit code 2)."""


class ScenarioError(UsageError):
    """A scenario file is wrong; ``where`` is ``file:line:column`` (exit code 2)."""


class UnknownLibrary(HarnessError):
    """A release of aiortc, aioice or pylibsrtp that the hooks do not know: nothing could be judged with it (exit code 70)."""

    exit_code = 70


class TraceError(HarnessError):
    """A trace file cannot be read (exit code 2)."""


class NotATrace(TraceError):
    """The file is empty, binary, or some other kind of file."""


class NotARecord(NotATrace):
    """Nor is it a record of a call that others make, in any form that is read."""


class UnknownTraceVersion(TraceError):
    """The header names a trace version that this program does not know."""


class UnknownDialect(TraceError):
    """A recording in a dialect that this version does not know: no rule is about it, so that nothing could fail."""


class BrokenTrace(TraceError):
    """A line before the last one is damaged, or entries are out of sequence."""


class Interrupted(HarnessError):
    """Ctrl-C, with what had been done until then."""

    exit_code = 130


class CallError(HarnessError):
    """The call could not be made or broke down (exit code 3).

    ``step`` is the milestone that was being reached ("key", "offer", "answer", "channel-open", "session"); ``seen`` is what
    came instead, already redacted.
    """

    exit_code = 3
    step = "call"

    def __init__(self, what: str, *, seen: str = "", fix: str = "", status: int | None = None) -> None:
        super().__init__(what, where=f"step {self.step!r}", fix=fix)
        self.seen = seen
        self.status = status

    def __str__(self) -> str:
        lines = [f"{self.where}: {self.what}"]
        if self.seen:
            lines.append(f"  seen: {self.seen}")
        if self.fix:
            lines.append(f"  fix: {self.fix}")
        return "\n".join(lines)


class TokenRequestFailed(CallError):
    """The token request got no usable key."""

    step = "key"


class OfferFailed(CallError):
    """The caller could not make its offer."""

    step = "offer"


class CallRequestFailed(CallError):
    """The call request got no usable SDP answer."""

    step = "answer"


class ChannelNeverOpened(CallError):
    """The answer was set but the data channel did not open in time."""

    step = "channel-open"


class ConnectionLost(CallError):
    """The peer connection or the data channel went away during the session."""

    step = "session"


def nearest(word: str, known: Iterable[str], *, cutoff: float = 0.6) -> str | None:
    """The known word that is spelled most like ``word``, whatever their case; None where none is at least ``cutoff`` (0 to 1) alike."""
    from difflib import get_close_matches  # mistakes are rare, and starting up is not

    by_lower = {name.lower(): name for name in sorted(known)}
    near = get_close_matches(word.lower(), by_lower, 1, cutoff)
    return by_lower[near[0]] if near else None


def shorten(text: str) -> str:
    """One line of at most about 200 characters, for a message."""
    line = " ".join(text.split()).encode("utf-8", errors="replace").decode()
    return line if len(line) <= _LONGEST_SEEN else f"{line[:_LONGEST_SEEN]}…"
