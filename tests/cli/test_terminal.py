"""What a terminal gets."""

from __future__ import annotations

import io
import os
import sys
from pathlib import Path

import pytest

from harness.cli.terminal import any_text, put, say


def test_a_reader_who_has_gone_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    ours, theirs = os.pipe()
    os.close(ours)
    with os.fdopen(theirs, "w") as pipe:
        monkeypatch.setattr(sys, "stdout", pipe)
        put("one\n")
        say("✓ two")


def test_no_colour_where_nobody_sees_it(capsys: pytest.CaptureFixture[str]) -> None:
    say("✗ a line that is longer than eighty characters stays one line, so that a log can be searched for it")
    assert capsys.readouterr().out.count("\n") == 1


def test_an_encoding_without_our_marks_is_no_error(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    path = tmp_path / "log"
    with io.TextIOWrapper(path.open("wb"), encoding="ascii") as log:
        monkeypatch.setattr(sys, "stdout", log)
        any_text()
        put("✓\n")
    assert path.read_text() == "\\u2713\n"
