"""Which runs are chosen, and what they are called."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.errors import MissingCredentials, UsageError
from harness.protocol.dialects import DIALECTS
from harness.running.jobs import Job, display_name, not_exercised, select, told_apart


@pytest.fixture
def suite(tmp_path: Path) -> Path:
    folder = tmp_path / "scenarios" / "turns"
    folder.mkdir(parents=True)
    (folder / "a.yaml").write_text("title: A\ntags: [smoke]\nsteps: []\n")
    (folder / "b.yaml").write_text("title: B\ndialects: [azure-ga]\nsteps: []\n")
    return tmp_path


def ids(suite: Path, **chosen: object) -> list[str]:
    return [job.id for job, _ in select([suite / "scenarios"], cwd=suite, **chosen)]  # type: ignore[arg-type]


def test_files_times_dialects_in_order(suite: Path) -> None:
    assert ids(suite) == [*(f"scenarios/turns/a.yaml::{name}" for name in DIALECTS), "scenarios/turns/b.yaml::azure-ga"]


@pytest.mark.parametrize(
    ("chosen", "expected"),
    [
        ({"dialects": ("openai-ga",)}, ["scenarios/turns/a.yaml::openai-ga"]),
        ({"keyword": "b"}, ["scenarios/turns/b.yaml::azure-ga"]),
        ({"keyword": "turns and not a.yaml"}, ["scenarios/turns/b.yaml::azure-ga"]),
        ({"marks": "not smoke"}, ["scenarios/turns/b.yaml::azure-ga"]),
        ({"marks": "smoke", "keyword": "beta"}, ["scenarios/turns/a.yaml::openai-beta"]),
    ],
)
def test_choosing(suite: Path, chosen: dict[str, object], expected: list[str]) -> None:
    if chosen == {"keyword": "b"}:  # "b" is also in openai-beta
        expected = ["scenarios/turns/a.yaml::openai-beta", *expected]
    assert ids(suite, **chosen) == expected


@pytest.mark.parametrize(
    ("chosen", "where"),
    [
        ({"target": "somewhere"}, "--target"),
        ({"time": "warp"}, "--time"),
        ({"keyword": "and"}, "-k"),
        ({"marks": "(smoke"}, "-m"),
        ({"keyword": "nothing-like-it"}, "harness run"),
    ],
)
def test_wrong_choice_is_named(suite: Path, chosen: dict[str, object], where: str) -> None:
    with pytest.raises(UsageError) as raised:
        ids(suite, **chosen)
    assert raised.value.where == where
    assert raised.value.fix


def test_clock_follows_the_target() -> None:
    job = Job(Path("a.yaml"), "a.yaml", "azure-ga")
    assert job.clock == "virtual"
    assert Job(Path("a.yaml"), "a.yaml", "azure-ga", "live").clock == "real"
    assert Job(Path("a.yaml"), "a.yaml", "azure-ga", time="real").clock == "real"


@pytest.mark.parametrize(
    ("name", "slug"),
    [
        ("scenarios/turns/a b.yaml", "turns-a-b.azure-ga"),
        ("../x/ü.yml", "x.azure-ga"),
        ("a.yaml", "a.azure-ga"),
    ],
)
def test_files_of_a_run_have_plain_names(name: str, slug: str) -> None:
    assert Job(Path(name), name, "azure-ga").slug == slug


def test_no_two_runs_write_the_same_files(tmp_path: Path) -> None:
    names = ("a/b.yaml", "a-b.yaml", "a/b.yml", "größe.yaml", "grüße.yaml")
    for name in names:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("title: A\ndialects: [azure-ga]\nsteps: []\n")
    jobs = [job for job, _ in select([tmp_path / name for name in names], cwd=tmp_path)]
    assert [job.slug for job in jobs] == [
        "a-b.azure-ga",
        "a-b-2.azure-ga",
        "a-b-3.azure-ga",
        "gr-e.azure-ga",
        "gr-e-2.azure-ga",
    ]
    assert [job.slug for job in told_apart(jobs)] == [job.slug for job in jobs]


def test_repetitions_have_seeds_and_files_of_their_own(suite: Path) -> None:
    jobs = [job for job, _ in select([suite / "scenarios"], dialects=("azure-ga",), repeat=3, seed=5, cwd=suite)]
    assert [(job.repetition, job.seed) for job in jobs[:3]] == [(1, 5), (2, 6), (3, 7)]
    assert len({job.id for job in jobs}) * 3 == len({job.slug for job in jobs}) == len(jobs)
    (once, *_) = [job for job, _ in select([suite / "scenarios"], cwd=suite)]
    assert (once.repetition, once.seed) == (0, 0)


def test_a_file_that_is_named_twice_runs_once(suite: Path) -> None:
    folder = suite / "scenarios" / "turns"
    twice = [folder, folder / "b.yaml", folder / ".." / "turns" / "b.yaml"]
    assert len(select(twice, dialects=("azure-ga",), cwd=suite)) == 2


def test_name_is_relative_to_where_one_stands(tmp_path: Path) -> None:
    inside = tmp_path / "scenarios" / "a.yaml"
    assert display_name(inside, tmp_path) == "scenarios/a.yaml"
    assert display_name(inside, tmp_path / "elsewhere") == "scenarios/a.yaml"
    assert display_name(tmp_path / "a.yaml", tmp_path / "elsewhere") == "../a.yaml"


CREDENTIALS = ("AZURE_OPENAI_RESOURCE_NAME", "AZURE_OPENAI_REALTIME_KEY", "AZURE_OPENAI_AD_TOKEN", "OPENAI_API_KEY")


@pytest.fixture
def nobody(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """No credentials."""
    for name in (*CREDENTIALS, "AZURE_OPENAI_ENDPOINT", "OPENAI_BASE_URL"):
        for spelled in (name, f"VITE_{name}"):
            monkeypatch.delenv(spelled, raising=False)
    return monkeypatch


def test_live_without_any_credentials_names_what_each_dialect_needs(suite: Path, nobody: pytest.MonkeyPatch) -> None:
    with pytest.raises(MissingCredentials) as raised:
        ids(suite, target="live")
    for name in ("azure-preview needs AZURE_OPENAI_RESOURCE_NAME", "openai-ga needs OPENAI_API_KEY"):
        assert name in str(raised.value)


def test_live_leaves_out_the_dialects_without_credentials(suite: Path, nobody: pytest.MonkeyPatch) -> None:
    nobody.setenv("OPENAI_API_KEY", "sk-0123456789")
    jobs = select([suite / "scenarios" / "turns" / "a.yaml"], target="live", cwd=suite)
    reasons = {job.dialect: reason for job, reason in not_exercised(jobs).items()}
    assert set(reasons) == {"azure-preview", "azure-ga", "openai-beta"}
    assert "AZURE_OPENAI_REALTIME_KEY" in reasons["azure-ga"]


def test_a_dialect_that_is_named_must_have_its_credentials(suite: Path, nobody: pytest.MonkeyPatch) -> None:
    nobody.setenv("OPENAI_API_KEY", "sk-0123456789")
    with pytest.raises(MissingCredentials, match="azure-ga needs"):
        ids(suite, target="live", dialects=("openai-ga", "azure-ga"))
