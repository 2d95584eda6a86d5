"""The grades of a check, and what to do next."""

from __future__ import annotations

from dataclasses import replace

from harness.diagnosis import Diagnosis
from harness.judging.grading import NotExercised, grade
from harness.judging.results import Expectation, Result
from harness.report.grades import GradeRow, grade_lines, grade_rows
from harness.report.next_steps import next_lines, next_steps
from harness.rules.base import MUST, SHOULD, Observation, Outcome, RuleResult


def run(name: str, **fields: object) -> Result:
    """A run of this scenario in real time."""
    base = Result(
        scenario=f"scenarios/{name}.yaml", title=name, dialect="openai-ga", target="http://x", observer="client", time="real",
        verdict="conformant", seconds=1.0, media_seconds=1.0, milestones={"channel-open": 0.1}, expectations=(), rules=(),
    )  # fmt: skip
    return replace(base, **fields)  # type: ignore[arg-type]


BROKEN = RuleResult("RSP-03", Outcome.FAIL, MUST, (Observation(3, False, ("one response.done",), "none"),))
MODEL = Diagnosis("not-the-service-alone", "It depends: expected a; seen b.", "Look.")


def results() -> list[Result]:
    missed = Expectation(2, False, "an error", "session.updated")
    return [
        run("session/right"),
        run("session/voice", expectations=(replace(missed, severity=SHOULD),)),
        run("session/demanded", verdict="nonconformant", expectations=(missed,)),
        run("responses/broken", verdict="nonconformant", rules=(BROKEN,), expectations=(missed,)),
        run("tools/open", verdict="inconclusive", expectations=(replace(missed, lenient=True),), diagnosis=(MODEL,)),
        run("tools/open-too", verdict="inconclusive", expectations=(replace(missed, lenient=True),),
            diagnosis=(replace(MODEL, cause="It depends: expected c; seen d."),)),
    ]  # fmt: skip


def standing(row: GradeRow) -> tuple[object, ...]:
    """Grade, then how many scenarios passed, failed, are open, were not tried."""
    counts = ("conformant", "nonconformant", "inconclusive", "not-exercised")
    return row.capability.grade, *(row.capability.counts[name] for name in counts)  # type: ignore[index]


def test_each_capability_says_what_fails_in_one_line_each() -> None:
    left_out = [NotExercised("scenarios/limits/long.yaml", "openai-ga", "Long", "it lasts longer")]
    rows = {one.capability.name: one for one in grade_rows(grade(results(), left_out), results())}
    session, responses, tools, limits = (rows[name] for name in ("session", "responses", "tools", "limits"))
    assert standing(session) == ("nonconformant", 2, 1, 0, 0)
    assert session.fails == (
        "demanded: expected an error; seen session.updated",
        "SHOULD voice: expected an error; seen session.updated",
    )
    assert (responses.capability.grade, len(responses.fails)) == ("nonconformant", 1)
    assert responses.fails[0].startswith("RSP-03 every response.created is closed by one response.done (1 run)")
    assert standing(tools) == ("inconclusive", 0, 0, 2, 0)
    assert tools.fails[0].endswith("what a model chooses to do. (2 runs)"), "the words that the runs share"
    assert standing(limits) == ("not-exercised", 0, 0, 0, 1)


def test_what_is_recommended_alone_leaves_the_grade() -> None:
    only = [one for one in results() if one.scenario.endswith(("right.yaml", "voice.yaml"))]
    (row,) = grade_rows(grade(only), only)
    assert standing(row) == ("conformant", 2, 0, 0, 0)
    assert "SHOULD voice" in row.fails[0]


def test_the_table_says_what_its_grades_mean() -> None:
    lines = list(grade_lines(grade(results()), results()))
    assert any(line.startswith("✗ session ") for line in lines)
    assert any(line.startswith("  inconclusive: nothing failed") for line in lines)
    assert not any("not exercised:" in line for line in lines), "no capability has it"


def test_next_steps_begin_with_a_broken_must() -> None:
    broken, missed, model = next_steps(results())
    assert (broken.rule, broken.scenario) == ("RSP-03", "broken")
    assert broken.source.startswith("https://")
    assert (missed.scenario, model.runs) == ("demanded", 2)
    lines = list(next_lines(results(), "harness check http://x -d openai-ga"))
    assert lines[1] == "What to do next:"
    assert "     repeat  harness check http://x -d openai-ga -k broken" in lines


def test_nothing_is_to_do_where_all_is_right() -> None:
    assert list(next_lines(results()[:1], "harness check")) == []
