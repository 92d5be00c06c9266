"""Stripe's discounts read into our words."""

from decimal import Decimal
from typing import Any

from .model import DiscountState
from .stripe_read_parts import mapping, time

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
    coupon = mapping(mapping(body.get("source")).get("coupon") or body.get("coupon"))
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
    )
