"""Secrets in records of others, wherever such a record has them: none is in the trace, the reports or what is given on."""

from __future__ import annotations

import json
import string
import tempfile
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from harness.formats import read_records
from harness.formats.writing import EXPORTS
from harness.judging.recording import judged
from harness.report.text import lines_of
from harness.report.write import write_reports
from tests.formats.test_dumps import ANSWER, OFFER, STEPS, internals
from tests.test_secrets import keys, leaks, left_in

passwords = st.text(string.ascii_letters + string.digits + "+/", min_size=22, max_size=40)
BASE = "https://api.openai.com/v1/realtime"


def with_ice(description: str, password: str) -> str:
    return description.replace("t=0 0\r\n", f"t=0 0\r\na=ice-ufrag:abcd\r\na=ice-pwd:{password}\r\n")


def har(key: str, minted: str, password: str, cookie: str) -> str:
    def entry(path: str, secret: str, sent: str, got: str, second: int) -> dict[str, object]:
        headers = [{"name": "Authorization", "value": f"Bearer {secret}"}, {"name": "Cookie", "value": f"s={cookie}"}]
        return {
            "startedDateTime": f"2026-11-28T07:31:3{second}.000Z",
            "time": 5,
            "request": {"method": "POST", "url": f"{BASE}/{path}", "headers": headers, "postData": {"text": sent}},
            "response": {"status": 201, "headers": [], "content": {"text": got}},
        }

    offer, answer = with_ice(OFFER, password), with_ice(ANSWER, password[::-1])
    token = entry("client_secrets", key, "{}", json.dumps({"value": minted, "expires_at": 1}), 4)
    return json.dumps({"log": {"entries": [token, entry("calls", minted, offer, answer, 5)]}})


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(key=keys, minted=keys, password=passwords, cookie=st.text(string.ascii_letters, min_size=16, max_size=30))
def test_no_secret_of_a_record_leaves(key: str, minted: str, password: str, cookie: str) -> None:
    said = {"type": "invalid_request_error", "code": "x", "message": f"the key {minted} of {key} is no good"}
    events = [
        # A log begins before the response that brings the key.
        {"time": "2026-11-28T07:31:33.100Z", "event": {"type": "error", "event_id": "e0", "error": said}},
        {"time": "2026-11-28T07:31:36.100Z", "event": {"type": "session.created", "event_id": "e1", "session": {}}},
    ]
    steps = [
        (t, what, {**v, "sdp": with_ice(v["sdp"], password)} if isinstance(v, dict) and "sdp" in v else v)
        for t, what, v in STEPS
    ]
    with tempfile.TemporaryDirectory() as name:
        folder, out = Path(name) / "in", Path(name) / "out"
        folder.mkdir()
        files = {"a.har": har(key, minted, password, cookie), "b.json": json.dumps(events), "c.txt": internals(steps)}
        for file, text in files.items():
            (folder / file).write_text(text)
        paths = [folder / file for file in files]
        for given_together in (paths[:2], *([path] for path in paths)):
            if given_together == [paths[1]]:
                continue  # alone, nothing says that these words are keys
            recordings = read_records(given_together, "openai-ga")
            results = judged(recordings, out)
            write_reports(results, out, seconds=0.1)
            texts = [*left_in(out), ("terminal", "\n".join(lines_of(results, seconds=0.1)))]
            texts += [(form, row.write(recordings[0].trace, {}).decode("latin-1")) for form, row in EXPORTS.items()]
            assert leaks(texts, [key, minted, password, password[::-1], cookie]) == []
