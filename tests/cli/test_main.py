"""The command line as a user meets it: commands, exit codes, and a clear message for every mistake."""

from __future__ import annotations

import dataclasses
import json
import re
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from typing import NamedTuple
from xml.etree import ElementTree

import jsonschema_rs
import pytest
import yaml

from harness.cli import main as cli
from harness.cli.terminal import Progress
from harness.protocol.dialects import DIALECTS
from harness.rules import base
from harness.rules.catalogue import REGISTRY
from harness.selftest import proof as selftest
from tests import audio_files, commands

GREETING = """
title: The caller speaks, the assistant answers
tags: [smoke]
steps:
  - say: caller-not-ill-disposed.wav
  - expect: response.done
    where: {response.status: completed}
"""
SILENT = "title: Nothing is said\nsteps: []\n"
GOLDEN = Path(__file__).parents[1] / "golden" / "azure-ga" / "s02-server-vad-turn.ndjson"
TRACE = '{"trace":1,"observer":"client","dialect":"azure-ga"}\n{"end":"completed","entries":0}\n'


class Ran(NamedTuple):
    code: int
    out: str
    err: str


Harness = Callable[..., Ran]


@pytest.fixture
def harness(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], tmp_path: Path) -> Harness:
    """Runs the command in an empty folder, without credentials in the environment."""
    monkeypatch.chdir(tmp_path)
    for row in ("AZURE_OPENAI", "VITE_AZURE_OPENAI", "OPENAI"):
        for name in (
            "RESOURCE_NAME",
            "REALTIME_KEY",
            "REALTIME_DEPLOYMENT",
            "ENDPOINT",
            "API_KEY",
            "BASE_URL",
            "AD_TOKEN",
        ):
            monkeypatch.delenv(f"{row}_{name}", raising=False)

    def run(*words: str | Path) -> Ran:
        monkeypatch.setattr(sys, "argv", ["harness", *map(str, words)])
        with pytest.raises(SystemExit) as left:
            cli.main()
        out, err = capfd.readouterr()
        assert "Traceback" not in out + err
        return Ran(int(left.value.code or 0), out, err)

    return run


def write(name: str, text: str | bytes) -> Path:
    path = Path(name)
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


class TestRun:
    def test_leaves_every_output(self, harness: Harness) -> None:
        ran = harness("run", write("greeting.yaml", GREETING), "-d", "azure-ga")
        assert ran.code == 0, ran
        assert "✓ 1 run: 1 conformant" in ran.out
        results = json.loads(Path("reports/results.json").read_text())
        assert results["summary"] == {
            "runs": 1,
            "conformant": 1,
            "nonconformant": 0,
            "inconclusive": 0,
            "error": 0,
            "with_warnings": 0,
        }
        (run,) = results["runs"]
        assert run["scenario"] == "greeting.yaml"
        assert run["time"] == "virtual"
        assert run["milestones"]["first-audio"] > 3
        passed = {rule["id"] for rule in run["rules"] if rule["outcome"] == "pass"}
        assert {"HTTP-01", "OFF-03", "ANS-06", "DC-09", "SES-01", "MED-01", "SEC-01"} <= passed
        for path in (run["trace"], *run["audio"].values(), "conformance.html", "junit.xml"):
            assert (Path("reports") / path).stat().st_size > 0
        ElementTree.parse("reports/junit.xml")

    def test_failure_is_told_and_exits_with_1(self, harness: Harness) -> None:
        ran = harness("run", write("bad.yaml", GREETING.replace("completed", "failed")), "-d", "openai-ga")
        assert ran.code == 1
        first = ran.out.splitlines()[0]
        assert first == "✗ nonconformant  bad.yaml::openai-ga  (The caller speaks, the assistant answers)"
        assert re.search(r"step 2 +expected response\.done within 10 s where response\.status", ran.out)
        assert '"completed"' in ran.out

    def test_same_verdicts_and_milestones_every_time(self, harness: Harness) -> None:
        path = write("greeting.yaml", GREETING)
        seen = set()
        for _ in range(3):
            harness("run", path, "-d", "azure-preview")
            (run,) = json.loads(Path("reports/results.json").read_text())["runs"]
            seen.add(
                json.dumps(
                    [run["verdict"], run["milestones"], [(rule["id"], rule["outcome"]) for rule in run["rules"]]]
                )
            )
        assert len(seen) == 1

    def test_another_seed_loses_other_packets_and_the_same_one_the_same(self, harness: Harness) -> None:
        path = write("greeting.yaml", SILENT.replace("steps", "network: {loss: 10%}\nsteps"))
        lost = []
        for seed in ("1", "1", "2"):
            assert harness("run", path, "-d", "azure-ga", "--seed", seed).code == 0
            (run,) = json.loads(Path("reports/results.json").read_text())["runs"]
            lost.append(run["media"]["network"])
        assert lost[0] == lost[1] != lost[2]
        assert harness("run", path, "--seed", "x").code == 2

    def test_every_dialect_by_default_and_k_and_m_choose(self, harness: Harness) -> None:
        folder = Path("suite")
        folder.mkdir()
        write("suite/a.yaml", SILENT)
        write("suite/b.yaml", SILENT.replace("steps", "tags: [smoke]\nsteps"))
        ran = harness("run", "suite")
        assert "✓ 8 runs" in ran.out
        assert (
            "✓ 2 runs"
            in harness("run", "suite", "-k", "azure and ga and b").out + harness("run", "suite", "-k", "b and ga").out
        )
        assert "✓ 4 runs" in harness("run", "suite", "-m", "smoke").out
        none = harness("run", "suite", "-k", "nothing-like-it")
        assert (none.code, "no scenario matches" in none.err) == (2, True)
        assert harness("run", "suite", "-k", "and and").code == 2

    def test_workers_give_the_same_results(self, harness: Harness) -> None:
        path = write("greeting.yaml", GREETING)
        outcomes = []
        for workers in ("1", "2"):
            assert harness("run", path, "-n", workers, "-d", "azure-ga", "-d", "openai-ga").code == 0
            runs = json.loads(Path("reports/results.json").read_text())["runs"]
            outcomes.append([(run["dialect"], run["verdict"], run["milestones"]) for run in runs])
        assert outcomes[0] == outcomes[1]

    def test_without_a_path_runs_the_suite_of_the_folder(self, harness: Harness) -> None:
        Path("scenarios").mkdir()
        write("scenarios/only.yaml", SILENT)
        assert "✓ 1 run" in harness("run", "-d", "azure-ga").out


class TestMistakes:
    """Each a clear message on standard error, what and where and how to fix, with its exit code."""

    def test_missing_file(self, harness: Harness) -> None:
        ran = harness("run", "nowhere.yaml")
        assert ran.code == 2
        assert "nowhere.yaml" in ran.err
        assert "fix:" in ran.err

    @pytest.mark.parametrize(
        ("text", "where", "words"),
        [
            pytest.param("", "", ["empty"], id="empty file"),
            pytest.param("title: [x\nsteps: []\n", "bad.yaml:2:", [], id="yaml syntax"),
            pytest.param("title: x\nstpes: []\n", "bad.yaml:2:1", ["stpes", "steps"], id="unknown key"),
            pytest.param(
                "title: x\nsteps:\n  - expect: response.don\n", "bad.yaml:3:", ["response.done"], id="unknown event"
            ),
            pytest.param("title: x\nsteps:\n  - wait: 5\n", "bad.yaml:3:", ["unit"], id="no unit"),
            pytest.param("title: x\nsteps:\n  - wait: 5 parsecs\n", "bad.yaml:3:", ["unit"], id="wrong unit"),
            pytest.param(
                "title: x\nsteps:\n  - say: caller-not-ill-dispossed.wav\n",
                "bad.yaml:3:",
                ["caller-not-ill-disposed.wav"],
                id="unknown recording",
            ),
            pytest.param(
                "title: x\nsteps:\n  - expect: session.end\n", "bad.yaml:3:", ["session"], id="fictional event"
            ),
            pytest.param("title: x\ndialects: [azure]\nsteps: []\n", "bad.yaml:2:", ["azure-"], id="unknown dialect"),
        ],
    )
    def test_scenario_file(self, harness: Harness, text: str, where: str, words: list[str]) -> None:
        ran = harness("run", write("bad.yaml", text))
        assert ran.code == 2, ran
        assert where in ran.err
        for word in words:
            assert word in ran.err

    @pytest.mark.parametrize("name", ["text", "empty", "no samples", "cut off in the audio"])
    def test_recording(self, harness: Harness, name: str) -> None:
        make, words = audio_files.BROKEN[name]
        make(Path("x.wav"))
        ran = harness("run", write("bad.yaml", "title: x\nsteps:\n  - say: x.wav\n"), "-d", "azure-ga")
        assert ran.code == 2, ran
        assert "x.wav" in ran.err
        assert words in ran.err

    def test_recording_of_any_format_works(self, harness: Harness) -> None:
        audio_files.READABLE["96 kHz 24 bit stereo"].write(Path("x.wav"))
        ran = harness("run", write("good.yaml", "title: x\nsteps:\n  - say: x.wav\n  - wait: 2s\n"), "-d", "azure-ga")
        assert ran.code == 0, ran

    @pytest.mark.parametrize("dialect", DIALECTS)
    def test_missing_credentials(self, harness: Harness, dialect: str) -> None:
        ran = harness("run", write("s.yaml", SILENT), "--target", "live", "-d", dialect)
        assert ran.code == 2
        assert "_KEY" in ran.err
        assert ".env.local" in ran.err

    def test_unreachable_host_keeps_the_trace(self, harness: Harness) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        ran = harness("run", write("s.yaml", SILENT), "--target", f"http://127.0.0.1:{port}", "-d", "azure-ga")
        assert ran.code == 3, ran
        assert "service-unreachable" in ran.out
        assert "step 'key'" in ran.out
        assert '"http.failed"' in Path("reports/traces/s.azure-ga.ndjson").read_text()

    def test_virtual_time_needs_the_fake(self, harness: Harness) -> None:
        ran = harness("run", write("s.yaml", SILENT), "--target", "http://127.0.0.1:1", "--time", "virtual")
        assert (ran.code, "--time real" in ran.err) == (2, True)

    @pytest.mark.parametrize(
        "words", [("--dialect", "azure-gaa"), ("--target", "nonsense"), ("--time", "warp"), ("--nonsense",)]
    )
    def test_wrong_option(self, harness: Harness, words: tuple[str, ...]) -> None:
        assert harness("run", write("s.yaml", SILENT), *words).code == 2

    @pytest.mark.parametrize("folder", ["taken", "taken/below", "/proc/none"])
    def test_output_folder_that_takes_no_files(self, harness: Harness, folder: str) -> None:
        write("taken", "x")
        trace = write("t.ndjson", TRACE)
        for words in (
            ("run", write("s.yaml", SILENT), "-d", "azure-ga"),
            ("judge", trace),
        ):
            ran = harness(*words, "--out", folder)
            assert ran.code == 2
            assert re.match(rf"harness: {folder}/\S+: cannot be written: .+\n  fix: .+ --out", ran.err), ran.err

    def test_a_run_that_cannot_write_keeps_those_before_it(self, harness: Harness) -> None:
        Path("reports/traces/second.azure-ga.ndjson").mkdir(parents=True)
        ran = harness("run", write("first.yaml", SILENT), write("second.yaml", SILENT), "-d", "azure-ga")
        assert ran.code == 2
        assert "second.azure-ga.ndjson: cannot be written: Is a directory" in ran.err
        (run,) = json.loads(Path("reports/results.json").read_text())["runs"]
        assert (run["scenario"], run["verdict"]) == ("first.yaml", "conformant")
        assert Path("reports/conformance.html").exists()

    @pytest.mark.parametrize("words", [("dialects",), ("rules", "--json"), ("run", "s.yaml", "-d", "azure-ga")])
    def test_standard_output_that_is_full(self, harness: Harness, words: tuple[str, ...]) -> None:
        write("s.yaml", SILENT)
        with Path("/dev/full").open("w") as full:
            ran = subprocess.run(
                [*commands.HARNESS, *words], stdout=full, stderr=subprocess.PIPE, text=True, check=False
            )
        assert ran.returncode == 2
        assert ran.stderr == (
            "harness: standard output: cannot be written: No space left on device\n"
            "  fix: free some space, or send it elsewhere\n"
        )
        assert Path("reports/results.json").exists() == (words[0] == "run")

    def test_port_in_use(self, harness: Harness) -> None:
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            ran = harness("serve", "--port", str(taken.getsockname()[1]))
        assert ran.code == 2
        assert "in use" in ran.err

    def test_unknown_rule_or_diagnosis(self, harness: Harness) -> None:
        ran = harness("explain", "SES-0l")
        assert ran.code == 2
        assert "did you mean SES-" in ran.err


ANSWERS = {
    "html instead of json": (200, "text/html", "<html><body>Welcome to the gateway</body></html>"),
    "no key in the json": (200, "application/json", '{"session": {}}'),
    "json instead of sdp": (201, "application/json", '{"sdp": "v=0"}'),
    "sdp without audio": (201, "application/sdp", "v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\n"),
    "empty answer": (201, "application/sdp", ""),
    "redirect": (302, "text/plain", "moved"),
}


@pytest.fixture
def wrong_service() -> Iterator[Callable[[str], str]]:
    """A service that answers the token request well and the call request, or both, as ANSWERS says."""
    servers: list[HTTPServer] = []

    def start(name: str) -> str:
        status, kind, body = ANSWERS[name]
        at_key = name in ("html instead of json", "no key in the json")

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                self.rfile.read(int(self.headers.get("Content-Length") or 0))
                good = self.path.endswith("client_secrets") and not at_key
                text = (
                    '{"value": "ek_wrong_service_1", "expires_at": 4102444800, "session": {"type": "realtime"}}'
                    if good
                    else body
                )
                self.send_response(200 if good else status)
                self.send_header("Content-Type", "application/json" if good else kind)
                if status == 302 and not good:
                    self.send_header("Location", "http://elsewhere.example/")
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text.encode())

            def log_message(self, *_: object) -> None:
                pass

        servers.append(HTTPServer(("127.0.0.1", 0), Handler))
        Thread(target=servers[-1].serve_forever, daemon=True).start()
        return f"http://127.0.0.1:{servers[-1].server_port}"

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


@pytest.mark.parametrize("name", ANSWERS)
def test_service_that_answers_wrongly(harness: Harness, wrong_service: Callable[[str], str], name: str) -> None:
    ran = harness("run", write("s.yaml", SILENT), "--target", wrong_service(name), "-d", "azure-ga")
    assert ran.code in (1, 3), ran
    assert ran.out.startswith(("! error", "✗ nonconformant"))
    assert re.search(r"^ +error +step '(key|answer)'", ran.out, re.MULTILINE), ran.out
    assert re.search(r"^ +fix ", ran.out, re.MULTILINE), ran.out
    assert "ek_wrong_service_1" not in ran.out + "".join(
        path.read_text() for path in Path("reports").rglob("*") if path.suffix in (".ndjson", ".json", ".html", ".xml")
    )


class TestCatalogues:
    def test_rules(self, harness: Harness) -> None:
        listed = json.loads(harness("rules", "--json").out)
        ids = {row["id"] for row in listed}
        assert len(listed) == len(ids) >= 160
        assert all(row["reason"] for row in listed if not row["observable"])
        text = harness("rules").out
        assert all(rule_id in text for rule_id in ids)

    def test_rules_markdown_is_what_the_repository_holds(self, harness: Harness) -> None:
        committed = Path(cli.__file__).parents[2] / "RULES.md"
        assert harness("rules", "--markdown").out == committed.read_text()

    def test_coverage_of_the_last_run(self, harness: Harness) -> None:
        harness("run", write("greeting.yaml", GREETING), "-d", "azure-ga", "--out", "here")
        ran = harness("rules", "--coverage", "--out", "here")
        assert ran.code == 0, ran
        assert re.search(r"^SES-01 +must +1 +1 +0  ", ran.out, re.MULTILINE)
        assert re.search(r"^\d+ rows over 1 runs: ", ran.out, re.MULTILINE)
        assert json.loads(harness("rules", "--coverage", "--json", "--out", "here").out)["runs"] == 1

    def test_dialects(self, harness: Harness) -> None:
        assert [row["name"] for row in json.loads(harness("dialects", "--json").out)] == list(DIALECTS)
        assert all(name in harness("dialects").out for name in DIALECTS)

    def test_explain_a_fault(self, harness: Harness) -> None:
        service, caller = harness("explain", "rsp-done-missing"), harness("explain", "channel-after-offer")
        assert "caught by   RSP-03" in service.out
        assert "harness run --fault rsp-done-missing" in service.out
        assert "caller: {faults: [channel-after-offer]}" in caller.out
        assert "did you mean rsp-done-missing" in harness("explain", "rsp-don-missing").err

    def test_explain_takes_a_number_without_its_zero(self, harness: Harness) -> None:
        assert harness("explain", "SES-1").out == harness("explain", "SES-01").out

    def test_explain_a_rule_and_a_diagnosis(self, harness: Harness) -> None:
        rule = harness("explain", "ses-01")
        assert rule.out.startswith("SES-01  ")
        assert "Okay" in rule.out
        assert "fix " in harness("explain", "api-key-invalid").out

    def test_schema_accepts_a_scenario_and_refuses_a_mistake(self, harness: Harness) -> None:
        validator = jsonschema_rs.validator_for(json.loads(harness("schema").out))
        assert validator.is_valid(yaml.safe_load(GREETING))
        assert not validator.is_valid(yaml.safe_load(GREETING.replace("title", "titel")))

    def test_version(self, harness: Harness) -> None:
        assert harness("--version").out.startswith("realtime-harness ")


class TestJudge:
    def test_recorded_trace_gets_the_same_rules(self, harness: Harness) -> None:
        harness("run", write("greeting.yaml", GREETING), "-d", "azure-ga")
        (run,) = json.loads(Path("reports/results.json").read_text())["runs"]
        again = harness("judge", Path("reports") / run["trace"], "--out", "again")
        assert again.code == 0, again
        (judged,) = json.loads(Path("again/results.json").read_text())["runs"]
        assert judged["rules"] == run["rules"]

    def test_strict_exits_with_1_for_warnings(self, harness: Harness) -> None:
        told = Path(__file__).parents[1] / "bug_reports" / "11-response-failed-by-rate-limit.ndjson"
        assert (harness("judge", told).code, harness("judge", told, "--strict").code) == (0, 1)
        refused = (
            "title: Refused\nassert: {errors: allowed}\n"
            "steps: [{send: {type: conversation.item.delete, item_id: none}}, {wait: 1s}]\n"
        )
        words = ("run", write("refused.yaml", refused), "-d", "azure-ga")
        ran, strict = harness(*words), harness(*words, "--strict")
        assert (ran.code, strict.code) == (0, 1)
        assert "[unknown-item]" in ran.out
        judged = harness("judge", "reports/traces/refused.azure-ga.ndjson")
        assert (judged.code, "no error event besides" in judged.out) == (0, False)

    def test_truncated_trace_is_judged_up_to_its_last_line(self, harness: Harness) -> None:
        harness("run", write("greeting.yaml", GREETING), "-d", "azure-ga")
        whole = Path("reports/traces/greeting.azure-ga.ndjson").read_bytes()
        ran = harness("judge", write("cut.ndjson", whole[: len(whole) // 2]))
        assert ran.code == 3, ran

    @pytest.mark.parametrize(
        ("ending", "words"),
        [("", "has no end: the run was killed"), ('{"end":"interrupted","entries":0}\n', "was interrupted")],
    )
    def test_a_trace_that_breaks_off_is_never_green(self, harness: Harness, ending: str, words: str) -> None:
        ran = harness("judge", write("cut.ndjson", TRACE.splitlines()[0] + "\n" + ending))
        assert ran.code == 3, ran
        assert words in ran.out
        assert harness("judge", GOLDEN).code == 0

    @pytest.mark.parametrize(
        ("content", "words"),
        [
            (b"", "empty"),
            (b"RIFF\x00\xff\xfe\x00WAVE", "UTF-8"),
            (b"{}\n", "no record of a call"),
            (b'{"trace": 99}\n', "version"),
        ],
    )
    def test_foreign_file(self, harness: Harness, content: bytes, words: str) -> None:
        ran = harness("judge", write("unscripted.ndjson", content))
        assert ran.code == 2
        assert words in ran.err


class TestSelftest:
    """The whole takes a minute; the tests make it with two faults."""

    @pytest.fixture
    def small(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(selftest, "tasks_of", lambda names, clean: ["rsp-done-twice", "key-missing"])

    def test_a_few_faults_are_shown_and_nothing_is_written(self, harness: Harness) -> None:
        ran = harness("selftest", "rsp-done-twice", "-n", "1")
        assert ran.code == 0, ran
        assert "✓ 1 of 1 faults caught" in ran.out
        assert not Path("reports").exists()

    def test_a_rule_that_has_gone_blind_fails_it_by_the_name_of_the_fault(
        self, harness: Harness, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        rule = REGISTRY["RSP-03"]
        monkeypatch.setitem(base._RULES, "RSP-03", dataclasses.replace(rule, check=lambda view: iter(())))
        ran = harness("selftest", "rsp-done-twice", "-n", "1")
        assert ran.code == 1
        assert "✗ missed  rsp-done-twice  (by RSP-03; did not: RSP-03)" in ran.out
        said = json.loads(harness("selftest", "RSP-03", "-n", "1", "--json").out)
        assert (said["passed"], said["faults"][0]["outcome"]) == (False, "missed")

    @pytest.mark.usefixtures("small")
    def test_the_whole_leaves_its_proof_for_the_reports(self, harness: Harness) -> None:
        ran = harness("selftest", "-n", "1", "--json", "--out", "proof")
        assert ran.code == 1, "two faults do not prove all rules"
        said = json.loads(ran.out)
        assert said == json.loads(Path("proof/selftest.json").read_text())
        assert "RSP-01" in said["unexplained"]
        assert "Why a pass can be trusted" in Path("proof/selftest.html").read_text()
        ran = harness("run", write("silent.yaml", SILENT), "-d", "azure-ga", "--out", "proof")
        assert ran.code == 0
        assert 'href="selftest.html#rsp-done-twice"' in Path("proof/conformance.html").read_text()

    @pytest.mark.usefixtures("small")
    def test_control_c_keeps_what_there_is(self, harness: Harness, monkeypatch: pytest.MonkeyPatch) -> None:
        def impatient(self: Progress, name: str) -> None:
            raise KeyboardInterrupt

        monkeypatch.setattr(Progress, "step", impatient)
        ran = harness("selftest", "-n", "1")
        assert ran.code == 130
        assert "? interrupted: 1 of 2 calls were made" in ran.out
        assert json.loads(Path("reports/selftest.json").read_text())["faults"][0]["outcome"] == "caught"
