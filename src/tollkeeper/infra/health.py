"""The last word on what is far away, for pages: asked for anew when it is not fresh any more, once at a time."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from contextvars import Context
from typing import Any, Generic, TypeVar

import structlog

log = structlog.get_logger(__name__)

FRESH_SECONDS = 5.0
PATIENCE_SECONDS = 0.5

T = TypeVar("T")


class Remembered(Generic[T]):
    """An answer that is remembered for a moment: what it asks is far away, and pages are looked at often.

    A page gets what was found last, at once, and has it found anew when it is older than it may be. Only who comes
    first waits, and not for long.
    """

    def __init__(self, ask: Callable[[], Awaitable[T]], fresh_seconds: float | None = None) -> None:
        """`ask` finds the answer; nothing is asked yet. `fresh_seconds` None: FRESH_SECONDS."""
        self._ask = ask
        self._fresh = fresh_seconds
        self._found: T | None = None
        self._at = 0.0
        self._asking: asyncio.Task[None] | None = None

    async def report(self) -> T | None:
        """Return the last answer; None: there is none yet, and the first takes its time."""
        fresh = FRESH_SECONDS if self._fresh is None else self._fresh
        if self._asking is None and time.monotonic() - self._at > fresh:
            # It is nobody's: what is seen with whose rows alone must not be remembered for others.
            self._asking = asyncio.create_task(self._renew(), context=Context())
        if self._found is None and self._asking is not None:
            await asyncio.wait({self._asking}, timeout=PATIENCE_SECONDS)
        return self._found

    async def anew(self) -> T | None:
        """Ask now, whatever is remembered, and return the answer; the last one when there is no new one."""
        await self._renew()
        return self._found

    async def _renew(self) -> None:
        try:
            self._found = await self._ask()
        except Exception as error:  # noqa: BLE001 - what was found last holds on, and it is asked again
            log.warning("no new answer for the pages", error=str(error).strip())
        finally:
            self._at, self._asking = time.monotonic(), None


class Health(Remembered[Mapping[str, Any]]):
    """What `/health` says."""
