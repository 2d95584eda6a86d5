"""The expressions of ``-k`` and ``-m``: words joined by ``and``, ``or``, ``not`` and parentheses, as pytest has them. Pure.

https://docs.pytest.org/en/stable/how-to/usage.html#run-tests-by-keyword-expressions: ``not`` binds closest, then ``and``, then ``or``.
"""

from __future__ import annotations

import re
from collections.abc import Callable

Match = Callable[[str], bool]

DEEPEST = 50
_WORD = re.compile(r"[\w:+\-.\[\]\\/]+")
_TOKEN = re.compile(rf"\s*(?:[()]|{_WORD.pattern}|\S)|\s+$")
_KEYWORDS = ("and", "or", "not")


class WrongExpression(ValueError):
    """An expression that is none; the message says where, with the column counted from 1."""


def compile_expression(text: str) -> Callable[[Match], bool]:
    """The expression as a function of what a word matches. Raises WrongExpression."""
    parser = _Parser(text)
    found = parser.either(0)
    if parser.token:
        raise parser.wrong("the end")
    return found


class _Parser:
    """Recursive descent, one token ahead; ``token`` is empty at the end."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._tokens = [(found[0].strip(), found.end()) for found in _TOKEN.finditer(text) if found[0].strip()]
        self._next = 0

    @property
    def token(self) -> str:
        return self._tokens[self._next][0] if self._next < len(self._tokens) else ""

    def wrong(self, wanted: str) -> WrongExpression:
        if not self.token:
            return WrongExpression(f"expected {wanted}, and it ends")
        token, end = self._tokens[self._next]
        return WrongExpression(f"at column {end - len(token) + 1}: expected {wanted}, got {token!r}")

    def either(self, depth: int) -> Callable[[Match], bool]:
        """``a or b or ...``"""
        parts = [self._both(depth)]
        while self._take("or"):
            parts.append(self._both(depth))
        return parts[0] if len(parts) == 1 else lambda match: any(part(match) for part in parts)

    def _both(self, depth: int) -> Callable[[Match], bool]:
        parts = [self._one(depth)]
        while self._take("and"):
            parts.append(self._one(depth))
        return parts[0] if len(parts) == 1 else lambda match: all(part(match) for part in parts)

    def _one(self, depth: int) -> Callable[[Match], bool]:
        if depth > DEEPEST:
            raise WrongExpression(f"nested deeper than {DEEPEST} levels")
        if self._take("not"):
            inner = self._one(depth + 1)
            return lambda match: not inner(match)
        if self._take("("):
            inner = self.either(depth + 1)
            if not self._take(")"):
                raise self.wrong("a closing parenthesis")
            return inner
        word = self.token
        if not _WORD.fullmatch(word) or word in _KEYWORDS:
            raise self.wrong("a word, not, or (")
        self._next += 1
        return lambda match: match(word)

    def _take(self, token: str) -> bool:
        taken = self.token == token
        self._next += taken
        return taken
