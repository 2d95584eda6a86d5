"""Makes harness/protocol/schemas/*.json from the official SDK's event models: ``python -m tests.generate_schemas --write``.

Without ``--write`` it says which files would change. See :mod:`harness.drifting.models`.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from harness.drifting.models import UNIONS, Schema, generate

FOLDER = Path(__file__).parents[1] / "harness" / "protocol" / "schemas"


def written(schema: Schema) -> str:
    """A file's text: one line for each event and definition, so that a change shows as such."""
    parts = []
    for name, value in schema.items():
        lines = (f"{json.dumps(key)}:{_text(one)}" for key, one in value.items()) if isinstance(value, dict) else ()
        parts.append(f"{json.dumps(name)}:" + ("{\n" + ",\n".join(lines) + "\n}" if lines else _text(value)))
    return "{\n" + ",\n".join(parts) + "\n}\n"


def _text(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"))


def main(arguments: list[str]) -> int:
    """Write the files that say something else than the SDK, or only name them; the exit code is 1 where any is left."""
    left = 0
    for file in UNIONS:
        path, new = FOLDER / f"{file}.json", generate(file)
        old = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
        # A new release of the SDK with the same models is no change.
        same = all(old.get(part) == new[part] for part in ("events", "$defs"))
        if not same and "--write" in arguments:
            path.write_text(written(new), encoding="utf-8")
        left += not same and "--write" not in arguments
        print(f"{path.name}: {'unchanged' if same else 'changed'}, {len(written(new))} bytes")
    return 1 if left else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
