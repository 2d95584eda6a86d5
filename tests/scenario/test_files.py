"""Finding scenario files and recordings, and what is said when they are not there."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.errors import UsageError
from harness.scenario import files
from harness.scenario.files import find, reference_suite, resolve_audio, suite_dir


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working folder, and no recordings or suite in the package."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(files, "_PACKAGE", tmp_path / "installed" / "harness")
    return tmp_path


def touch(*paths: Path) -> None:
    for path in paths:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"")


def test_folders_are_searched_for_yaml_in_order_and_each_file_counts_once(folder: Path) -> None:
    touch(
        folder / "s/b.yaml", folder / "s/a/z.yml", folder / "s/README.md", folder / "s/.git/x.yaml", folder / "one.txt"
    )
    (folder / "s/dir.yaml").mkdir()
    assert find(["one.txt", "s", Path("s/b.yaml")]) == [Path("one.txt"), Path("s/a/z.yml"), Path("s/b.yaml")]


def test_without_a_path_the_suite_is_taken(folder: Path) -> None:
    touch(folder / "scenarios/turns/a.yaml")
    assert find([]) == [Path("scenarios/turns/a.yaml")]


def test_a_path_that_is_not_there_gets_a_hint(folder: Path) -> None:
    touch(folder / "scenarios/turns/a.yaml")
    with pytest.raises(UsageError) as raised:
        find(["scenarios/turn/a.yaml"])
    assert str(raised.value) == (
        f"scenarios/turn/a.yaml: no such file or folder\n  fix: did you mean 'turns'? {folder}/scenarios has no 'turn'"
    )
    with pytest.raises(UsageError, match="no such file") as raised:
        find(["quite/elsewhere"])
    assert raised.value.fix == f"{folder} has no 'quite'"


def test_a_folder_without_scenarios_is_an_error(folder: Path) -> None:
    touch(folder / "s/README.md")
    with pytest.raises(UsageError, match="no scenario files in this folder"):
        find(["s"])


def test_the_suite_is_the_working_folders_then_the_packages(folder: Path) -> None:
    with pytest.raises(UsageError, match="no scenarios"):
        suite_dir()
    (folder / "installed/scenarios").mkdir(parents=True)
    assert suite_dir() == folder / "installed/scenarios"
    (folder / "installed/harness/suite/scenarios").mkdir(parents=True)
    assert suite_dir() == folder / "installed/harness/suite/scenarios"
    (folder / "scenarios").mkdir()
    assert suite_dir() == Path("scenarios")
    assert reference_suite() == folder / "installed/harness/suite/scenarios"


def test_recordings_are_found_in_the_nearest_place(folder: Path) -> None:
    scenario = folder / "project/scenarios/turns/a.yaml"
    places = [
        folder / "installed/fixtures/audio",
        folder / "installed/harness/suite/fixtures/audio",
        folder / "fixtures/audio",
        folder / "project/fixtures/audio",
        scenario.parent,
    ]
    for place in places:
        touch(place / "hello.wav")
        assert resolve_audio(scenario, "hello.wav") == place / "hello.wav"
    assert resolve_audio(Path("elsewhere.yaml"), "hello.wav") == folder / "fixtures/audio/hello.wav"
    assert resolve_audio(scenario, str(folder / "fixtures/audio/hello.wav")) == folder / "fixtures/audio/hello.wav"


def test_a_recording_that_is_not_there_lists_the_places_and_the_nearest_name(folder: Path) -> None:
    scenario = folder / "scenarios/a.yaml"
    touch(scenario, folder / "fixtures/audio/caller-hello.wav", folder / "scenarios/folder.wav/x")
    with pytest.raises(UsageError) as raised:
        resolve_audio(scenario, "caller-helo.wav")
    assert str(raised.value) == (
        f"{scenario}: no recording 'caller-helo.wav'\n"
        f"  fix: did you mean 'caller-hello.wav'? looked in {folder}/scenarios, {folder}/fixtures/audio"
    )
    with pytest.raises(UsageError, match=r"no recording 'folder\.wav'"):
        resolve_audio(scenario, "folder.wav")


@pytest.mark.parametrize("name", ["", ".", "x" * 5000, "a\0b", "../no.wav"])
def test_names_no_file_can_have_are_not_found_either(folder: Path, name: str) -> None:
    with pytest.raises(UsageError, match="no recording"):
        resolve_audio(folder / "a.yaml", name)
    with pytest.raises(UsageError, match=r"no such file|no scenario files"):
        find([name])
