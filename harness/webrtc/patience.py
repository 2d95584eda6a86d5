"""Patience of an ICE agent: it does not fail while checks of the other end may still come."""

from __future__ import annotations

import asyncio
from typing import Any

PATIENCE = 39.5
"""Seconds from the start of the checks: the recommended PAC timer, all retransmissions of a check (:rfc:`8863` section 4)."""


def be_patient(connection: Any) -> None:
    """Keep an ``aioice.ice.Connection`` from failing before :data:`PATIENCE` is over, whatever became of the pairs it knows.

    :rfc:`8863` section 4: "the ICE agent MUST NOT update a checklist state from Running to Failed, even if there are no pairs left".
    aioice fails with the last pair, at once where an address cannot be reached, and a client whose own checks would come through
    from an address that nobody announced is lost. A call that is hung up ends at once, as ever.
    """
    connect, fail, check_next = connection.connect, connection._check_list_maybe_fail, connection._check_periodic
    waiting = True

    def give_up() -> None:
        nonlocal waiting
        waiting = False
        fail()

    async def connect_patiently() -> None:
        timer = asyncio.get_running_loop().call_later(PATIENCE, give_up)
        try:
            await connect()
        finally:
            timer.cancel()

    def fail_in_time() -> None:
        if not waiting:
            fail()

    def check_or_wait() -> bool:
        # Without any pair aioice would not even wait for the outcome.
        idle = waiting and not connection._check_list and not connection._check_list_done
        return check_next() or idle

    connection.connect = connect_patiently
    connection._check_list_maybe_fail = fail_in_time
    connection._check_periodic = check_or_wait
