"""Where time may be moved, and how spans of it are written. What happens on the way is told in the stories."""

from datetime import timedelta

import pytest
import typer

from tollkeeper.cli.clock import duration
from tollkeeper.infra import Runtime
from tollkeeper.infra.settings import Environment
from tollkeeper.kit import MovableClock
from tollkeeper.wiring import ClockFixedError, TimeMachine, TwinClockError

NOBODY = "http://127.0.0.1:9"


def settings(runtime: Runtime, **changes: object) -> None:
    runtime.settings = runtime.settings.model_copy(update={"stripe_api_base": NOBODY, **changes})


def test_time_is_never_moved_in_production(runtime: Runtime) -> None:
    runtime.clock = MovableClock()
    settings(runtime, env=Environment.PRODUCTION)
    with pytest.raises(ClockFixedError):
        TimeMachine(runtime)


def test_time_is_not_moved_beside_a_real_provider(runtime: Runtime) -> None:
    runtime.clock = MovableClock()
    settings(runtime, stripe_api_base=None)
    with pytest.raises(ClockFixedError):
        TimeMachine(runtime)


async def test_our_clock_stays_when_the_twins_cannot_be_moved(runtime: Runtime) -> None:
    runtime.clock = clock = MovableClock()
    settings(runtime)
    with pytest.raises(TwinClockError):
        await anext(TimeMachine(runtime).advance(timedelta(days=1)))
    assert clock.offset == timedelta()


@pytest.mark.parametrize(
    ("text", "span"),
    [("31d", timedelta(days=31)), ("1d12h", timedelta(hours=36)), ("90s", timedelta(seconds=90))],
)
def test_spans_of_time(text: str, span: timedelta) -> None:
    assert duration(text) == span


@pytest.mark.parametrize("text", ["", "31", "d", "-1d", "1 d", "0d", "9999w", "1dd", "1y"])
def test_what_is_no_span_is_refused(text: str) -> None:
    with pytest.raises(typer.BadParameter):
        duration(text)
