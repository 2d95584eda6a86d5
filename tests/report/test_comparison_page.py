"""A comparison as a page: both timelines above each other on one clock, nothing unescaped."""

from __future__ import annotations

import re
from pathlib import Path

from harness.comparing.comparison import compare
from harness.comparing.sources import read_sample
from harness.report.comparison_page import comparison_html
from tests.comparing.runs import GOOD, compared, run

GOLDEN = Path(__file__).parents[1] / "golden" / "azure-ga"


def test_both_timelines_have_one_clock() -> None:
    page = comparison_html(
        compare(read_sample(GOLDEN / "s02-server-vad-turn.ndjson"), read_sample(GOLDEN / "s09-barge-in.ndjson"))
    )
    assert page.startswith("<!doctype html>")
    lengths = re.findall(r'aria-label="timeline of the call, ([\d.]+) seconds"', page)
    assert len(lengths) == 2
    assert len(set(lengths)) == 1
    assert "order of events" in page


def test_without_traces_it_says_so() -> None:
    page = comparison_html(compared([run(order=None)], [GOOD]))
    assert "<svg" not in page
    assert "not compared where the trace is missing" in page


def test_everything_is_escaped() -> None:
    odd = run(title="<script>x</script>", scenario="a<b", causes=("<i>",), words={"<i>": "<b>"})
    page = comparison_html(compared([GOOD], [odd]))
    assert "<script>" not in page
    assert "&lt;script&gt;" in page


def test_the_first_difference_is_marked_in_both_timelines() -> None:
    page = comparison_html(
        compare(read_sample(GOLDEN / "s02-server-vad-turn.ndjson"), read_sample(GOLDEN / "s06-text.ndjson"))
    )
    assert page.count('class="differs"') == 2
    assert "The red lines are where the order of events first differs." in page
