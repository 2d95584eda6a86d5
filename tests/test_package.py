"""What a wheel holds, beside the modules."""

from __future__ import annotations

from pathlib import Path
from zipfile import ZipFile

from hatchling.builders.wheel import WheelBuilder

ROOT = Path(__file__).parent.parent


def test_the_wheel_is_typed_and_brings_suite_recordings_schemas_and_templates(tmp_path: Path) -> None:
    (wheel,) = WheelBuilder(str(ROOT)).build(directory=str(tmp_path), versions=["standard"])
    names = set(ZipFile(wheel).namelist())
    assert "harness/py.typed" in names
    assert {f"harness/protocol/schemas/{path.name}" for path in (ROOT / "harness/protocol/schemas").iterdir()} <= names
    assert {f"harness/report/templates/{path.name}" for path in (ROOT / "harness/report/templates").iterdir()} <= names
    suite = {f"harness/suite/{path.relative_to(ROOT)}" for path in (ROOT / "scenarios").rglob("*.yaml")}
    assert suite
    assert suite <= names
    assert any(name.startswith("harness/suite/fixtures/audio/") and name.endswith(".wav") for name in names)
