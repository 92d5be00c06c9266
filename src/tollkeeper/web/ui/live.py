"""Parts of a page that stay up to date by themselves, over server-sent events.

One reader a process follows each topic, however many people look at it: it asks again and again, and who follows is
sent the part anew when the answer is another one. So it works behind any number of processes, and nothing is added to
the way of what is watched. Who waits holds no connection to the database.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Hashable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Generic, TypeVar, cast

import structlog
from fastapi import Request
from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from tollkeeper.gate import gate_of
from tollkeeper.identity import Session
from tollkeeper.infra import current_tenant, runtime_of
from tollkeeper.kit import Actor, UnauthenticatedError, UnavailableError

log = structlog.get_logger(__name__)

MOST_FOLLOWERS = 400
"""At once, of one process; whoever comes then is refused, and their page asks by itself now and then."""
LONGEST_SECONDS = 15 * 60.0
"""A browser comes back by itself, and another process may have more room by then."""
LOOK_SECONDS = 1.0
STAY_SECONDS = 3.0
"""So often it is asked whether somebody may still follow, where memory does not tell."""
BEAT_SECONDS = 15.0
"""Silence is broken so often, so that proxies do not take the line for dead."""

T = TypeVar("T")
Read = Callable[[], Awaitable[T]]
Show = Callable[[T], str]
Stays = Callable[[], Awaitable[bool]]


class TooManyFollowersError(UnavailableError):
    """This process sends to as many pages as it may."""

    code = "too_many_followers"
    title = "Too many pages are kept up to date at the moment"
    hint = "The page goes on to work; reload it to see what is new."


class _Topic(Generic[T]):
    """What is followed: the newest answer, and the task that asks for it."""

    def __init__(self, read: Read[T], every: float) -> None:
        self.value: T | None = None
        self.version = 0
        self.followers = 0
        self._task = asyncio.create_task(self._ask(read, every))

    async def _ask(self, read: Read[T], every: float) -> None:
        while True:
            try:
                value = await read()
            except Exception as error:  # noqa: BLE001 - asked again in a moment: the database may be back by then
                log.warning("what is followed could not be read", error=str(error).strip())
            else:
                if not self.version or value != self.value:
                    self.value, self.version = value, self.version + 1
            await asyncio.sleep(every)

    def end(self) -> None:
        """Ask no more."""
        self._task.cancel()


class Live:
    """What is followed in this process. Wiring provides it, and closes it when the process is asked to stop."""

    def __init__(self) -> None:
        """Nothing is followed yet."""
        self._topics: dict[Hashable, _Topic[Any]] = {}
        self.followers = 0
        self.closing = asyncio.Event()

    @contextmanager
    def joined(self, name: Hashable, read: Read[T], every: float) -> Iterator[_Topic[T]]:
        """Follow a topic within; its reader lives as long as somebody does."""
        topic = self._topics.get(name)
        if topic is None:
            topic = self._topics[name] = _Topic(read, every)
        topic.followers += 1
        self.followers += 1
        try:
            yield cast("_Topic[T]", topic)
        finally:
            self.followers -= 1
            topic.followers -= 1
            if not topic.followers:
                topic.end()
                del self._topics[name]

    @property
    def topics(self) -> int:
        """How many topics have a reader."""
        return len(self._topics)

    def close(self) -> None:
        """End every stream, so that the process can stop; the browsers come back to another."""
        self.closing.set()


@dataclass(frozen=True, slots=True)
class _Wish(Generic[T]):
    name: Hashable
    read: Read[T]
    show: Show[T]
    is_last: Callable[[T], bool]
    every: float
    stays: Stays | None


def live(
    request: Request,
    topic: Hashable,
    read: Read[T],
    show: Show[T],
    *,
    is_last: Callable[[T], bool] = lambda _: False,
    every: float = 1.0,
    stays: Stays | None = None,
) -> StreamingResponse:
    """Answer with what `read` says, now and whenever it says something else.

    It ends when the login does, and when the person's permissions or organization are others.

    Args:
        request: of somebody who is logged in and may see this.
        topic: what is read; who follows the same topic for the same organization shares one reader.
        read: asks for it, opening its own transaction; its answers are compared.
        show: the part of the page as HTML, for this one reader.
        is_last: whether nothing will change after this answer, so that nobody need follow any more.
        every: how long the reader waits before it asks again, in seconds.
        stays: whether who follows may still see this, asked every few seconds where login and permissions are not all.

    Raises:
        TooManyFollowersError: this process has enough of them.
    """
    hub = runtime_of(request).part(Live)
    if hub.followers >= MOST_FOLLOWERS:
        raise TooManyFollowersError(retry_after=30)
    return _Stream(request, hub, _Wish((current_tenant(), topic), read, show, is_last, every, stays))


class _Stream(StreamingResponse, Generic[T]):
    """The answer; it takes its place when it begins and gives it back however it ends."""

    def __init__(self, request: Request, hub: Live, wish: _Wish[T]) -> None:
        super().__init__(self._events(), media_type="text/event-stream")
        self.headers["cache-control"] = "no-store"
        self.headers["x-accel-buffering"] = "no"  # nginx would hold events back
        self._request, self._hub, self._wish = request, hub, wish
        self._topic: _Topic[T] | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        scope["state"]["stays_open"] = True
        with self._hub.joined(self._wish.name, self._wish.read, self._wish.every) as self._topic:
            await super().__call__(scope, receive, send)

    async def _events(self) -> AsyncIterator[str]:
        loop = asyncio.get_running_loop()
        until = loop.time() + LONGEST_SECONDS
        seen, beat, asked = 0, loop.time(), loop.time()
        yield "retry: 2000\n\n"
        while self._topic and loop.time() < until and not self._hub.closing.is_set():
            is_due = loop.time() - asked > STAY_SECONDS
            asked = loop.time() if is_due else asked
            if not await _is_still_in(self._request) or (is_due and not await _may_stay(self._wish.stays)):
                yield event("end", "")
                return
            if self._topic.version != seen:
                seen, beat = self._topic.version, loop.time()
                value = cast("T", self._topic.value)
                yield event("part", self._wish.show(value))
                if self._wish.is_last(value):
                    yield event("done", "")
                    return
            elif loop.time() - beat > BEAT_SECONDS:
                beat = loop.time()
                yield ": still here\n\n"
            await _pause(self._hub.closing, LOOK_SECONDS)


def event(name: str, data: str) -> str:
    """Return one event as it goes over the line."""
    lines = "".join(f"data: {line}\n" for line in data.splitlines() or [""])
    return f"event: {name}\n{lines}\n"


async def _pause(unless: asyncio.Event, seconds: float) -> None:
    """Wait, or less if it happens before."""
    try:
        async with asyncio.timeout(seconds):
            await unless.wait()
    except TimeoutError:
        pass


async def _may_stay(stays: Stays | None) -> bool:
    try:
        return stays is None or await stays()
    except Exception as error:  # noqa: BLE001 - nothing new is read either while the database is away
        log.warning("who follows could not be asked for", error=str(error).strip())
        return True


async def _is_still_in(request: Request) -> bool:
    """Whether who asked is still logged in, in the same organization, and may do what they might; out of memory."""
    state: dict[str, Any] = request.scope["state"]
    actor: Actor = state["actor"]
    projection = gate_of(request).projection
    session: Session | None = await projection.session(state["session_token"], runtime_of(request).clock.now())
    if session is None or session.organization_id != actor.organization_id:
        return False
    try:
        return (await projection.actor_of_session(session)).permissions >= actor.permissions
    except UnauthenticatedError:
        return False
