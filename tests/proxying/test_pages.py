"""Pages: their preflights, as the service answers them; and the key of the proxy's own, which named pages alone may spend."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from typer.testing import CliRunner

from harness.cli import main as cli
from harness.errors import MissingCredentials, UsageError
from harness.proxying.access import Access
from harness.running import clock
from harness.targets.service import relayed_endpoints
from tests.fake.caller import Caller
from tests.fake.requests import AZURE
from tests.proxying.relay import KEY, Relay, relaying

KEYS, CALLS = "/openai/v1/realtime/client_secrets", "/openai/v1/realtime/calls"
APP = "https://app.example"
SESSION = {"session": {"type": "realtime", "model": "gpt-realtime"}}


def relayed(out: Path, act: Callable[[Relay, httpx.AsyncClient], Any], **options: Any) -> Relay:
    async def main() -> Relay:
        async with (
            relaying(out, **options) as relay,
            httpx.AsyncClient(trust_env=False, base_url=relay.url) as http,
        ):
            await act(relay, http)
        return relay

    return clock.run(main, time="virtual")


def asking(origin: str, *headers: str) -> dict[str, str]:
    """The headers of a preflight."""
    return {
        "origin": origin,
        "access-control-request-method": "POST",
        "access-control-request-headers": ",".join(headers),
    }


def test_a_preflight_is_answered_by_the_service(tmp_path: Path) -> None:
    async def act(relay: Relay, http: httpx.AsyncClient) -> None:
        async with httpx.AsyncClient(trust_env=False, base_url=relay.service.url) as straight:
            for headers in (("authorization", "content-type"), ("authorization", "x-own")):
                asked = asking(APP, *headers)
                here, there = await http.options(CALLS, headers=asked), await straight.options(CALLS, headers=asked)
                assert here.status_code == there.status_code
                assert here.content == there.content
                assert here.headers == there.headers

    relay = relayed(tmp_path, act)
    for trace in relay.traces().values():
        (asked,) = trace.of("http.preflight")
        assert (asked.data["refused"], asked.data["status"], asked.data["origin"]) == (["x-own"], 400, APP)


def test_a_page_may_reach_this_machine(tmp_path: Path) -> None:
    async def service(_: httpx.Request) -> httpx.Response:
        return httpx.Response(204, headers={"access-control-allow-origin": "*"})

    async def act(relay: Relay, http: httpx.AsyncClient) -> None:
        asked = {**asking(APP), "access-control-request-private-network": "true"}
        assert (await http.options(CALLS, headers=asked)).headers["access-control-allow-private-network"] == "true"
        assert "access-control-allow-private-network" not in (await http.options(CALLS, headers=asking(APP))).headers

    relayed(tmp_path, act, stand_in=service, to="http://127.0.0.1:9")


def test_a_named_page_needs_no_key(tmp_path: Path) -> None:
    async def act(relay: Relay, http: httpx.AsyncClient) -> None:
        leave = await http.options(KEYS, headers=asking(APP, "content-type", "x-own"))
        assert leave.status_code == 204
        assert leave.headers["access-control-allow-origin"] == APP
        assert leave.headers["access-control-allow-headers"] == "content-type,x-own"
        answer = await http.post(KEYS, json=SESSION, headers={"origin": APP})
        assert answer.status_code == 200
        assert answer.headers.get_list("access-control-allow-origin") == [APP]
        assert "Location" in answer.headers["access-control-expose-headers"]
        wrong = {"origin": APP, "api-key": "a-wrong-key-0123456789", "authorization": "Bearer a-wrong-key-0123456789"}
        assert (await http.post(KEYS, json=SESSION, headers=wrong)).status_code == 200
        assert (await http.post(KEYS, json=SESSION)).status_code == 200  # this machine

    relayed(tmp_path, act, access=Access("127.0.0.1", (APP,)))


@pytest.mark.parametrize(
    ("headers", "said"),
    [
        ({"origin": "https://evil.example"}, "--allow-origin https://evil.example"),
        ({"origin": "null"}, "not allowed"),
        ({"host": "rebound.example"}, "Host"),
        ({"origin": APP, "host": "rebound.example:8080"}, "Host"),
    ],
)
def test_others_are_refused_before_anything_is_spent(tmp_path: Path, headers: dict[str, str], said: str) -> None:
    asked: list[httpx.Request] = []

    async def service(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        return httpx.Response(200)

    async def act(relay: Relay, http: httpx.AsyncClient) -> None:
        for method, path in (("POST", KEYS), ("POST", CALLS), ("OPTIONS", KEYS), ("GET", "/"), ("POST", "/any")):
            answer = await http.request(method, path, headers={**headers, "access-control-request-method": "POST"})
            assert answer.status_code == 403
            assert said in answer.json()["error"]["message"]
            assert not any(name.startswith("access-control") for name in answer.headers)

    relay = relayed(tmp_path, act, access=Access("127.0.0.1", (APP,)), stand_in=service, to="http://127.0.0.1:9")
    assert asked == []
    assert sum(line.startswith("! 403 for ") for line in relay.said) == 5


def test_the_key_is_spent_on_the_dialects_own_paths_alone(tmp_path: Path) -> None:
    asked: list[httpx.Request] = []

    async def service(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        return httpx.Response(200)

    async def act(relay: Relay, http: httpx.AsyncClient) -> None:
        for path in (
            "/openai/v1/chat/completions",
            "/v1/realtime/calls",
            f"{KEYS}/..",
            "/",
            "/%6Fpenai/v1/realtime/calls",
        ):
            assert (await http.post(path, json={})).status_code == 404
        assert (await http.post(f"{CALLS}/rtc_1/hangup")).status_code == 200

    relayed(tmp_path, act, access=Access("127.0.0.1"), stand_in=service, to="http://127.0.0.1:9")
    (hang_up,) = asked
    assert hang_up.headers["api-key"] == KEY


def test_an_ephemeral_key_that_was_minted_here_stays(tmp_path: Path) -> None:
    async def act(relay: Relay, http: httpx.AsyncClient) -> None:
        caller = Caller(http, AZURE)
        minted = (await http.post(KEYS, json=SESSION)).json()["value"]
        headers = {"content-type": "application/sdp", "authorization": f"Bearer {minted}"}
        answer = await http.post(CALLS, content=await caller.peer.offer(), headers=headers)
        assert answer.status_code == 201
        await caller.peer.accept_answer(answer.text)
        await caller.peer.wait_connected(10)
        await caller.expect("session.created")
        await caller.close()

    relay = relayed(tmp_path, act, access=Access("127.0.0.1"))
    assert {one.verdict for one in relay.results} <= {"conformant", "inconclusive"}
    skipped = {rule.id: rule.note for rule in relay.results[0].rules if rule.outcome == "skipped"}
    assert skipped["HTTP-03"] == "the proxy sends its own key, so that the client needs none"
    for name, trace in relay.traces().items():
        key, call = trace.of("http.request")
        assert ("api-key" in key.data["headers"]) == name.endswith("service")
        assert "api-key" not in call.data["headers"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--allow-origin", APP], "add --own-key"),
        (["--own-key", "--host", "0.0.0.0"], "--allow-origin https://app.example"),
        (["--own-key", "--allow-origin", "app.example"], "is not an origin"),
        (["--own-key"], "AZURE_OPENAI_REALTIME_KEY"),
        (["--to", "nowhere"], "is no usable URL"),
    ],
)
def test_wrong_options_are_told(words: list[str], said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("AZURE_OPENAI_REALTIME_KEY", "AZURE_OPENAI_AD_TOKEN", "VITE_AZURE_OPENAI_REALTIME_KEY"):
        monkeypatch.delenv(name, raising=False)
    if "--own-key" in words and said != "AZURE_OPENAI_REALTIME_KEY":
        monkeypatch.setenv("AZURE_OPENAI_REALTIME_KEY", KEY)
    to = [] if "--to" in words else ["--to", "http://127.0.0.1:9"]
    result = CliRunner().invoke(cli.app, ["proxy", "-d", "azure-ga", "--port", "0", *to, *words])
    assert isinstance(result.exception, UsageError)
    assert said in str(result.exception)


def test_where_requests_go_on_to() -> None:
    env = {"AZURE_OPENAI_RESOURCE_NAME": "studio", "AZURE_OPENAI_AD_TOKEN": "a-token-0123456789", "OPENAI_API_KEY": KEY}
    live = relayed_endpoints("azure-ga", "live", env, own_key=False)
    assert live.call_url == "https://studio.openai.azure.com/openai/v1/realtime/calls"
    assert "a-token" not in str(live.credentials())
    assert relayed_endpoints("azure-ga", "live", env, own_key=True).credentials() == {
        "authorization": "Bearer a-token-0123456789"
    }
    assert relayed_endpoints("openai-ga", "live", {}, own_key=False).key_url.startswith("https://api.openai.com/v1/")
    gateway = relayed_endpoints("openai-ga", "https://gateway.example/x/v1", {}, own_key=False)
    assert gateway.call_url == "https://gateway.example/x/v1/realtime/calls"
    with pytest.raises(MissingCredentials, match="AZURE_OPENAI_RESOURCE_NAME"):
        relayed_endpoints("azure-ga", "live", {}, own_key=False)
    with pytest.raises(MissingCredentials, match="OPENAI_API_KEY"):
        relayed_endpoints("openai-ga", "live", {}, own_key=True)
