"""The history on the status page: bars, shares and disturbances, honest about what nobody saw."""

import re
from collections import deque
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from tollkeeper.infra import Health, Observation, Runtime, UptimeSpan, note_states
from tollkeeper.kit import FixedClock
from tollkeeper.web.site.history import DAYS, incidents_of, lasted, past_of, share
from tollkeeper.web.site.status import StatusHistory, look

from .conftest import Browser

NOW = datetime(2026, 3, 10, 12, tzinfo=UTC)
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


def span(state: str, since: datetime, length: timedelta, part: str = "pages") -> UptimeSpan:
    return UptimeSpan(uuid4(), part, state, since, since + length)


def test_a_day_is_as_bad_as_its_worst_moment_and_days_nobody_saw_are_told_apart() -> None:
    night = NOW.replace(hour=23)
    past = past_of(
        [
            span("works", NOW - 100 * DAY, 5 * DAY),
            span("works", night - 3 * DAY, 30 * MINUTE),
            span("down", night - 3 * DAY + 30 * MINUTE, HOUR),
            span("works", night - 3 * DAY + 90 * MINUTE, 30 * MINUTE),
            span("slow", NOW - HOUR, 15 * MINUTE),
        ],
        NOW,
    )
    assert [(each.at, each.state, each.disturbed) for each in past.days if each.state] == [
        (datetime(2026, 3, 7, tzinfo=UTC), "down", 30 * MINUTE),
        (datetime(2026, 3, 8, tzinfo=UTC), "down", 30 * MINUTE),
        (datetime(2026, 3, 10, tzinfo=UTC), "slow", 15 * MINUTE),
    ]
    assert (len(past.days), past.days[-1].at) == (DAYS, NOW.replace(hour=0))
    assert past.share == pytest.approx(1 - 75 / 135)
    assert past_of([], NOW).share is None
    assert past_of([span("works", NOW, timedelta())], NOW).share is None


def test_what_follows_at_once_is_the_same_disturbance() -> None:
    found = incidents_of(
        [
            span("slow", NOW - 9 * HOUR, HOUR),
            span("down", NOW - 8 * HOUR, HOUR),
            span("works", NOW - 7 * HOUR, HOUR),
            span("slow", NOW - 6 * HOUR, MINUTE, "mails"),
            span("slow", NOW - 5 * HOUR, MINUTE, "mails"),
            span("down", NOW - HOUR, HOUR),
        ]
    )
    assert [(each.part, each.state, each.until - each.since, each.is_over) for each in found] == [
        ("pages", "down", HOUR, False),
        ("mails", "slow", MINUTE, False),
        ("mails", "slow", MINUTE, True),
        ("pages", "down", 2 * HOUR, True),
    ]


@pytest.mark.parametrize(
    ("length", "words"),
    [
        (timedelta(), "less than a minute"),
        (MINUTE, "1 minute"),
        (59 * MINUTE, "59 minutes"),
        (2 * HOUR, "2 h"),
        (2 * HOUR + 5 * MINUTE, "2 h 5 min"),
        (3 * DAY, "3 days"),
    ],
)
def test_how_long_it_took_is_said_for_people(length: timedelta, words: str) -> None:
    assert lasted(length) == words


def test_a_share_is_never_rounded_up_to_the_whole() -> None:
    assert [share(each) for each in (1, 0.999999, 0.5)] == ["100 %", "99.99 %", "50.00 %"]


async def shown(browser: Browser, runtime: Runtime) -> str:
    runtime.parts.pop(StatusHistory, None)  # as after half a minute
    answer = await browser.get("/status")
    assert answer.status_code == 200
    return answer.text


async def test_a_new_server_says_that_it_has_no_history(browser: Browser, runtime: Runtime) -> None:
    page = await shown(browser, runtime)
    assert "There is no history yet." in page
    assert "<rect class" not in page
    assert "None has been written down." in page


async def test_the_page_shows_each_day_and_each_disturbance(
    browser: Browser, runtime: Runtime, clock: FixedClock
) -> None:
    clock.advance(timedelta(hours=1))
    for state in ("works", *["slow"] * 12, "works"):
        async with runtime.transaction(of_all=True) as tx:
            parts = dict.fromkeys(("pages", "metering", "history", "mails"), "works")
            await note_states(tx, [Observation(tx.now, {**parts, "payments": state})])
        clock.advance(MINUTE)
    page = await shown(browser, runtime)
    assert len(re.findall("<rect class", page)) == 5 * DAYS
    assert page.count("undisturbed</title>") == 4
    assert page.count("disturbed, 12 minutes</title>") == 1
    assert "7.69 % undisturbed" in page
    assert page.count("100 % undisturbed") == 4
    assert page.count("No disturbance was seen in the last 90 days.") == 4
    assert re.search(r"Disturbed in the last 90 days on \d+ \w{3} \d{4} for 12 minutes\.", page)
    assert re.search(r"Disturbed</span>.*?Payments</span>.*?· 12 minutes<", page, re.DOTALL)


async def test_a_look_is_written_down_when_the_database_is_back(
    browser: Browser, runtime: Runtime, clock: FixedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    waiting: deque[Observation] = deque(maxlen=10)
    health = {"database": {"status": "ok"}}

    async def report() -> dict[str, object]:
        return {"checks": health}

    runtime.provide(Health, Health(report))
    await look(runtime, waiting)
    assert not waiting
    engine = runtime.database.engine
    health["database"] = {"status": "failing"}

    def gone() -> None:
        raise OSError("no way there")

    with monkeypatch.context() as away:
        away.setattr(type(engine), "connect", lambda _: gone())
        for _ in range(3):
            clock.advance(MINUTE)
            await look(runtime, waiting)
    assert len(waiting) == 3
    health["database"] = {"status": "ok"}
    clock.advance(MINUTE)
    await look(runtime, waiting)
    assert not waiting
    page = await shown(browser, runtime)
    assert page.count("down, 3 minutes</title>") == 2, "the pages and metering need it"
