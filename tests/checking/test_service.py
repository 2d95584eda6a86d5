"""The reference suite against services without a script: graded by capability, entered with and without a token request, over TLS."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from harness.checking.service import Checked, graded, needs_named, plan
from harness.cli import main as cli
from harness.errors import UsageError
from harness.judging.grading import Capability
from harness.report.grades import grade_lines
from harness.report.write import write_reports
from harness.rules.base import CLIENT, REGISTRY, Outcome
from harness.running.plan import carry_out, reasons
from harness.scenario import relaxation
from harness.targets.service import Access
from tests.unscripted import API_KEY, GATEWAY_KEY, Place, gateway, self_signed, service, with_beta_text
from tests.unscripted import GA as ROW

SUITE = Path(__file__).parents[2] / "scenarios"
SET_UP = "call-is-set-up-in-order"
TEXT = "text-only-session-answers-in-writing"


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("OPENAI_BASE_URL", "OPENAI_REALTIME_MODEL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("OPENAI_API_KEY", API_KEY)


def checked(place: Place, keyword: str, access: Access | None = None, out: Path | None = None) -> Checked:
    what = plan(place.url, "openai-ga", access or Access(), paths=[SUITE], keyword=keyword, out=out)
    return graded(carry_out(what))


def by_name(found: Checked) -> dict[str, Capability]:
    return {one.name: one for one in found.capabilities}


WRITTEN = """
title: A question is answered in writing
session: {modalities: [text]}
steps:
  - text: "Hello?"
  - {expect: response.output_text.done, within: 1s, where: {text: {matches: Sorry}}}
fake: {replies: [{says: Sorry}]}
"""
CALLS = """
title: A function is called
session: {tools: [{type: function, name: get_slots, parameters: {type: object, properties: {}}}]}
steps:
  - text: "Which timers are free?"
  - tool: {name: get_slots, result: {slots: [9]}}
    within: 1s
  - expect: response.done
fake: {replies: [{calls: [{name: get_slots}]}]}
"""
FAILS = """
title: A response fails
steps: []
fake: {replies: [{status: failed, reason: rate_limit_exceeded}]}
"""


@pytest.fixture
def small_suite(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A suite that has a script for everything, and no patience."""
    monkeypatch.setattr(relaxation, "PATIENCE", 1.0)
    suite = tmp_path / "scenarios"
    bare = (SUITE / "signaling" / f"{SET_UP}.yaml").read_text()
    for name, text in (("signaling", bare), ("text", WRITTEN), ("tools", CALLS), ("responses", FAILS)):
        (suite / name).mkdir(parents=True)
        (suite / name / "one.yaml").write_text(text)
    return suite


def test_each_capability_has_its_own_grade(small_suite: Path, tmp_path: Path) -> None:
    with service() as place:
        what = plan(place.url, "openai-ga", Access(), paths=[small_suite], out=tmp_path)
        found = graded(carry_out(what))
    grades = {name: one.grade for name, one in by_name(found).items()}
    # Nobody answers "Sorry" here, and no model calls the function; neither is the service's fault.
    assert grades == {
        "signaling": "conformant",
        "text": "conformant",
        "responses": "not-exercised",
        "tools": "inconclusive",
    }
    assert found.exit_code == 3
    page = write_reports(found.results, tmp_path, seconds=1.0, left_out=found.left_out)
    written = json.loads((tmp_path / "results.json").read_text())
    assert {name: one["grade"] for name, one in written["capabilities"].items()} == grades
    assert written["summary"]["runs"] == 3
    html = page.read_text()
    assert html.index("<td>responses</td>") < html.index("only a scripted service") < html.index("<h2>Scenarios</h2>")


def test_broken_capability_is_the_only_one_that_is_nonconformant(small_suite: Path) -> None:
    with service(with_beta_text(ROW)) as place:
        found = graded(
            carry_out(plan(place.url, "openai-ga", Access(), paths=[small_suite], keyword="text or signaling"))
        )
    grades = by_name(found)
    assert (grades["signaling"].grade, grades["text"].grade) == ("conformant", "nonconformant")
    assert found.exit_code == 1
    missed = [one.actual for run in found.results for one in run.expectations if not one.met]
    assert "response.text.done came: that is the beta name of response.output_text.done" in missed[0]


def test_call_that_fails_by_breaking_a_rule_is_nonconformant_and_ends_the_check() -> None:
    with service(faults=["call-answer-in-json"]) as place:
        found = checked(place, f"{SET_UP} or {TEXT} or two-turns")
    (run,) = found.results
    assert [rule.id for rule in run.rules if rule.outcome == "fail" and rule.severity == "must"] == ["ANS-17"]
    assert (run.verdict, found.exit_code) == ("nonconformant", 1)
    assert {one.reason for one in found.left_out} == {f"not tried: {run.id} could not make its call"}


def test_service_is_entered_without_a_key_only_where_none_is_checked(monkeypatch: pytest.MonkeyPatch) -> None:
    for key, reason in ((API_KEY, []), ("", ["the service is entered without a key"])):
        monkeypatch.setenv("OPENAI_API_KEY", key)
        what = plan("http://127.0.0.1:9", "openai-ga", Access(), paths=[SUITE], keyword="invalid-api-key", cwd=SUITE)
        assert [one.reason for one in what.left_out] == reason


def test_region_is_tried_only_where_the_service_is_entered_by_it() -> None:
    for access, jobs in ((Access(), 0), (Access(region="eastus2"), 1)):
        what = plan("http://127.0.0.1:9", "azure-preview", access, paths=[SUITE], keyword="wrong-region", cwd=SUITE)
        assert len(what.jobs) == jobs


def test_service_is_judged_and_not_the_checker_that_calls_it() -> None:
    with service() as place:
        (run,) = checked(place, SET_UP).results
    assert run.verdict == "conformant"
    outcomes = {rule.id: rule.outcome for rule in run.rules}
    assert {outcomes[one.id] for one in REGISTRY.values() if one.who == CLIENT} == {Outcome.SKIPPED}
    assert (run.target, run.time) == (place.url, "real")


def test_gateway_without_token_endpoint_is_never_asked_for_a_key() -> None:
    with gateway() as place:
        found = checked(place, f"{SET_UP} or invalid-api-key", Access(key=GATEWAY_KEY))
    assert not [path for path in place.asked if "client_secrets" in path]
    (run,) = found.results
    assert run.verdict == "conformant"
    assert run.milestones["key"] is None
    (order,) = [one for one in run.expectations if one.step == 0]
    assert order.expected == "in this order: offer, answer, channel-open, session.update"
    about_key = {"HTTP-08", "HTTP-09", "HTTP-10"} & {rule.id for rule in run.rules}
    assert {rule.outcome for rule in run.rules if rule.id in about_key} <= {Outcome.NOT_EXERCISED, Outcome.SKIPPED}
    assert by_name(found)["errors"].grade == "not-exercised"
    assert [one.reason for one in found.left_out] == ["the service has no token endpoint"]
    assert found.exit_code == 0


def test_failed_rule_of_signaling_does_not_spread_to_what_is_called_over_it() -> None:
    with gateway(location=False) as place:
        found = checked(place, f"{SET_UP} or unknown-event-gets", Access(key=GATEWAY_KEY))
    grades = by_name(found)
    assert (grades["signaling"].grade, grades["signaling"].must.failed) == ("nonconformant", ("HTTP-18",))
    assert grades["errors"].grade == "conformant"
    assert [run.verdict for run in found.results] == ["nonconformant", "nonconformant"]


@pytest.mark.parametrize("form", [False, True])
def test_offer_goes_bare_or_in_a_form(form: bool) -> None:
    with gateway() as place:
        (run,) = checked(place, SET_UP, Access(key=GATEWAY_KEY, form=form)).results
    assert run.verdict == "conformant"
    assert run.recording is not None
    sent = run.recording.of("http.request")[0]
    kind = "multipart/form-data" if form else "application/sdp"
    assert sent.data["headers"]["content-type"].startswith(kind)
    assert GATEWAY_KEY not in json.dumps([entry.data for entry in run.recording.entries])


def test_self_signed_certificate_is_trusted_only_when_told_so(tmp_path: Path) -> None:
    files = self_signed(tmp_path)
    with gateway(certificate=files) as place:
        refused = checked(place, f"{SET_UP} or {TEXT}", Access(key=GATEWAY_KEY))
        insecure = checked(place, SET_UP, Access(key=GATEWAY_KEY, insecure=True))
        vouched = checked(place, SET_UP, Access(key=GATEWAY_KEY, cafile=str(files[0])))
    assert [run.verdict for run in (*insecure.results, *vouched.results)] == ["conformant", "conformant"]
    (run,) = refused.results
    assert "no TLS connection" in (run.error or "")
    assert "could not make its call" in refused.left_out[0].reason
    assert (refused.exit_code, by_name(refused)["text"].grade) == (3, "not-exercised")


def test_wrong_key_ends_the_check_at_the_first_call() -> None:
    with gateway() as place:
        found = checked(place, f"{SET_UP} or {TEXT} or two-turns", Access(key="another-key-0123456789"))
    assert place.asked == ["/v1/realtime/calls"]
    assert len(found.results) == 1
    assert {one.reason for one in found.left_out} == {f"not tried: {found.results[0].id} could not make its call"}
    assert next(iter(reasons(found.left_out))).startswith("- not exercised: not tried")


def test_what_is_declared_absent_is_not_exercised_and_said_so() -> None:
    access = Access(without=needs_named(["function-calls"]))
    what = plan("http://127.0.0.1:9", "openai-ga", access, paths=[SUITE], keyword="function-call-is-answered")
    assert [one.reason for one in what.left_out] == ["the service has no function calls"]
    found = graded(carry_out(what))
    assert (found.results, found.exit_code) == ((), 3)
    _, line, meaning = grade_lines(found.capabilities, found.results)
    assert line.split() == ["-", "tools", "not", "exercised", "0", "0", "0", "1"]
    assert meaning.strip() == "not exercised: no scenario could be tried"


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--without", "function-cals"], "function-calls"),
        (["--cafile", "/no/such/file.pem"], "/no/such/file.pem"),
        (["--form", "-d", "azure-preview"], "takes no form"),
    ],
)
def test_wrong_setting_is_told_before_anything_is_sent(
    arguments: list[str], says: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(SUITE.parent)
    chosen = [] if "-d" in arguments else ["-d", "openai-ga"]
    done = CliRunner().invoke(cli.app, ["check", "http://127.0.0.1:9", *chosen, *arguments])
    assert isinstance(done.exception, UsageError)
    assert says in str(done.exception)


def test_command_prints_the_grade_and_leaves_the_reports(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(SUITE.parent)
    with gateway() as place:
        done = CliRunner().invoke(
            cli.app,
            ["check", place.url, "-d", "openai-ga", "--key", GATEWAY_KEY, "-k", SET_UP, "--out", str(tmp_path)],
        )
    assert done.exit_code == 0, done.output
    assert "✓ signaling  conformant" in done.output
    assert {"results.json", "conformance.html", "junit.xml", "traces"} <= {path.name for path in tmp_path.iterdir()}
    for path in tmp_path.rglob("*"):
        if path.suffix in (".json", ".html", ".xml", ".ndjson"):
            assert GATEWAY_KEY not in path.read_text()


def test_run_that_can_make_no_call_is_not_green(small_suite: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(small_suite.parent)
    arguments = ["run", str(small_suite / "responses"), "--target", "http://127.0.0.1:9", "-d", "openai-ga"]
    done = CliRunner().invoke(cli.app, arguments)
    assert done.exit_code == 3
    assert "not exercised: only a scripted service" in done.output


def test_a_check_may_be_made_on_a_bad_network() -> None:
    jobs = plan(
        "http://127.0.0.1:9", "openai-ga", Access(), paths=[SUITE], keyword="call-is-set-up", network="wifi-bad"
    ).jobs
    assert {job.network for job, _ in jobs} == {"wifi-bad"}
    with pytest.raises(UsageError, match="unknown network preset"):
        plan("http://127.0.0.1:9", "openai-ga", Access(), paths=[SUITE], network="wify")


@pytest.mark.parametrize(("fault", "code"), [("call-invalid-offer", 1), ("call-wrong-type", 1), ("call-denied", 3)])
def test_a_service_that_refuses_every_legal_call_is_not_just_unknown(fault: str, code: int) -> None:
    with service(faults=[fault]) as place:
        found = checked(place, SET_UP)
    assert [one.verdict for one in found.results] == ["error"]
    assert (found.refuses_every_call, found.exit_code) == (code == 1, code)
