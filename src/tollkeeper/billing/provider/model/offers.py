"""Coupons, promotion codes, discounts and trials at the payment provider, in our own words."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from tollkeeper.catalog import CodeTerms, CouponTerms


@dataclass(frozen=True, slots=True)
class CouponOffer:
    """A coupon as the provider must know it; `id` is ours. `products` are the provider's ids of the plans it is for,
    empty for all.
    """

    id: UUID
    name: str
    terms: CouponTerms
    products: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class CodeOffer:
    """A promotion code as the provider must know it; `id` and `coupon_id` are ours."""

    id: UUID
    code: str
    coupon_id: UUID
    terms: CodeTerms


@dataclass(frozen=True, slots=True)
class DiscountState:
    """What lowers a subscription's invoices, as the provider has it now.

    One of `percent_off` and `amount_off` (minor units of `currency`) is there. `code` None: it was given without one.
    `ends_at` None: with the next invoice when it is for one, else never. `id` is the provider's; `coupon_id` is ours,
    None: the coupon is none of ours.
    """

    id: str
    name: str
    code: str | None = None
    percent_off: Decimal | None = None
    amount_off: int | None = None
    currency: str | None = None
    ends_at: datetime | None = None
    coupon_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class TrialOffer:
    """A trial that a purchase begins with. Without a card, where that is allowed, it ends or `pauses` afterwards."""

    days: int
    needs_card: bool
    pauses: bool


@dataclass(frozen=True, slots=True)
class CheckoutTerms:
    """What a purchase gets beside its price. `code` is the provider's id of a promotion code; `asks_for_code`: the
    page has a field for one.
    """

    code: str | None = None
    asks_for_code: bool = False
    trial: TrialOffer | None = None

    def __str__(self) -> str:
        """Return the same words for the same terms; kept on the page, to know it again."""
        trial = self.trial
        told = f"{trial.days} {trial.needs_card} {trial.pauses}" if trial else "none"
        return f"code {self.code or ('asked' if self.asks_for_code else 'none')}, trial {told}"
