"""What bears on a counter beside its limit: windows that roll, what is carried over, what credits pay for. Pure."""

from datetime import UTC, datetime, timedelta

from tollkeeper.metering.model import CounterKey, Limit, Standing, Terms

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
LONGEST_WINDOW = timedelta(days=366)
WINDOW_STARTS = (EPOCH, EPOCH + LONGEST_WINDOW)
"""Between which moments, the first not included, those lie that stand for a rolling window; nothing happened then."""
# A window never starts anew, so its thresholds are told again once usage has fallen below this part of the lowest:
# far enough that usage about a threshold does not tell of it again and again.
_REARMED_BELOW = 2


def window_start(window: timedelta) -> datetime:
    """Return what stands for a rolling window as the start of its counter's period: each length has its own."""
    return EPOCH + window


def window_of(counter: CounterKey) -> timedelta | None:
    """Return how long a counter's rolling window is; None: it is a fixed period's."""
    start = counter.period_start
    return start - EPOCH if EPOCH < start <= WINDOW_STARTS[1] else None


def boundary(since: datetime | None, window: timedelta, now: datetime) -> datetime:
    """Return until when events have left a window now. It never goes back, whichever machine's clock is behind."""
    left = now - window
    return left if since is None else max(since, left)


def carried(before: Standing, terms: Terms) -> int:
    """Return what a new period gets of the one before: unused of the plan's own quota, at most `rollover`.

    What was carried into that period is used first and lapses with it, so that nothing is carried over twice; what
    credits paid for used nothing of the quota.
    """
    own = max(0, before.used - before.credited - before.carried)
    return min(terms.rollover, max(0, terms.quota - own))


def short_by(before: Standing, after: int, limit: Limit, *, freed: int = 0) -> int:
    """Return how much a hard limit, with what was carried over, lacks for a counter to grow to `after`.

    `freed` of what is reserved is given back by the same request. What is used beyond the limit already, because it
    came down, need not be made up for.
    """
    ceiling = limit.ceiling
    if ceiling is None or after <= before.used:
        return 0
    ceiling += before.carried + before.credited
    lacking = after + before.reserved - freed - ceiling
    return max(0, lacking - max(0, before.used - ceiling)) if lacking > 0 else 0


def measure_of(limit: Limit, standing: Standing) -> int:
    """Return of what thresholds are a share: limit, carried quota and credits; 0 when nothing is limited."""
    return 0 if limit.amount is None else limit.amount + standing.carried + standing.topped


def is_rearmed(standing: Standing, limit: Limit, measure: int) -> bool:
    """Whether a rolling window is empty enough for thresholds to be told again."""
    if standing.since is None or not limit.thresholds:
        return False
    return standing.used * 100 * _REARMED_BELOW < limit.thresholds[0] * measure
