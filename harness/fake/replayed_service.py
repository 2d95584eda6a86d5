"""The fake service that replays a recording: its HTTP answers and statuses as they were, and calls in which the recorded service answers."""

from __future__ import annotations

import asyncio
import random
import secrets
import string
from collections import Counter
from collections.abc import Callable
from typing import Any
from weakref import WeakKeyDictionary

from starlette.requests import Request
from starlette.responses import Response

from harness.fake import answers
from harness.fake.admission import Ask, CallGrant, offer_problem
from harness.fake.answers import VENDORS, HttpRefusal
from harness.fake.misbehavior import CutOff
from harness.fake.replay.answers import Answer, Fresh
from harness.fake.replay.player import FIX
from harness.fake.replay.sdp import transplanted
from harness.fake.replayed_call import MISS, RecordedService, ReplayedCall, conduct_of
from harness.fake.server import FakeService, client_of, new_id
from harness.protocol.dialects import DIALECTS, Dialect
from harness.trace import Recorder, dump
from harness.webrtc.peer import RejectedDescription

FOREVER = 3600.0
"""Seconds that a request which was not answered waits: longer than any client."""
_STEPS = {"key": "token request", "call": "call request"}


class ReplayService(FakeService):
    """A :class:`FakeService` that plays ``recorded``, in its dialect. Calls one after the other, or at once, each get the whole of it.

    ``on_note`` gets the kind and the data of an entry for what is to be known of a replay: a miss (``harness.error``), what the engine
    answered instead, what was not played (``harness.note``). They are in the trace of the call as well, where it has one.
    """

    def __init__(
        self, *, recorded: RecordedService, on_note: Callable[..., object] = lambda kind, **data: None, **options: Any
    ) -> None:
        super().__init__(dialects=(DIALECTS[recorded.trace.header.dialect],), **options)
        self.recorded = recorded
        self.conduct = conduct_of(recorded, self.faults.conduct)
        self._on_note = on_note
        self._answered: Counter[str] = Counter()
        self._fresh: WeakKeyDictionary[Recorder, Fresh] = WeakKeyDictionary()

    async def _mint(
        self, dialect: Dialect, transcription: bool, request: Request, ask: Ask, recorder: Recorder
    ) -> Response | HttpRefusal:
        answer = self._next("key")
        if answer is None:
            return await self._unknown("key", recorder) or await super()._mint(
                dialect, transcription, request, ask, recorder
            )
        fresh = self._fresh_for(recorder)
        fresh.later(answer.epoch, self._epoch + self.now)
        made = await self._as_recorded(dialect, answer, fresh, recorder)
        key: Any = fresh.value(answer.body)
        for part in dialect.key_path:
            key = key.get(part) if isinstance(key, dict) else None
        if isinstance(key, str) and made.status_code < 400:
            self._traces.minted(recorder, key, ask.bearer, client_of(request))
        return made

    async def _call(self, dialect: Dialect, request: Request, ask: Ask, recorder: Recorder) -> Response | HttpRefusal:
        answer = self._next("call")
        if answer is None:
            return await self._unknown("call", recorder) or await super()._call(dialect, request, ask, recorder)
        fresh = self._fresh_for(recorder)
        fresh.later(answer.epoch, self._epoch + self.now)
        offer = (ask.parts or {"sdp": ask.body}).get("sdp", "")
        if offer.startswith("v=0"):
            recorder.record("sdp.offer", sdp=offer)
        if not answer.is_sdp:
            return await self._as_recorded(dialect, answer, fresh, recorder)
        if problem := offer_problem(offer):
            recorder.record("sdp.rejected", sdp=offer, reason=problem)
            return answers.INVALID_OFFER
        filtered = dialect.filter and ask.query.get("webrtcfilter") == "on" and not self.recorded.filtered
        call_id = new_id("rtc")
        try:
            own = await self._connect(dialect, CallGrant("", {}, offer, "", filtered), call_id, recorder)
        except RejectedDescription as error:
            recorder.record("sdp.rejected", sdp=offer, reason=error.reason)
            return answers.INVALID_OFFER
        if lost := self.recorded.lost:
            text = f"the recording does not hold the sound of {lost} of {len(self.recorded.packets)} packets: silence stands for it"
            self._note(recorder, "harness.note", about="replay", text=text)
        sdp = transplanted(self.recorded.trace, answer.body, offer=offer, answer=own)
        if sdp is None:
            self._note(
                recorder,
                "harness.note",
                about="replay",
                text="the offer is another one than the recorded: it gets an answer of its own",
            )
        sdp = self.faults.answer(own if sdp is None else sdp)
        recorder.record("sdp.answer", sdp=sdp)
        return await self._as_recorded(dialect, answer, fresh, recorder, body=sdp, call_id=call_id)

    def _service_call(self, recorder: Recorder, **options: Any) -> ReplayedCall:
        return ReplayedCall(
            **options,
            recorder=recorder,
            recorded=self.recorded,
            fresh=self._fresh_for(recorder),
            told=lambda kind, **data: self._note(recorder, kind, **data),
            conduct=self.conduct,
        )

    async def _hang_up(
        self, dialect: Dialect, request: Request, ask: Ask, recorder: Recorder
    ) -> Response | HttpRefusal:
        answer = self._next("hangup")
        call = self.calls.get(request.path_params["call_id"])
        if answer is None or call is None:
            return await super()._hang_up(dialect, request, ask, recorder)
        if 200 <= answer.status < 300:
            call.hang_up()
        return await self._as_recorded(dialect, answer, self._fresh_for(recorder), recorder)

    def _stamp(self, response: Response, dialect: Dialect) -> None:
        """The date, where the recorded answers had one; ids of requests are in the recorded headers."""
        every = [one for several in self.recorded.answers.values() for one in several]
        if not every or any("date" in one.headers for one in every):
            super()._stamp(response, dialect)
        if every and not any(VENDORS[dialect.vendor].request_id in one.headers for one in every):
            del response.headers[VENDORS[dialect.vendor].request_id]

    def _next(self, step: str) -> Answer | None:
        """The recorded answer to this request; after the last one a further call begins with the first."""
        several = self.recorded.answers.get(step, ())
        if not several:
            return None
        self._answered[step] += 1
        return several[(self._answered[step] - 1) % len(several)]

    async def _unknown(self, step: str, recorder: Recorder) -> HttpRefusal | None:
        """What a request gets that the recorded client never made; None: the engine's own answer. A recording of events alone has no answers."""
        if not self.recorded.answers:
            return None
        steps = ", then the ".join(_STEPS[one] for one in self.recorded.answers if one in _STEPS)
        what = f"the recording has no answer to a {_STEPS[step]}; it expects the {steps}"
        if self.recorded.lenient:
            self._note(recorder, "harness.note", about="replay", text=f"{what}: the engine answers instead")
            return None
        self._note(
            recorder,
            "harness.error",
            error=MISS,
            step="key" if step == "key" else "answer",
            what=what,
            seen=f"a {_STEPS[step]}",
            fix=FIX,
        )
        return HttpRefusal(409, "replay_miss", what)

    async def _as_recorded(
        self,
        dialect: Dialect,
        answer: Answer,
        fresh: Fresh,
        recorder: Recorder,
        *,
        body: str | None = None,
        call_id: str = "",
    ) -> Response:
        """The response as it was recorded, after as long, with fresh values."""
        if not answer.status:
            await asyncio.sleep(FOREVER if answer.seconds > 1 else answer.seconds)
            return CutOff("{}", 200)
        await asyncio.sleep(min(answer.seconds, FOREVER))
        value = fresh.value(answer.body) if body is None else body
        text = value if isinstance(value, str) else dump(value)
        name = VENDORS[dialect.vendor].request_id
        headers = answer.fresh_headers(call_id, lambda: new_id("req"), (name,))
        return Response(text, answer.status, headers=headers)

    def _fresh_for(self, recorder: Recorder) -> Fresh:
        return self._fresh.setdefault(recorder, Fresh(_secret))

    def _note(self, recorder: Recorder, kind: str, **data: Any) -> None:
        recorder.record(kind, **data)
        self._on_note(kind, **data)


def _secret(length: int) -> str:
    """A secret that looks like an ephemeral key, of this length where it can."""
    letters = string.ascii_letters + string.digits
    return f"ek_{secrets.token_hex(4)}{''.join(random.choices(letters, k=max(length - 11, 0)))}"
