"""How long and how much a client may take: heads of requests, bodies that trickle, answers that nobody reads.

Nothing is timed per request; once a second somebody walks the connections and ends those that took too long.
"""

import asyncio
from typing import Protocol

import structlog

MAX_HEAD_BYTES = 32 * 1024
"""Of the request line and all headers together."""
HEAD_SECONDS = 10.0
"""From the first byte, or the connection, to the end of the headers."""
BODY_SECONDS = 60.0
"""From the first byte to the last one of the body."""
READ_SECONDS = 60.0
"""For how long nothing at all of an answer may be taken."""
ROUND_SECONDS = 1.0

log = structlog.get_logger(__name__)


class Connection(Protocol):
    """What is walked."""

    def hurry(self, now: float) -> bool:
        """End the connection if it took too long by `now` (the loop's time); True: it did."""
        ...


async def send_away(connections: "set[Connection]") -> None:
    """End those that take too long, for ever."""
    loop = asyncio.get_running_loop()
    while True:
        await asyncio.sleep(ROUND_SECONDS)
        now = loop.time()
        ended = sum(each.hurry(now) for each in list(connections))
        if ended:
            log.info("slow clients sent away", connections=ended)


def is_late(now: float, *, reading_since: float | None, head_open: bool, stuck_since: float | None) -> bool:
    """Whether a connection took too long: with what it sends (since then), or with taking what it was sent."""
    if stuck_since is not None and now - stuck_since > READ_SECONDS:
        return True
    allowed = HEAD_SECONDS if head_open else BODY_SECONDS
    return reading_since is not None and now - reading_since > allowed
