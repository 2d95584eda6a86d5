"""Where scenario files and recordings are found: beside each other, in the working folder, in the installed package."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import harness
from harness.errors import UsageError, nearest

SUFFIXES = (".yaml", ".yml")
_AUDIO = Path("fixtures", "audio")
_PACKAGE = Path(harness.__file__).resolve().parent


def find(paths: Sequence[str | Path]) -> list[Path]:
    """The scenario files at these paths: files as they are, folders searched recursively for .yaml and .yml, sorted, each once.

    Hidden folders are left out. Without any path, the suite (:func:`suite_dir`). Raises UsageError for a path that does not
    exist and for a folder without scenario files.
    """
    found: dict[Path, Path] = {}  # the same file may be named in two ways
    for path in [Path(given) for given in paths] or [suite_dir()]:
        if os.path.isdir(path):
            files = sorted(_scenarios_in(path))
            if not files:
                raise UsageError(
                    "no scenario files in this folder", where=str(path), fix="scenario files end in .yaml or .yml"
                )
            for file in files:
                found.setdefault(file.resolve(), file)
        elif os.path.isfile(path):
            found.setdefault(path.resolve(), path)
        else:
            raise UsageError("no such file or folder", where=str(path), fix=_hint(path))
    return list(found.values())


def suite_dir() -> Path:
    """What is run where nothing is named: ``scenarios/`` in the working folder, else the reference suite.

    Raises UsageError where there is neither.
    """
    here = Path("scenarios")
    return here if here.is_dir() else reference_suite()


def reference_suite() -> Path:
    """The suite that came with the package: what faults are shown in, and other services checked with, wherever one stands.

    Raises UsageError where the package is without it.
    """
    places = (_PACKAGE / "suite" / "scenarios", _PACKAGE.parent / "scenarios")
    for place in places:
        if place.is_dir():
            return place
    raise UsageError("no scenarios", where=", ".join(map(str, places)), fix="name a scenario file or a folder of them")


def resolve_audio(scenario_path: Path, name: str) -> Path:
    """The recording that a scenario calls ``name``.

    Searched in this order: beside the scenario file; ``fixtures/audio`` in the scenario's folder and each one above it; the
    same from the working folder upwards; the recordings that came with the package. An absolute path stands for itself.
    Raises UsageError that lists where it looked and the nearest name there.
    """
    folders = list(_audio_folders(scenario_path))
    for folder in folders:
        if os.path.isfile(folder / name):  # unlike Path.is_file: False for a name too long for the system
            return folder / name
    near = nearest(name, {path.name for folder in folders for path in folder.iterdir()}, cutoff=0.4)
    raise UsageError(
        f"no recording {name!r}",
        where=str(scenario_path),
        fix=f"{f'did you mean {near!r}? ' if near else ''}looked in {', '.join(map(str, folders))}",
    )


def resolve_recording(scenario_path: Path, name: str) -> Path:
    """The trace or cassette that a scenario calls ``name``: beside the scenario file; an absolute path stands for itself.

    Raises UsageError, with the nearest name there, where it does not exist.
    """
    found = scenario_path.resolve().parent / name
    if not os.path.exists(found):
        raise UsageError(f"no recording {name!r}", where=str(scenario_path), fix=_hint(found))
    return found


def _audio_folders(scenario_path: Path) -> Iterator[Path]:
    """Existing folders in which a recording is looked for, nearest first, each once."""
    beside = scenario_path.resolve().parent
    here = Path.cwd()
    seen: set[Path] = set()
    places: Iterable[Path] = (
        beside,
        *(folder / _AUDIO for folder in (beside, *beside.parents)),
        *(folder / _AUDIO for folder in (here, *here.parents)),
        _PACKAGE / "suite" / _AUDIO,
        _PACKAGE.parent / _AUDIO,
    )
    for place in places:
        if place not in seen and place.is_dir():
            seen.add(place)
            yield place


def _scenarios_in(folder: Path) -> Iterator[Path]:
    for path in folder.rglob("*"):
        hidden = any(part.startswith(".") for part in path.relative_to(folder).parts)
        if path.suffix in SUFFIXES and not hidden and path.is_file():
            yield path


def _hint(path: Path) -> str:
    """What may have been meant: a name in the same folder that is spelled alike, or the nearest folder that exists."""
    existing = next(folder for folder in path.absolute().parents if os.path.isdir(folder))
    missing = path.absolute().relative_to(existing).parts[0]
    near = nearest(missing, (inner.name for inner in existing.iterdir()))
    meant = f"did you mean {near!r}? " if near else ""
    return f"{meant}{existing} has no {missing!r}"
