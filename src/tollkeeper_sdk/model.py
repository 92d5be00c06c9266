"""What the server answers, as values, and what it refuses, as exceptions."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

QUOTA_EXCEEDED = 402
RATE_LIMITED = 429
UNAVAILABLE = 503


@dataclass(frozen=True, slots=True)
class Balance:
    """Where a feature stands in its current period. `limit` and `remaining` None: unlimited."""

    feature: str
    used: int
    limit: int | None
    remaining: int | None
    reset_at: datetime


@dataclass(frozen=True, slots=True)
class Offer:
    """A plan that would allow more. `amount` is in minor units of `currency`; None for plans by contract."""

    plan: str
    name: str
    limit: int | None
    amount: int | None
    currency: str | None
    url: str


@dataclass(frozen=True, slots=True)
class Check:
    """Whether something may be used now. `upgrade` None: it may, or no plan allows more."""

    allowed: bool
    balance: Balance
    upgrade: Offer | None


class ApiError(Exception):
    """The server refused a call. `problem` is its problem document, empty when it sent none."""

    def __init__(self, status: int, problem: dict[str, Any]) -> None:
        self.status = status
        self.problem = problem
        self.code: str = problem.get("code", "unknown")
        self.detail: str = problem.get("detail") or problem.get("title") or f"The server answered {status}."
        self.request_id: str | None = problem.get("request_id")
        super().__init__(f"{self.code}: {self.detail}")


class QuotaExceeded(ApiError):  # noqa: N818 - a refusal that callers expect, not an error of theirs
    """A hard limit would be passed; nothing was recorded."""

    @property
    def upgrade(self) -> Offer | None:
        """The plan that would allow more; None when there is none."""
        return read_offer(self.problem.get("upgrade"))


class RateLimited(ApiError):  # noqa: N818 - as QuotaExceeded
    """Too many calls a minute, also after waiting as told."""


class Unavailable(ApiError):  # noqa: N818 - as QuotaExceeded
    """The server could not be reached, or could not do its work, in all tries. `status` 0: it was not reached."""


def read_balance(document: dict[str, Any]) -> Balance:
    """Read a balance from an answer."""
    return Balance(
        document["feature"],
        document["used"],
        document["limit"],
        document["remaining"],
        datetime.fromisoformat(document["reset_at"]),
    )


def read_offer(document: dict[str, Any] | None) -> Offer | None:
    """Read an offer from an answer; None stays None."""
    if document is None:
        return None
    price = document.get("price") or {}
    return Offer(
        document["plan"],
        document["name"],
        document["limit"],
        price.get("amount"),
        price.get("currency"),
        document["url"],
    )


def read_check(document: dict[str, Any]) -> Check:
    """Read the answer of a check."""
    return Check(document["allowed"], read_balance(document), read_offer(document.get("upgrade")))


def error_of(status: int, problem: dict[str, Any]) -> ApiError:
    """Return the exception for a refused call."""
    kinds = {QUOTA_EXCEEDED: QuotaExceeded, RATE_LIMITED: RateLimited, UNAVAILABLE: Unavailable}
    return kinds.get(status, ApiError)(status, problem)
