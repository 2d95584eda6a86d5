"""The digest changes with what calls and judges, and with nothing else."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.judging import revision as module
from harness.judging.revision import revision
from harness.scenario import files


@pytest.fixture(autouse=True)
def forgetful() -> Iterator[None]:
    revision.cache_clear()
    yield
    revision.cache_clear()


def test_it_is_the_same_wherever_one_stands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    here = revision()
    assert len(here) == 12
    revision.cache_clear()
    monkeypatch.chdir(tmp_path)
    assert revision() == here


def test_it_changes_with_rules_faults_and_scenarios_but_not_with_reports(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package, suite = tmp_path / "harness", tmp_path / "scenarios"
    for name in ("rules/a.py", "fake/faults/b.py", "report/c.py", "cli/main.py"):
        (package / name).parent.mkdir(parents=True, exist_ok=True)
        (package / name).write_text("x = 1\n")
    suite.mkdir()
    (suite / "one.yaml").write_text("title: x\n")
    monkeypatch.setattr(files, "_PACKAGE", package)
    monkeypatch.setattr(module, "_PACKAGE", package)

    def after(change: Path | None = None, text: str = "x = 2\n") -> str:
        if change is not None:
            change.write_text(text)
        revision.cache_clear()
        return revision()

    seen = [after(), after(package / "rules/a.py"), after(package / "fake/faults/b.py"), after(suite / "one.yaml")]
    assert len(set(seen)) == 4
    last = after()
    assert after(package / "report/c.py") == after(package / "cli/main.py") == last
    shutil.move(package / "rules/a.py", package / "rules/d.py")
    assert after() != last
