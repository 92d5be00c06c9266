"""The callers: hot and cold customers, hard and soft limits, reservations, repeats, and calls sent again."""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable
from datetime import datetime
from functools import partial
from itertools import count
from typing import Any, NamedTuple

from .history import Call, Fate, What
from .wire import Line

PAUSE_SECONDS = 0.004
HOLD_PAUSE_SECONDS = 0.03
BUNDLE_PAUSE_SECONDS = 0.15
TTL_SECONDS = 2
COLD_CUSTOMERS = 120
SENT_AGAIN = 0.6
"""Share of the calls without an answer that are sent again until there is one; the others are left as they are."""
PATHS = {What.TRACK: "/api/usage/track", What.CHECK: "/api/usage/check", What.HOLD: "/api/usage/reserve"}
HOT = ("hot-one", "hot-two")
COLD = tuple(f"cold-{number:03}" for number in range(COLD_CUSTOMERS))


class Wish(NamedTuple):
    """What a caller wants. `held` is the reservation that is to be closed."""

    what: What
    customer: str
    feature: str
    size: int
    key: str = ""
    held: str = ""


class Load:
    """All callers, until `over` is set. `calls` grows with every call that is answered or given up."""

    def __init__(self, port: int, operator: str, seed: int) -> None:
        """Nobody calls yet."""
        self._port, self._operator = port, operator
        self._random = random.Random(seed)
        self._names = count()
        self.calls: list[Call] = []
        self.over = asyncio.Event()

    async def run(self) -> None:
        """Call until it is over."""
        callers: list[Callable[[Line], Awaitable[None]]] = [self._cold] * 6
        for customer in HOT:
            callers += [partial(self._taking, customer, "bursts", 1)] * 5
            callers += [partial(self._taking, customer, "bytes", 40)] * 2
            callers += [partial(self._taking, customer, "steps", 3)] * 2
            callers += [partial(self._reserving, customer)] * 3
            callers += [partial(self._bundling, customer)]
        lines = [Line(self._port, self._operator) for _ in callers]
        await asyncio.gather(*(caller(line) for caller, line in zip(callers, lines, strict=True)))
        for line in lines:
            await line.close()

    async def _taking(self, customer: str, feature: str, most: int, line: Line) -> None:
        """One hot caller: mostly tracks, some checks, some repeats of what was acknowledged."""
        done: list[Wish] = []
        while not self.over.is_set():
            chance, size = self._random.random(), self._random.randint(1, most)
            if chance < 0.05 and done:
                await self._send(line, self._random.choice(done[-50:]))
            elif chance < 0.12:
                await self._send(line, Wish(What.CHECK, customer, feature, size))
            else:
                wish = self._wish(What.TRACK, customer, feature, size)
                if (await self._insist(line, wish)).fate is Fate.DONE:
                    done.append(wish)
            await asyncio.sleep(PAUSE_SECONDS)

    async def _bundling(self, customer: str, line: Line) -> None:
        """One caller of many at once, some of them repeats; now and then the whole bundle is sent again."""
        done: list[Wish] = []
        while not self.over.is_set():
            wishes = [self._wish(What.TRACK, customer, "bursts", 1) for _ in range(self._random.randint(1, 12))]
            wishes += self._random.sample(done, min(2, len(done)))
            again = self._random.random() < SENT_AGAIN
            while True:
                calls = await self._send_all(line, wishes)
                if not again or self.over.is_set() or calls[0].status == 200:
                    break
                await asyncio.sleep(0.1)
            done = [wish for wish, call in zip(wishes, calls, strict=True) if call.fate is Fate.DONE][-20:]
            await asyncio.sleep(BUNDLE_PAUSE_SECONDS)

    async def _send_all(self, line: Line, wishes: list[Wish]) -> list[Call]:
        items = [
            {"customer": w.customer, "feature": w.feature, "count": w.size, "idempotency_key": w.key} for w in wishes
        ]
        began = time.monotonic()
        calls = [Call(wish.what, wish.customer, wish.feature, wish.size, wish.key, began) for wish in wishes]
        answer = await line.post("/api/usage/track/batch", {"items": items})
        said = answer.body.get("data", [{"code": answer.body.get("code", "")}] * len(calls))
        for call, verdict in zip(calls, said, strict=True):
            if answer.status:
                call.ended = time.monotonic()
            call.code = verdict.get("code") or ""
            call.status = 402 if verdict.get("status") == "refused" else answer.status
        self.calls += calls
        return calls

    async def _cold(self, line: Line) -> None:
        """One caller of many customers that are seldom seen."""
        while not self.over.is_set():
            customer = self._random.choice(COLD)
            wish = self._wish(What.CHECK if self._random.random() < 0.1 else What.TRACK, customer, "drops", 1)
            await self._insist(line, wish)
            await asyncio.sleep(PAUSE_SECONDS)

    async def _reserving(self, customer: str, line: Line) -> None:
        """One caller who sets aside, and settles, gives back, or forgets."""
        while not self.over.is_set():
            if self._random.random() < 0.2:
                await self._insist(line, self._wish(What.TRACK, customer, "work", 1))
            else:
                wish = self._wish(What.HOLD, customer, "work", self._random.randint(1, 8))
                held = await self._insist(line, wish)
                await asyncio.sleep(self._random.random() * HOLD_PAUSE_SECONDS * 2)
                if held.fate is Fate.DONE:
                    await self._close(line, wish._replace(held=held.reservation))
            await asyncio.sleep(PAUSE_SECONDS)

    async def _close(self, line: Line, held: Wish) -> None:
        chance = self._random.random()
        if chance < 0.2:  # forgotten: it expires
            return
        what = What.RELEASE if chance < 0.4 else What.SETTLE
        used = 0 if what is What.RELEASE else self._random.randint(0, held.size + 2)
        call = await self._insist(line, held._replace(what=what, size=used))
        if call.fate is Fate.REFUSED:  # more was used than held, and does not fit: what was held always does
            await self._insist(line, held._replace(what=What.SETTLE))

    def _wish(self, what: What, customer: str, feature: str, size: int) -> Wish:
        key = "" if what is What.CHECK else f"{what}-{next(self._names)}"
        return Wish(what, customer, feature, size, key)

    async def _insist(self, line: Line, wish: Wish) -> Call:
        """Make a call, and mostly send it again when there is no answer or nothing was done."""
        again = self._random.random() < SENT_AGAIN
        tried = 0
        while True:
            call = await self._send(line, wish)
            if call.fate in {Fate.DONE, Fate.REFUSED} or call.status in {404, 409}:
                return call
            tried += 1
            await asyncio.sleep(min(0.02 * tried, 0.25))
            if not again or self.over.is_set():
                return call

    async def _send(self, line: Line, wish: Wish) -> Call:
        body: dict[str, Any] = {"customer": wish.customer}
        if wish.what in PATHS:
            path = PATHS[wish.what]
            body |= {"feature": wish.feature, "count": wish.size}
            body |= {"idempotency_key": wish.key} if wish.key else {}
            body |= {"ttl_seconds": TTL_SECONDS} if wish.what is What.HOLD else {}
        else:
            path = f"{PATHS[What.HOLD]}/{wish.held}/{wish.what}"
            body |= {"count": wish.size} if wish.what is What.SETTLE else {}
        call = Call(wish.what, wish.customer, wish.feature, wish.size, wish.key, time.monotonic())
        answer = await line.post(path, body)
        if answer.status:
            call.ended = time.monotonic()
        _note(call, answer.status, answer.body)
        self.calls.append(call)
        return call


def _note(call: Call, status: int, body: dict[str, Any]) -> None:
    call.status, call.code = status, body.get("code", "")
    if "used" in body:
        call.used, call.remaining = body["used"], body["remaining"]
        call.reset_at = datetime.fromisoformat(body["reset_at"]).timestamp()
    call.allowed = body.get("allowed", True)
    call.reservation = body.get("id", "")
