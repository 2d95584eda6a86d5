"""Writing, reading and refusing traces."""

from __future__ import annotations

import contextlib
import io
import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.errors import BrokenTrace, NotATrace, TraceError, UnknownTraceVersion
from harness.trace import VERSION, Entry, Header, Recorder, Trace, dump, read_trace
from harness.trace.redact import Redactor

HEAD = '{"trace":1,"observer":"client","dialect":"azure-ga"}'
KEY = "ek_notasecret0123456789"
json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=10,
)


class Clock:
    """A clock that the test moves."""

    def __init__(self, now: float = 0.0) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


def line(seq: int, t: float = 0.0, kind: str = "harness.note", data: Any = None) -> str:
    return dump({"seq": seq, "t": t, "kind": kind, "data": {} if data is None else data})


def recorded(*kinds: tuple[str, dict[str, Any]], observer: str = "client") -> Trace:
    recorder = Recorder(Header(observer, "azure-ga"), Clock())  # type: ignore[arg-type]
    for kind, data in kinds:
        recorder.record(kind, **data)
    return recorder.close()


class TestEntry:
    def test_plane_event_and_type(self) -> None:
        entry = Entry(0, 0.0, "event.sent", {"event": {"type": "response.create"}})
        assert (entry.plane, entry.type, dict(entry.event)) == ("event", "response.create", {"type": "response.create"})

    @pytest.mark.parametrize("data", [{}, {"event": None}, {"event": ["x"]}, {"event": {"type": 7}}, {"event": {}}])
    def test_type_of_anything_else_is_empty(self, data: dict[str, Any]) -> None:
        assert Entry(0, 0.0, "event.sent", data).type == ""


class TestRecorder:
    def test_counts_and_stamps_from_its_start(self) -> None:
        clock = Clock(100.0)
        recorder = Recorder(Header("client", "azure-ga"), clock)
        recorder.record("harness.note", text="a")
        clock.now = 100.32
        entry = recorder.record("harness.note", text="b")
        assert [(one.seq, one.t) for one in recorder.entries] == [(0, 0.0), (1, 0.32)]
        assert (entry.t, recorder.now, recorder.at(101.0)) == (0.32, 0.32, 1.0)

    def test_redacts_before_it_stores_streams_and_shows(self) -> None:
        sink, seen = io.StringIO(), []
        recorder = Recorder(Header("client", "azure-ga"), Clock(), redactor=Redactor([KEY]), sink=sink)
        recorder.watch(seen.append)
        recorder.record("http.request", headers={"authorization": f"Bearer {KEY}"}, url=f"https://h/?x={KEY}")
        text = sink.getvalue() + repr(seen) + repr(recorder.trace())
        assert KEY not in text
        assert "[redacted:1:" in text

    def test_redacts_its_header(self) -> None:
        header = Header("client", "azure-ga", target=f"https://h/?api-key={KEY}", extra={"api_key": KEY})
        sink = io.StringIO()
        trace = Recorder(header, Clock(), sink=sink).close()
        assert KEY not in sink.getvalue()
        assert KEY not in "".join(trace.lines())

    def test_every_line_is_flushed(self) -> None:
        class Sink(io.StringIO):
            flushed = ""

            def flush(self) -> None:
                self.flushed = self.getvalue()

        sink = Sink()
        recorder = Recorder(Header("client", "azure-ga"), Clock(), sink=sink)
        recorder.record("harness.note", text="kept although nobody closes")
        assert read_trace(io.StringIO(sink.flushed)).entries == tuple(recorder.entries)
        assert read_trace(io.StringIO(sink.flushed)).end == "truncated"

    def test_nothing_is_stored_after_the_end(self) -> None:
        sink = io.StringIO()
        recorder = Recorder(Header("client", "azure-ga"), Clock(), sink=sink)
        assert recorder.close("failed") == recorder.close("completed")
        recorder.record("harness.note", text="late")
        assert recorder.entries == []
        assert recorder.trace().end == "failed"
        assert len(sink.getvalue().splitlines()) == 2

    def test_watchers_hear_later_entries_until_they_stop(self) -> None:
        recorder = Recorder(Header("client", "azure-ga"), Clock())
        heard: list[str] = []
        recorder.record("harness.note", text="before")
        stop = recorder.watch(lambda entry: heard.append(entry.data["text"]))
        recorder.record("harness.note", text="during")
        stop()
        stop()
        recorder.record("harness.note", text="after")
        assert heard == ["during"]

    def test_a_watcher_may_stop_itself_and_record(self) -> None:
        recorder = Recorder(Header("client", "azure-ga"), Clock())

        def once(entry: Entry) -> None:
            stop()
            recorder.record("harness.note", text="answer")

        stop: Callable[[], None] = recorder.watch(once)
        recorder.record("harness.note", text="question")
        assert [entry.data["text"] for entry in recorder.entries] == ["question", "answer"]


class TestReadingBack:
    @given(
        st.lists(
            st.tuples(st.floats(0, 10), st.dictionaries(st.from_regex(r"[a-z]{1,8}", fullmatch=True), json_values)),
            max_size=5,
        )
    )
    def test_what_was_recorded_is_read(self, steps: list[tuple[float, dict[str, Any]]]) -> None:
        clock = Clock()
        recorder = Recorder(Header("service", "openai-ga", "fake", "a.yaml", "virtual", extra={"run": 3}), clock)
        for pause, data in steps:
            clock.now += pause
            recorder.record("harness.note", **data)
        trace = recorder.close()
        assert read_trace(list(trace.lines())) == trace

    @given(st.lists(json_values, min_size=1, max_size=5), st.data())
    def test_a_file_cut_anywhere_keeps_its_whole_lines(self, values: list[Any], data: st.DataObject) -> None:
        recorder = Recorder(Header("client", "azure-ga"), Clock())
        for value in values:
            recorder.record("harness.note", value=value)
        whole = "".join(f"{text}\n" for text in recorder.close().lines()).encode()
        head = whole.index(b"\n") + 1
        cut = whole[: data.draw(st.integers(head, len(whole) - 1))]
        trace = read_trace(io.StringIO(cut.decode(errors="ignore")))
        assert trace.entries == tuple(recorder.entries)[: len(trace.entries)]
        assert len(trace.entries) >= min(cut.count(b"\n") - 1, len(values))

    def test_from_a_file_with_any_line_end(self, tmp_path: Path) -> None:
        for end in ("\n", "\r\n"):
            path = tmp_path / "trace.ndjson"
            path.write_bytes(
                end.join([HEAD, line(0, data={"text": "ä\u2028b"}), '{"end":"completed","entries":1}', ""]).encode()
            )
            trace = read_trace(path)
            assert (trace.end, trace.entries[0].data["text"]) == ("completed", "ä\u2028b")
            assert read_trace(str(path)) == trace

    def test_a_file_cut_inside_a_character(self, tmp_path: Path) -> None:
        path = tmp_path / "trace.ndjson"
        path.write_bytes(f"{HEAD}\n{line(0)}\n".encode() + '{"seq":1,"t":0.0,"kind":"x.y","data":{"a":"€'.encode()[:-1])
        trace = read_trace(path)
        assert (len(trace.entries), trace.end) == (1, "truncated")

    def test_a_lone_surrogate_survives(self, tmp_path: Path) -> None:
        """Legal JSON from a peer that no UTF-8 file could hold as it is."""
        path = tmp_path / "trace.ndjson"
        with path.open("w", encoding="utf-8") as sink:
            recorder = Recorder(Header("client", "azure-ga"), Clock(), sink=sink)
            recorder.record("event.received", event=json.loads('{"type":"\\ud800"}'), size=1)
            recorder.close()
        assert read_trace(path).entries == tuple(recorder.entries)

    @pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf])
    def test_numbers_that_json_lacks_become_null(self, number: float) -> None:
        assert json.loads(dump({"a": [number, {"b": (number, 1)}]})) == {"a": [None, {"b": [None, 1]}]}

    def test_header_fields_of_later_revisions_are_kept(self) -> None:
        trace = read_trace([HEAD[:-1] + ',"run":7}'])
        assert trace.header.extra == {"run": 7}
        assert json.loads(next(trace.lines()))["run"] == 7


class TestRefusing:
    @pytest.mark.parametrize(
        ("lines", "error", "message"),
        [
            ([], NotATrace, "empty"),
            (["\n", "  \n"], NotATrace, "empty"),
            (["hello\n", "world\n"], NotATrace, "trace:1"),
            (["[1]\n"], NotATrace, "not a trace header"),
            (['{"title": "a scenario"}'], NotATrace, "not a trace header"),
            (["[" * 100_000], NotATrace, "not a trace header"),
            (['{"trace": 1' + "0" * 5000 + "}"], NotATrace, "not a trace header"),
            (['{"trace": 2, "observer": "client", "dialect": "x"}'], UnknownTraceVersion, "reads version 1"),
            (['{"trace": "1", "observer": "client", "dialect": "x"}'], UnknownTraceVersion, "'1'"),
            (['{"trace": true, "observer": "client", "dialect": "x"}'], UnknownTraceVersion, "True"),
            (['{"trace": 1, "observer": "nobody", "dialect": "x"}'], BrokenTrace, "observer or dialect"),
            (['{"trace": 1, "observer": "client"}'], BrokenTrace, "observer or dialect"),
            ([HEAD, "{broken", line(0)], BrokenTrace, "trace:2: not JSON"),
            ([HEAD, "", line(0)], BrokenTrace, "trace:2: not JSON"),
            ([HEAD, "[" * 100_000, line(0)], BrokenTrace, "trace:2: not JSON"),
            ([HEAD, line(1)], BrokenTrace, "entry 1 where 0 belongs"),
            ([HEAD, line(0), line(0)], BrokenTrace, "trace:3: entry 0 where 1 belongs"),
            ([HEAD, line(0, 2.0), line(1, 1.0)], BrokenTrace, "time falls from 2.0 to 1.0"),
            ([HEAD, "[]", line(0)], BrokenTrace, "not a trace entry"),
            ([HEAD, '{"seq":0,"t":"0","kind":"a.b","data":{}}'], BrokenTrace, "not a trace entry"),
            ([HEAD, '{"seq":0,"t":NaN,"kind":"a.b","data":{}}'], BrokenTrace, "not a trace entry"),
            ([HEAD, '{"seq":0,"t":1e999,"kind":"a.b","data":{}}'], BrokenTrace, "not a trace entry"),
            ([HEAD, '{"seq":0,"t":1' + "0" * 400 + ',"kind":"a.b","data":{}}'], BrokenTrace, "not a trace entry"),
            ([HEAD, '{"seq":0,"t":-1,"kind":"a.b","data":{}}'], BrokenTrace, "not a trace entry"),
            ([HEAD, '{"seq":0,"t":0,"kind":"a.b","data":[]}'], BrokenTrace, "not a trace entry"),
            ([HEAD, line(0), '{"end":"completed","entries":2}'], BrokenTrace, "counts 2 entries, 1 are here"),
        ],
    )
    def test_names_what_is_wrong(self, lines: list[str], error: type[TraceError], message: str) -> None:
        with pytest.raises(error) as caught:
            read_trace(lines)
        assert type(caught.value) is error
        assert message in str(caught.value)

    def test_files(self, tmp_path: Path) -> None:
        (tmp_path / "empty.ndjson").write_bytes(b"")
        (tmp_path / "audio.ndjson").write_bytes(b"RIFF\xff\xfe\x00\x00WAVEfmt and more")
        for name, message in (
            ("empty.ndjson", "empty"),
            ("audio.ndjson", "not UTF-8"),
            ("none.ndjson", "No such file"),
        ):
            with pytest.raises(NotATrace, match=message) as caught:
                read_trace(tmp_path / name)
            assert name in caught.value.where
        with pytest.raises(NotATrace):
            read_trace(tmp_path)

    @given(st.lists(st.text(max_size=40) | st.just(HEAD) | st.just(line(0)), max_size=4))
    def test_any_text_is_read_or_refused(self, lines: list[str]) -> None:
        with contextlib.suppress(TraceError):
            assert read_trace(lines).header.dialect == "azure-ga"


class TestFinding:
    TRACE = recorded(
        ("http.request", {"id": 1}),
        ("event.sent", {"event": {"type": "session.update"}}),
        ("event.received", {"event": {"type": "session.updated"}}),
        ("http.response", {"id": 1}),
        ("event.received", {"event": {"type": "error"}}),
        ("rtp.packets", {"direction": "received"}),
        ("rtp.packets", {"direction": "sent"}),
    )

    def test_by_kind_and_by_plane(self) -> None:
        assert [entry.seq for entry in self.TRACE.of("event.received")] == [2, 4]
        assert [entry.seq for entry in self.TRACE.of("http")] == [0, 3]
        assert [entry.seq for entry in self.TRACE.of("http.response", "event")] == [1, 2, 3, 4]
        assert self.TRACE.of("sdp") == ()
        assert self.TRACE.first("http.response") == self.TRACE.entries[3]
        assert self.TRACE.first("sdp.offer") is None

    def test_events_by_who_sent_them(self) -> None:
        assert [entry.type for entry in self.TRACE.events("client")] == ["session.update"]
        assert [entry.type for entry in self.TRACE.events("service")] == ["session.updated", "error"]
        assert [entry.type for entry in self.TRACE.events("service", "error", "session.updated", "error")] == [
            "session.updated",
            "error",
        ]
        assert self.TRACE.events("client", "error") == ()

    def test_the_same_from_the_other_side(self) -> None:
        other = Trace(Header("service", "azure-ga"), self.TRACE.entries, "completed")
        assert [entry.type for entry in other.events("service")] == ["session.update"]
        assert [other.sender(entry) for entry in other.of("rtp")] == ["client", "service"]
        assert [self.TRACE.sender(entry) for entry in self.TRACE.of("rtp", "event")] == [
            "client", "service", "service", "service", "client",
        ]  # fmt: skip

    def test_seconds(self) -> None:
        assert Trace(Header("client", "azure-ga"), ()).seconds == 0.0
        assert Trace(Header("client", "azure-ga"), (Entry(0, 2.5, "a.b", {}),)).seconds == 2.5

    def test_version_is_written(self) -> None:
        assert json.loads(next(self.TRACE.lines()))["trace"] == VERSION
