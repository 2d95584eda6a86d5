"""The variables that say where a run goes and with which credential, from the environment or .env files.

They are the ones that Microsoft's samples use, each also with the ``VITE_`` prefix of a web project. The environment wins over
``.env.local``, which wins over ``.env``.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from harness.errors import UsageError

RESOURCE = "AZURE_OPENAI_RESOURCE_NAME"
AZURE_KEY = "AZURE_OPENAI_REALTIME_KEY"
AZURE_TOKEN = "AZURE_OPENAI_AD_TOKEN"
DEPLOYMENT = "AZURE_OPENAI_REALTIME_DEPLOYMENT"
API_VERSION = "AZURE_OPENAI_REALTIME_API_VERSION"
REGION = "AZURE_OPENAI_WEBRTC_REGION"
ENDPOINT = "AZURE_OPENAI_ENDPOINT"
OPENAI_KEY = "OPENAI_API_KEY"
OPENAI_BASE = "OPENAI_BASE_URL"
OPENAI_MODEL = "OPENAI_REALTIME_MODEL"
# Variables whose values must never be shown; HARNESS_KEY and HARNESS_CALL_KEY are those of services at a URL.
SECRETS = (AZURE_KEY, AZURE_TOKEN, OPENAI_KEY, "HARNESS_KEY", "HARNESS_CALL_KEY")


def load_environment(cwd: Path | str = ".") -> dict[str, str]:
    """The variables of ``.env``, ``.env.local`` in ``cwd`` and the process, each overriding the one before.

    Raises UsageError where a file is not UTF-8 text.
    """
    from dotenv import dotenv_values

    found: dict[str, str] = {}
    for name in (".env", ".env.local"):
        path = Path(cwd) / name
        try:
            values = dotenv_values(path, encoding="utf-8-sig")
        except UnicodeDecodeError as error:
            raise UsageError("not UTF-8 text", where=str(path), fix="save the file as UTF-8") from error
        except OSError as error:
            raise UsageError(
                error.strerror or str(error), where=str(path), fix="make the file readable, or remove it"
            ) from error
        found.update({key: value for key, value in values.items() if value is not None})
    return {**found, **os.environ}


def variable(env: Mapping[str, str], name: str) -> str:
    """The value of a variable in either spelling, without surrounding blanks and quotes; empty where it is not set."""
    for spelled in (name, f"VITE_{name}"):
        value = env.get(spelled, "").strip()
        if len(value) > 1 and value[0] == value[-1] and value[0] in "\"'":
            value = value[1:-1].strip()
        if value:
            return value
    return ""
