"""Secrets planted into whole runs, echoed back in every spelling: none of them is in anything that a run leaves, says or logs."""

from __future__ import annotations

import asyncio
import base64
import json
import logging
import string
import tempfile
import traceback
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from harness.cli import main as cli
from harness.errors import HarnessError
from harness.judging.recording import judge_file
from harness.media.track import OutgoingAudio
from harness.report.html import run_html
from harness.report.text import lines_of
from harness.report.write import write_reports
from harness.running import clock
from harness.running.jobs import Job
from harness.running.libraries import LIBRARIES
from harness.running.runner import run_job
from harness.scenario.loader import load
from harness.serving.serving import serve_forever
from harness.trace import Header, Recorder
from harness.trace.secret_encodings import base64_cores, spellings, unescaped
from harness.webrtc.peer import Peer
from tests.echo import SPELLINGS, Echo, Manner, echoing, passwords_in

pytest_plugins = ["pytester"]

CREDENTIAL = "turn-credential-0123456789"
SCENARIO = f"""
title: The caller listens
caller:
  timeout: 5s
  ice_servers: [{{urls: "turn:127.0.0.1:3478", username: someone, credential: {CREDENTIAL}}}]
steps:
  - never: error
  - never: session.created
  - expect: error
"""

# What vendors hand out, and what a gateway may: any printable ASCII without blanks (targets.py refuses others).
plain_keys = st.text(string.ascii_letters + string.digits, min_size=24, max_size=84).map(lambda text: f"K9{text}")
odd_keys = st.text(string.ascii_letters + string.digits + "+/=_-.~!$%&<>\"'\\:;,#?[]{}|", min_size=20, max_size=60).map(
    lambda text: f"9k{text}Z9"
)
hex_keys = st.binary(min_size=16, max_size=16).map(bytes.hex)
tokens = st.lists(st.binary(min_size=9, max_size=40), min_size=2, max_size=2).map(
    lambda parts: ".".join(
        ["eyJhbGciOiJub25lIn0", *(base64.urlsafe_b64encode(one).decode().rstrip("=") for one in parts)]
    )
)
keys = st.one_of(plain_keys, odd_keys, hex_keys, tokens)
manners = st.builds(
    Manner,
    key=st.sampled_from(["grant", "grant", "refuse"]),
    call=st.sampled_from(["answer", "answer", "refuse"]),
    status=st.sampled_from([301, 400, 401, 404]),
    place=st.sampled_from(["json", "html", "text", "sdp", "field"]),
    spelling=st.sampled_from(sorted(SPELLINGS)),
    shape=st.sampled_from(["ga", "ga", "beta"]),
    minted=keys,
    cookie=st.text(string.ascii_letters + string.digits, min_size=16, max_size=30),
)


class Ear(logging.Handler):
    """Everything that any library logs, at any level, with its arguments and exceptions."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.heard: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.heard.append(f"{record.getMessage()} {record.args!r} {record.exc_info!r}")


@contextmanager
def listening() -> Iterator[Ear]:
    ear = Ear()
    loggers = [logging.getLogger(name) for name in ("", *LIBRARIES, "httpcore.http11", "aiortc.rtcpeerconnection")]
    before = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.DEBUG)
    loggers[0].addHandler(ear)
    try:
        yield ear
    finally:
        loggers[0].removeHandler(ear)
        for logger, level in zip(loggers, before, strict=True):
            logger.setLevel(level)


def leaks(texts: Iterable[tuple[str, str]], secrets: Iterable[str]) -> list[tuple[str, str, str]]:
    """(where, secret, what is around it) for each secret that stands in a text in any spelling."""
    forms = [(secret, form) for secret in secrets for form in (*spellings(secret), *base64_cores(secret))]
    found = []
    for where, text in texts:
        for version in {text, unescaped(text)}:
            for secret, form in forms:
                at = version.find(form)
                if at >= 0:
                    found.append((where, secret, version[max(0, at - 80) : at + len(form) + 20]))
    return found


def left_in(folder: Path) -> list[tuple[str, str]]:
    return [(path.name, path.read_bytes().decode("utf-8", "replace")) for path in folder.rglob("*") if path.is_file()]


@pytest.fixture(scope="module")
def echo() -> Iterator[Echo]:
    with echoing() as service:
        yield service


def environment(way: str, url: str, key: str) -> tuple[str, str, dict[str, str]]:
    """Dialect, target and variables of one way to name the service and its credential."""
    azure = {"AZURE_OPENAI_ENDPOINT": url, "AZURE_OPENAI_REALTIME_DEPLOYMENT": "gpt-realtime"}
    azure["AZURE_OPENAI_WEBRTC_REGION"] = "eastus2"
    return {
        "url": ("azure-preview", f"{url}/?code={key}", {"HARNESS_KEY": key}),
        "openai": ("openai-ga", "live", {"OPENAI_API_KEY": key, "OPENAI_BASE_URL": url}),
        "azure": ("azure-ga", "live", {**azure, "AZURE_OPENAI_REALTIME_KEY": key}),
        "entra": ("azure-ga", "live", {**azure, "AZURE_OPENAI_AD_TOKEN": key}),
    }[way]


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(key=keys, manner=manners, way=st.sampled_from(["url", "openai", "azure", "entra"]))
def test_a_run_against_a_service_that_echoes_leaves_no_secret(echo: Echo, key: str, manner: Manner, way: str) -> None:
    echo.manner, echo.secrets = manner, set()
    own_shape = "beta" if way == "url" else "ga"
    texts: list[tuple[str, str]] = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        path = folder / "scenario.yaml"
        path.write_text(SCENARIO)
        out = folder / "out"
        dialect, target, variables = environment(way, echo.url, key)
        job = Job(path, "scenario.yaml", dialect, target, out=out, environment=variables)
        with listening() as ear:
            try:
                result = run_job(job, load(path))
            except HarnessError as error:
                texts.append(("exception", "".join(traceback.format_exception(error))))
            else:
                write_reports([result], out, seconds=1.0)
                texts += [("console", line) for line in lines_of([result], seconds=1.0)]
                texts += [("result", json.dumps(result.to_json())), ("pytest-html", run_html(result, out=out))]
                texts.append(("repr", repr(result)))
                again = judge_file(out / str(result.trace))
                texts.append(("judged again", json.dumps(again.to_json(), default=str)))
        texts += [("log", line) for line in ear.heard] + left_in(out)
    planted = {key, manner.minted, manner.cookie, CREDENTIAL, *echo.secrets}
    assert leaks(texts, planted) == []
    # The service was not kept from echoing: not by a crash of its own, nor before it could be asked.
    (trace,) = (text for where, text in texts if where.endswith(".ndjson"))
    assert '"status":500' not in trace
    talked = manner.key == "grant" and manner.call == "answer" and manner.shape == own_shape
    assert ("event.received" in trace) == talked


@settings(max_examples=15, deadline=None)
@given(key=keys, spelling=st.sampled_from(sorted(SPELLINGS)), known=st.booleans())
def test_a_served_call_of_a_client_that_tells_its_secrets_leaves_none(key: str, spelling: str, known: bool) -> None:
    said: list[str] = []
    planted = {key}
    spell = SPELLINGS[spelling]
    gossip = f"my key is {spell(key)}, once more {key}"

    async def main(out: Path) -> None:
        stop = asyncio.Event()
        given_key = {"key": key} if known else {}
        serving = asyncio.create_task(
            serve_forever(
                host="127.0.0.1", port=0, dialects=["azure-ga"], out=out, say=said.append, stop=stop, **given_key
            )
        )
        while not said:
            await asyncio.sleep(0.01)
        url = said[0].split()[1]
        track = OutgoingAudio()
        peer = Peer(Recorder(Header("client", "azure-ga"), asyncio.get_running_loop().time), loopback=True, track=track)
        async with httpx.AsyncClient(trust_env=False) as http:
            headers = {
                "api-key": key,
                "authorization": f"Bearer {key}",
                "x-gossip": spell(key),
                "cookie": f"token={key}",
            }
            session = {"type": "realtime", "model": "gpt-realtime", "instructions": gossip}
            body = json.dumps({"session": {**session, "tools": [{"api_key": key}]}, "api_key": key, "note": gossip})
            path = "/openai/v1/realtime/client_secrets"
            query = httpx.QueryParams({"key": key, "code": key})
            await http.post(f"{url}{path}?{query}", headers=headers, content=body)
            headers["content-type"] = "application/json"
            await http.post(f"{url}{path}?{query}", headers=headers, content=body)
            good = await http.post(f"{url}{path}", headers={"api-key": key}, json={"session": session})
            minted = good.json()["value"]
            planted.add(minted)
            channel = peer.create_channel("realtime-channel")
            heard = asyncio.Event()
            channel.on("message", lambda message: heard.set() if '"error"' in message else None)
            channel.on("open", lambda: [channel.send(one) for one in (gossip, gossip.encode(), json.dumps(gossip))])
            channel.on(
                "open", lambda: channel.send(json.dumps({"type": gossip, "event_id": minted, "password": minted}))
            )
            offer = await peer.offer()
            form = {"authorization": f"Bearer {minted}", "content-type": "application/sdp", "x-gossip": spell(minted)}
            answer = await http.post(f"{url}/openai/v1/realtime/calls", headers=form, content=offer)
            planted.update(passwords_in(offer), passwords_in(answer.text))
            await peer.accept_answer(answer.text)
            await asyncio.wait_for(heard.wait(), 20)
            await peer.close()
        stop.set()
        await serving

    with tempfile.TemporaryDirectory() as name, listening() as ear:
        clock.run(lambda: main(Path(name)), time="virtual")
        texts = [("said", line) for line in said] + [("log", line) for line in ear.heard] + left_in(Path(name))
    assert sum(where.endswith(".ndjson") for where, _ in texts) >= 1
    assert leaks(texts, planted) == []


KEY, JWT = "k9-odd/key+with=signs~0123456789", "eyJhbGciOiJub25lIn0.eyJzdWIiOiJub2JvZHkifQ.c2lnbmF0dXJl"


@pytest.mark.parametrize("place", ["html", "json", "sdp"])
def test_the_command_says_and_leaves_no_secret(
    echo: Echo, place: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    echo.manner = Manner(key="refuse", place=place, spelling="quoted")
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".env.local").write_text(f"AZURE_OPENAI_AD_TOKEN={JWT}\nAZURE_OPENAI_REALTIME_KEY={KEY}\n")
    for name, value in environment("azure", echo.url, KEY)[2].items():
        monkeypatch.setenv(name, value)
    (tmp_path / "s.yaml").write_text(SCENARIO)
    monkeypatch.setattr("sys.argv", ["harness", "run", "s.yaml", "-d", "azure-ga", "--target", "live", "--out", "out"])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert ended.value.code == 3
    out, err = capfd.readouterr()
    assert leaks([("out", out), ("err", err), *left_in(tmp_path / "out")], [KEY, JWT]) == []


def test_an_error_of_ours_is_told_without_the_secrets_in_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    def stumble(*_: object, **__: object) -> None:
        raise ZeroDivisionError(f"dividing {KEY}")

    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    monkeypatch.setattr("harness.running.jobs.select", stumble)
    monkeypatch.setattr("sys.argv", ["harness", "run"])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert ended.value.code == 70
    out, err = capfd.readouterr()
    assert "ZeroDivisionError: dividing [redacted:" in err
    assert leaks([("out", out), ("err", err)], [KEY]) == []


def test_pytest_and_its_reports_show_no_secret(
    echo: Echo, pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    echo.manner = Manner(minted=JWT, spelling="percent")
    folder = pytester.mkdir("scenarios")
    (folder / "s.yaml").write_text(SCENARIO)
    for name, value in environment("azure", echo.url, KEY)[2].items():
        monkeypatch.setenv(name, value)
    words = ["-m", "live", "-k", "azure-ga", "--html=page.html", "--self-contained-html", "--junitxml=junit.xml"]
    logs = ["--log-level=DEBUG", "-o", "junit_logging=all", "-o", "asyncio_default_fixture_loop_scope=function"]
    result = pytester.runpytest_inprocess("-p", "no:cacheprovider", *words, *logs)
    result.assert_outcomes(failed=1, deselected=7)
    texts = [("out", result.stdout.str()), ("err", result.stderr.str())]
    assert leaks([*texts, *left_in(pytester.path)], [KEY, JWT, *echo.secrets]) == []
