"""The private parts that the hooks need: what is installed has them, and a release without one is refused by name, never judged with."""

from __future__ import annotations

import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest
from aiortc.rtcdtlstransport import RTCDtlsTransport

from harness.errors import UnknownLibrary
from harness.webrtc.private_parts import KNOWN, PARTS, check

SCENARIO = "title: x\nsteps: []\n"


def test_what_was_tested_is_what_is_known() -> None:
    assert {name: version(name) for name in KNOWN} == KNOWN


def test_part_that_is_missing_is_named_with_the_release_that_has_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(RTCDtlsTransport, "_send_rtp")
    with pytest.raises(UnknownLibrary) as raised:
        check()
    assert str(raised.value) == (
        f"aiortc {version('aiortc')} has no RTCDtlsTransport part 'async _send_rtp(self, data)'\n"
        "  fix: install a release that this version knows: aiortc==1.16.0, aioice==0.13.0, pylibsrtp==1.0.0"
    )


class Library:
    """A stand-in for a class of a library."""

    def __init__(self) -> None:
        self._state = self.__count = 0

    def _send(self, data: bytes) -> int:
        return self._state + self.__count

    async def receive(self) -> None: ...


@pytest.mark.parametrize("part", ["_state", "__count", "_send(self, data)", "async receive(self)"])
def test_part_that_is_there_passes(part: str) -> None:
    check({Library: part})


@pytest.mark.parametrize(
    ("part", "instead"),
    [
        ("_send(self, data, pause)", "_send(self, data)"),
        ("async _send(self, data)", "_send(self, data)"),
        ("receive(self)", "async receive(self)"),
        ("_gone", ""),
        ("__gone", ""),
    ],
)
def test_part_of_another_shape_is_told_with_its_shape(part: str, instead: str) -> None:
    with pytest.raises(UnknownLibrary) as raised:
        check({Library: part})
    assert raised.value.what.endswith(f"part {part!r}" + (f"; it has {instead!r}" if instead else ""))


def test_every_part_is_of_a_class_with_parts() -> None:
    assert all(listed.split() for listed in PARTS.values())


@pytest.mark.parametrize(
    "door",
    [
        "from harness.cli.main import main; sys.argv = ['harness', 'run', 's.yaml', '--out', 'out']; main()",
        "import pytest; sys.exit(pytest.main(['s.yaml', '-q', '-p', 'no:cacheprovider', '-o', 'harness_scenarios=.']))",
    ],
    ids=["harness", "pytest"],
)
def test_neither_door_judges_with_an_unknown_library(door: str, tmp_path: Path) -> None:
    (tmp_path / "s.yaml").write_text(SCENARIO)
    taken = "import sys; from aioice.ice import Connection; del Connection.data_received; "
    ran = subprocess.run([sys.executable, "-c", taken + door], cwd=tmp_path, capture_output=True, text=True)
    said = ran.stdout + ran.stderr
    assert f"aioice {version('aioice')} has no Connection part 'data_received(self, data, component)'" in said
    assert "fix: install a release that this version knows" in said
    assert "Traceback" not in said
    assert ran.returncode == 70
