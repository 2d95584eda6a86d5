"""MED: how long an answer lasts against what is said in it and what was made of it: audio at the wrong rate, or cut off."""

from __future__ import annotations

from collections.abc import Iterator

from harness.rules.base import INFERRED, INFO, SHOULD, Observation, View, judged
from harness.rules.content.parts import TRANSCRIPT
from harness.rules.media import FAMILY
from harness.rules.media.sound import heard_playbacks
from harness.rules.playback.buffer import STOPPED
from harness.rules.support.disturbance import slack
from harness.rules.support.fields import MISSING, number, text
from harness.rules.support.history import Response, history
from harness.rules.support.sources import COSTS, OWN, sdk
from harness.rules.support.windows import playbacks

TOKEN_SECONDS = 0.05
WITHIN, AT_LEAST_SECONDS = 0.3, 1.0  # share of the length, and silence that a voice leaves at its ends
FASTEST = 30.0  # letters a second; a brisk speaker says 18, an auctioneer 25
FEWEST_LETTERS = 20


def _completed(response: Response, how: str) -> bool:
    return how == STOPPED and response.status == "completed"


@FAMILY.rule("20", INFO, INFERRED, COSTS, sdk("realtime_response_usage_output_token_details.py"), hidden_by_filter=True)
def as_long_as_its_tokens(view: View) -> Iterator[Observation]:
    """an answer lasts as long as the audio that was made for it

    The vendor counts one token for 50 ms of the assistant's audio: usage says how long it is, playback how long it was heard.

    Half as long is audio at twice its rate (24 kHz samples taken for 48 kHz) or cut off; twice as long is slowed down. Judged for
    completed answers of the usual speed, give or take 30 % and a second.

    Okay:
        < response.created {"response": {"id": "r", "status": "in_progress"}}
        < output_audio_buffer.started {"response_id": "r"}
        < response.done {"response": {"id": "r", "status": "completed",
            "usage": {"output_token_details": {"audio_tokens": 80}}}}
        +5.15s
        < output_audio_buffer.stopped {"response_id": "r"}
    Fail:
        < response.created {"response": {"id": "r", "status": "in_progress"}}
        < output_audio_buffer.started {"response_id": "r"}
        < response.done {"response": {"id": "r", "status": "completed",
            "usage": {"output_token_details": {"audio_tokens": 80}}}}
        +2.75s
        < output_audio_buffer.stopped {"response_id": "r"}
    Okay:
        < response.created {"response": {"id": "r", "status": "in_progress"}}
        < output_audio_buffer.started {"response_id": "r"}
        < response.done {"response": {"id": "r", "status": "completed",
            "usage": {"output_token_details": {"audio_tokens": 20}}}}
        +1.95s
        < output_audio_buffer.stopped {"response_id": "r"}
    Fail:
        < response.created {"response": {"id": "r", "status": "in_progress"}}
        < output_audio_buffer.started {"response_id": "r"}
        < response.done {"response": {"id": "r", "status": "completed",
            "usage": {"output_token_details": {"audio_tokens": 20}}}}
        +2.05s
        < output_audio_buffer.stopped {"response_id": "r"}
    Unseen:
        < response.created {"response": {"id": "r", "status": "in_progress"}}
        < output_audio_buffer.started {"response_id": "r"}
        < response.done {"response": {"id": "r", "status": "cancelled",
            "usage": {"output_token_details": {"audio_tokens": 80}}}}
        +2s
        < output_audio_buffer.stopped {"response_id": "r"}
    """
    course = history(view)
    for response, started, ended, how in playbacks(view):
        done = response.done
        if ended is None or done is None or not _completed(response, how):
            continue
        tokens = number(done.event, "response", "usage", "output_token_details", "audio_tokens")
        if not tokens or course.settings.value("speed", started.seq) not in (MISSING, None, 1):
            continue
        made, lasted = tokens * TOKEN_SECONDS, ended.t - started.t
        tolerance = max(AT_LEAST_SECONDS, WITHIN * made) + slack(view)
        wanted = f"{made:.1f} s, {tokens:g} tokens of audio"
        yield judged(ended, abs(lasted - made) <= tolerance, wanted, f"{lasted:.1f} s")


@FAMILY.rule("21", SHOULD, INFERRED, OWN)
def human_pace(view: View) -> Iterator[Observation]:
    """nobody speaks faster than a person can

    The transcript has at most thirty letters for each second of sound, more only where the session's speed is set above 1.

    Beyond, the audio plays at a multiple of its rate, or most of it never came. Judged for completed answers of twenty letters and more, by what is heard between started and stopped.

    Okay:
        < response.created {"response": {"id": "r", "status": "in_progress"}}
        < output_audio_buffer.started {"response_id": "r"}
        < response.output_audio_transcript.done @r/i/0/0 {"transcript": "Thank you for your patience."}
        < response.done {"response": {"id": "r", "status": "completed"}}
        levels received 0.4 -20 -22 -90*3
        +2s
        < output_audio_buffer.stopped {"response_id": "r"}
    Fail:
        < response.created {"response": {"id": "r", "status": "in_progress"}}
        < output_audio_buffer.started {"response_id": "r"}
        < response.output_audio_transcript.done @r/i/0/0 {"transcript": "Thank you for your patience."}
        < response.done {"response": {"id": "r", "status": "completed"}}
        levels received 0.75 -20 -90*2
        +2s
        < output_audio_buffer.stopped {"response_id": "r"}
    Unseen:
        < response.created {"response": {"id": "r", "status": "in_progress"}}
        < output_audio_buffer.started {"response_id": "r"}
        < response.output_audio_transcript.done @r/i/0/0 {"transcript": "Thank you for patience."}
        < response.done {"response": {"id": "r", "status": "completed"}}
        levels received 0.5 -20 -90*3
        +2s
        < output_audio_buffer.stopped {"response_id": "r"}
    """
    course = history(view)
    for heard in heard_playbacks(view):
        response, audible = heard.response, heard.audible
        # By part: one that is told twice (CNT-06) was said once.
        words = {
            (text(one.event, "item_id"), number(one.event, "content_index")): text(one.event, "transcript")
            for one in response.all(f"{TRANSCRIPT}.done")
        }
        letters = sum(map(str.isalpha, "".join(words.values())))
        if not audible or letters < FEWEST_LETTERS or not _completed(response, heard.how):
            continue
        speed = course.settings.value("speed", heard.started.seq)
        fastest = FASTEST * max(1, speed if isinstance(speed, (int, float)) else 1)
        lasted = audible[-1].end - audible[0].start
        seen = f"{letters} letters in {lasted:.1f} s"
        # Packets that the network lost or held back make an answer shorter than it was.
        ok = letters <= fastest * (lasted + slack(view))
        yield judged(heard.ended, ok, f"at most {fastest:g} letters a second", seen)
