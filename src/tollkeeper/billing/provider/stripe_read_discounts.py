"""Stripe's discounts read into our words."""

from decimal import Decimal
from typing import Any
from uuid import UUID

from tollkeeper.kit import parse_id

from .model import DiscountState
from .stripe_read_parts import ident, mapping, time

_OURS = "tollkeeper_"

AMOUNT_OFF = "amount_off_"
"""Metadata of a coupon: what it takes off in another currency than its own, which ends the name."""


def discount(bodies: Any, currency: str | None) -> DiscountState | None:
    """Read the first discount of a subscription; None when there is none, or they were not expanded.

    Before clover (2025-09-30) a discount held its coupon itself; a coupon that was not expanded has no name here.
    """
    listed = [mapping(each) for each in bodies or [] if mapping(each)] if isinstance(bodies, list) else []
    if not listed:
        return None
    body = listed[0]
    named = mapping(body.get("source")).get("coupon") or body.get("coupon")
    coupon = mapping(named)
    other = mapping(coupon.get("metadata")).get(f"{AMOUNT_OFF}{currency}", "")
    amount = int(other) if str(other).isdecimal() else coupon.get("amount_off")
    percent = coupon.get("percent_off")
    return DiscountState(
        id=str(body.get("id")),
        name=coupon.get("name") or str(coupon.get("id") or ""),
        code=mapping(body.get("promotion_code")).get("code"),
        percent_off=Decimal(str(percent)) if percent is not None else None,
        amount_off=amount,
        currency=(currency or coupon.get("currency")) if amount is not None else None,
        ends_at=time(body.get("end")),
        coupon_id=_coupon_id(ident(named) or ""),
    )


def coupon_ident(coupon_id: UUID) -> str:
    """Return under which id a coupon of ours stands at the provider."""
    return f"{_OURS}{coupon_id.hex}"


def _coupon_id(at_provider: str) -> UUID | None:
    return parse_id(at_provider.removeprefix(_OURS)) if at_provider.startswith(_OURS) else None
