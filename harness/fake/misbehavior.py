"""HTTP responses of a faulty service: rewritten, held back, or cut off in the middle."""

from __future__ import annotations

import asyncio

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from harness.fake.faults import Faults, Reply
from harness.protocol.dialects import Dialect


class CutOff(Response):
    """A response of which only the first ``cut`` bytes of the body leave; then the connection is closed."""

    cut = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Announce the whole body, send the beginning, and stop: the server then closes the connection."""
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        await send({"type": "http.response.body", "body": bytes(self.body)[: self.cut], "more_body": True})


async def as_it_leaves(response: Response, faults: Faults, *, step: str, dialect: Dialect, nth: int) -> Response:
    """What the faults make of a response; waits as long as they hold it back."""
    headers = dict(response.headers)
    right = Reply(dialect, nth, response.status_code, headers, bytes(response.body).decode("utf-8"))
    reply = faults.reply(step, right)
    if reply == right:
        return response
    if reply.delay:
        await asyncio.sleep(reply.delay)
    kept = {name: value for name, value in reply.headers.items() if name != "content-length"}
    made = (Response if reply.cut is None else CutOff)(reply.body, reply.status, headers=kept)
    if isinstance(made, CutOff):
        made.cut = reply.cut or 0
    return made
