"""What makes a plan cheaper or free for a while: coupons, the codes that lead to them, trials. Values."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from uuid import UUID

from tollkeeper.kit import FieldProblem, InvalidInputError


class Duration(StrEnum):
    """Which invoices a coupon lowers: the next one, all of them, or those of its first months."""

    ONCE = "once"
    FOREVER = "forever"
    REPEATING = "repeating"


@dataclass(frozen=True, slots=True)
class CouponTerms:
    """What a coupon takes off. Never changes: other terms are another coupon, and those who have the old one keep it.

    One of `percent_off` (above 0, at most 100, two decimals) and `amounts_off` (minor units by currency) is there.
    `months` is set for repeating ones only. `plans` empty: for every plan. `max_redemptions` and `redeem_by` None: no
    bound.
    """

    percent_off: Decimal | None = None
    amounts_off: Mapping[str, int] = field(default_factory=dict)
    duration: Duration = Duration.ONCE
    months: int | None = None
    plans: tuple[str, ...] = ()
    max_redemptions: int | None = None
    redeem_by: datetime | None = None


@dataclass(frozen=True, slots=True)
class Coupon:
    """A coupon of the catalogue. `archived_at` set: nobody can redeem it any more."""

    id: UUID
    key: str
    name: str
    terms: CouponTerms
    archived_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class CodeTerms:
    """When a promotion code may be used. None and empty: no such bound.

    `minimum` is the least price, in minor units by currency, that it may be used for.
    """

    max_redemptions: int | None = None
    expires_at: datetime | None = None
    first_time_only: bool = False
    minimum: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class PromotionCode:
    """What a customer types in; `code` is unique regardless of case among those not archived. Never changes."""

    id: UUID
    code: str
    coupon: Coupon
    terms: CodeTerms
    archived_at: datetime | None = None


class TrialEnd(StrEnum):
    """What becomes of a subscription whose trial ends and that has no way to be paid."""

    CANCEL = "cancel"
    PAUSE = "pause"


@dataclass(frozen=True, slots=True)
class Trial:
    """So many days a new customer has the plan for nothing, once. Without a card only where none is `needs_card`."""

    days: int
    needs_card: bool = True
    without_card: TrialEnd = TrialEnd.CANCEL

    def __str__(self) -> str:
        if self.needs_card:
            return f"{self.days} days free, card needed"
        then = {"cancel": "ends", "pause": "rests"}[self.without_card]
        return f"{self.days} days free, no card needed; without one it {then}"


class PromotionCodeError(InvalidInputError):
    """The promotion code does not exist, has expired, was used up, or is not for this purchase."""

    code = "promotion_code_invalid"
    title = "This promotion code cannot be used"
    hint = "Check the code's spelling and what it is for, or go on without it. Nothing was charged."

    def __init__(self, message: str) -> None:
        """Say in `message` what is wrong with the code the customer typed."""
        super().__init__([FieldProblem("promotion_code", message)])
