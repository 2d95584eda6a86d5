"""The example page: a row for each dialect that is served, each with the URLs and bodies that the fake takes."""

from __future__ import annotations

import json
import re
from typing import Any

import httpx
import pytest

from harness.fake.server import FakeService
from harness.protocol.dialects import DIALECTS, Dialect
from harness.running import clock
from harness.serving.page import example_page
from harness.trace import Header, Recorder

ALL = tuple(DIALECTS.values())


def rows(dialects: tuple[Dialect, ...] = ALL) -> dict[str, Any]:
    found = re.search(r"const DIALECTS = (\[.*?\n\]);", example_page(dialects), re.DOTALL)
    assert found
    return {row["name"]: row for row in json.loads(found[1])}


@pytest.mark.parametrize("name", DIALECTS)
def test_the_fake_mints_a_key_for_each_row(name: str) -> None:
    row = rows()[name]

    async def main() -> httpx.Response:
        async with (
            FakeService(dialects=ALL) as service,
            httpx.AsyncClient(base_url=service.url, trust_env=False) as http,
        ):
            header = {row["auth"]["header"]: f"{row['auth']['scheme']} any".strip()}
            return await http.post(row["key"], headers=header, json=row["token"])

    answer = clock.run(main, time="virtual")
    assert answer.status_code == 200, answer.text
    key = answer.json()
    for part in row["keyPath"]:
        key = key[part]
    assert key.startswith("ek_")


def test_only_what_is_served_is_offered() -> None:
    assert list(rows((DIALECTS["openai-ga"],))) == ["openai-ga"]


@pytest.mark.parametrize(("page", "status", "recorded"), [("<p>x", 200, 0), ("", 404, 1)])
def test_the_page_is_nobodys_call(page: str, status: int, recorded: int) -> None:
    made: list[Recorder] = []

    def recorder_for(name: str) -> Recorder:
        made.append(Recorder(Header("service", name), lambda: 0.0))
        return made[-1]

    async def main() -> httpx.Response:
        async with (
            FakeService(dialects=ALL, page=page, recorder_for=recorder_for) as service,
            httpx.AsyncClient(base_url=service.url, trust_env=False) as http,
        ):
            return await http.get("/")

    answer = clock.run(main, time="virtual")
    assert (answer.status_code, len(made)) == (status, recorded)
    assert status != 200 or answer.text == page
