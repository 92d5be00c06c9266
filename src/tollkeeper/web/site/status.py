"""The status page: what health says, in the words of those who use it rather than of those who run it."""

import asyncio
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Any

import structlog
from fastapi import APIRouter, Request
from starlette.responses import Response

from tollkeeper.infra import Health, Observation, Remembered, Runtime, RuntimeDep, UptimeSpan, note_states, spans_since
from tollkeeper.web.ui import page

from .history import DAYS, incidents_of, lasted, past_of, share
from .markdown import Text, rendered

router = APIRouter(include_in_schema=False)
log = structlog.get_logger(__name__)

LOOK_SECONDS = 60.0
HISTORY_SECONDS = 30.0
_MOST_KEPT = 24 * 60
"""Looks that wait for the database to be back: those of a day."""


class State(StrEnum):
    """How a part of the service is, from best to worst."""

    WORKS = "works"
    UNKNOWN = "unknown"
    SLOW = "slow"
    DOWN = "down"


@dataclass(frozen=True, slots=True)
class Part:
    """One thing the service does for its customers. `words` say what its state means for them; `key` names it."""

    key: str
    title: str
    words: str
    state: State


@dataclass(frozen=True, slots=True)
class _Promise:
    """What is shown of some checks: what works, and what is the matter when one of them fails."""

    key: str
    title: str
    checks: frozenset[str]
    works: str
    fails: str
    worst: State = State.SLOW


_PROMISES = (
    _Promise(
        "pages",
        "Logging in and these pages",
        frozenset({"database"}),
        "Accounts, sessions and API keys are checked.",
        "Nobody can log in, and calls are refused until it is back.",
        State.DOWN,
    ),
    _Promise(
        "metering",
        "Metering and limits",
        frozenset({"database", "gate", "redis"}),
        "Calls are counted and limits hold.",
        "Calls are counted and limits hold; changes of plans and keys may take longer to be noticed.",
    ),
    _Promise(
        "history",
        "History of usage",
        frozenset({"usage", "clickhouse"}),
        "Charts and exports are up to date.",
        "What was used is recorded, and shown later than usual.",
    ),
    _Promise(
        "payments",
        "Payments",
        frozenset({"provider"}),
        "Purchases and changes of plan go through.",
        "Purchases and changes of plan may not go through. Plans that were bought stay as they are.",
    ),
    _Promise(
        "mails",
        "Mails and background work",
        frozenset({"jobs"}),
        "Mails go out, messages of the payment provider are worked off.",
        "Mails and changes by payments come later than usual. Nothing is lost.",
    ),
)
_TITLES = {
    State.WORKS: "Everything works",
    State.UNKNOWN: "Being looked at",
    State.SLOW: "Something is not as it should be",
    State.DOWN: "The service is down",
}


@router.get("/status")
async def status_page(request: Request, runtime: RuntimeDep) -> Response:
    """Show how the service is now, and what the operator wrote about disturbances."""
    health: Health | None = runtime.parts.get(Health)
    report = await health.report() if health else None
    parts = parts_of(report["checks"] if report else None)
    worst = max((part.state for part in parts), key=list(State).index)
    spans = await _history_of(runtime).report()
    return page(
        request,
        "site/status.html",
        parts=parts,
        worst=worst,
        title=_TITLES[worst],
        written=_incidents(runtime),
        days=DAYS,
        lasted=lasted,
        share=share,
        **_shown(runtime, spans or ()),
    )


def _shown(runtime: Runtime, spans: Sequence[UptimeSpan]) -> dict[str, Any]:
    """Return what the page shows of the past; nothing where nobody looked yet."""
    now = runtime.clock.now()
    pasts = {each.key: past_of([span for span in spans if span.part == each.key], now) for each in _PROMISES}
    return {
        "pasts": pasts if spans else {},
        "watched_since": min((span.since for span in spans), default=None),
        "disturbances": incidents_of(spans),
        "titles": {each.key: each.title for each in _PROMISES},
    }


class StatusHistory(Remembered[Sequence[UptimeSpan]]):
    """How the parts of the service were, remembered for a moment."""


def _history_of(runtime: Runtime) -> StatusHistory:
    if StatusHistory not in runtime.parts:

        async def ask() -> Sequence[UptimeSpan]:
            async with runtime.transaction(of_all=True) as tx:
                return await spans_since(tx, tx.now - timedelta(days=DAYS))

        runtime.provide(StatusHistory, StatusHistory(ask, HISTORY_SECONDS))
    return runtime.part(StatusHistory)


async def watch_status(runtime: Runtime) -> None:
    """Look every minute how the service is and write it down, until cancelled. Any number of processes may.

    What was seen while the database was away is written down when it is back.
    """
    waiting: deque[Observation] = deque(maxlen=_MOST_KEPT)
    while True:
        await asyncio.sleep(LOOK_SECONDS)  # first, too: what has just begun is not all there yet
        await look(runtime, waiting)


async def look(runtime: Runtime, waiting: deque[Observation]) -> None:
    """Look once, and write down what waits."""
    report = await runtime.part(Health).anew()
    if report is None:
        return
    states = {part.key: part.state.value for part in parts_of(report["checks"])}
    waiting.append(Observation(runtime.clock.now(), states))
    try:
        async with runtime.transaction(of_all=True) as tx:
            written = await note_states(tx, waiting)
    except Exception as error:  # noqa: BLE001 - the database may be what is wrong; it is tried again with the next look
        log.warning("how the service is could not be written down", error=str(error).strip())
    else:
        if written:
            waiting.clear()


def parts_of(checks: Mapping[str, Any] | None) -> list[Part]:
    """Return what works and what does not by the checks of the health report; None: nothing is known yet."""
    if checks is None:
        words = "Not known yet: look again in a moment."
        return [Part(each.key, each.title, words, State.UNKNOWN) for each in _PROMISES]
    failing = {name for name, check in checks.items() if check["status"] != "ok"}
    down = bool(failing & _PROMISES[0].checks)
    found = []
    for each in _PROMISES:
        wrong = bool(failing & each.checks)
        state = State.DOWN if down and wrong else each.worst if wrong else State.WORKS
        found.append(Part(each.key, each.title, each.fails if wrong else each.works, state))
    return found


def _incidents(runtime: Runtime) -> Text | None:
    """Return what the operator keeps in `incidents.md`; None: nothing was written."""
    folder = runtime.settings.texts
    path = folder / "incidents.md" if folder else None
    return rendered(path.read_text()) if path is not None and path.is_file() else None
