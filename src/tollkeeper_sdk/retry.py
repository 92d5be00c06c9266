"""Whether and when a call is tried again."""

import email.utils
import random
import time
from dataclasses import dataclass

import httpx

from .model import document_of

_TRY_AGAIN = frozenset({408, 425, 500, 502, 503, 504})
_CONFLICT = 409
_TOO_MANY = 429
# Nobody knows when work that is under way ends: its caller decides how long to wait.
_AT_ONCE = "too_many_at_once"
# The first call of this key is still running: its answer is replayed once it is done.
_IN_PROGRESS = "idempotency_in_progress"

Outcome = httpx.Response | httpx.RequestError


@dataclass(frozen=True, slots=True)
class Retry:
    """How often a call is tried, and how long is waited between tries (seconds).

    Waiting is a random part of a time that doubles with every try ("full jitter"), so that many clients do not come
    back in step. `Retry-After` counts for more; when it asks for more than `longest_wait`, the call ends there.
    """

    tries: int = 4
    first_wait: float = 0.2
    longest_wait: float = 20.0

    def wait(self, attempt: int, outcome: Outcome) -> float | None:
        """Return how long to wait after try number `attempt` (from 0); None: do not try again."""
        if attempt + 1 >= self.tries or not is_passing(outcome):
            return None
        backoff = random.uniform(0, min(self.longest_wait, self.first_wait * 2**attempt))
        told = retry_after(outcome)
        if told is None:
            return backoff
        return told + random.uniform(0, self.first_wait) if told <= self.longest_wait else None


NO_RETRY = Retry(tries=1)


def is_passing(outcome: Outcome) -> bool:
    """Whether the same call may be answered otherwise in a moment."""
    if isinstance(outcome, httpx.RequestError):
        return True
    if outcome.status_code in {_CONFLICT, _TOO_MANY}:
        code = document_of(outcome.content).get("code")
        return code == _IN_PROGRESS if outcome.status_code == _CONFLICT else code != _AT_ONCE
    return outcome.status_code in _TRY_AGAIN


def retry_after(outcome: Outcome) -> float | None:
    """The seconds an answer asks to wait, told as a number or as a date; None: it does not ask."""
    told = outcome.headers.get("Retry-After", "") if isinstance(outcome, httpx.Response) else ""
    if told.isdecimal():
        return float(told)
    try:
        return max(0.0, email.utils.parsedate_to_datetime(told).timestamp() - time.time())
    except (ValueError, OverflowError):  # no date, or one that is in no calendar
        return None
