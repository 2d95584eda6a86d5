"""How long an end waits for checks from an address that nobody announced: RFC 8863, to the tenth of a second."""

from __future__ import annotations

import asyncio
import re

import pytest

from harness.running import clock
from harness.webrtc import hooks as transport_taps
from harness.webrtc.patience import PATIENCE
from tests.peers import End

ANNOUNCED = "127.0.0.2"


async def call(late: float) -> End:
    """The service of a caller that begins its own checks so many seconds late.

    As in libdatachannel, the caller's socket is bound to no address: it answers from another one than it has announced, so that each
    check of the service fails at once (:rfc:`8445` section 7.2.5.2.1), and only its own checks come through.
    """
    caller, service = End("client"), End("service")
    try:
        caller.open_channel()
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(transport_taps, "LOOPBACK", "0.0.0.0")
            offer = await caller.peer.offer()
        answer = await service.peer.answer(offer.replace("0.0.0.0", ANNOUNCED))
        await asyncio.sleep(late)
        await caller.peer.accept_answer(answer)
        await asyncio.sleep(2)
    finally:
        await caller.peer.close()
        await service.peer.close()
    return service


@pytest.mark.parametrize(("late", "connects"), [(0, True), (5, True), (PATIENCE - 0.1, True), (PATIENCE + 0.1, False)])
def test_checks_that_come_late_are_waited_for(late: float, connects: bool) -> None:
    service = clock.run(lambda: call(late), time="virtual")
    assert ("connected" in service.states("connection.state")) is connects
    failed = [entry.t for entry in service.of("connection.ice") if entry.data["state"] == "failed"]
    assert failed == ([] if connects else [pytest.approx(PATIENCE, abs=0.05)])


def test_a_call_that_is_hung_up_is_not_waited_for() -> None:
    async def hang_up() -> float:
        service, caller = End("service"), End("client")
        caller.open_channel()
        await service.peer.answer(re.sub("a=candidate:.*\r\n", "", await caller.peer.offer()))
        await asyncio.sleep(1)
        began = asyncio.get_running_loop().time()
        await service.peer.close()
        await caller.peer.close()
        return asyncio.get_running_loop().time() - began

    assert clock.run(hang_up, time="virtual") < 0.1
