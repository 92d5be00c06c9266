"""How a discount is kept: the share as text, moments as RFC 3339, so that JSON loses nothing."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from tollkeeper.billing.provider import DiscountState


def discount_to_json(discount: DiscountState | None) -> dict[str, Any] | None:
    """Return a discount as the JSON value it is kept as."""
    if discount is None:
        return None
    return {
        "id": discount.id,
        "name": discount.name,
        "code": discount.code,
        "percent_off": None if discount.percent_off is None else str(discount.percent_off),
        "amount_off": discount.amount_off,
        "currency": discount.currency,
        "ends_at": discount.ends_at.isoformat() if discount.ends_at else None,
        "coupon_id": str(discount.coupon_id) if discount.coupon_id else None,
    }


def discount_from_json(value: Mapping[str, Any] | None) -> DiscountState | None:
    """Return the discount that was kept as this JSON value."""
    if value is None:
        return None
    percent, ends, coupon = value["percent_off"], value["ends_at"], value.get("coupon_id")
    exact = {
        "percent_off": None if percent is None else Decimal(percent),
        "ends_at": datetime.fromisoformat(ends) if ends else None,
        "coupon_id": UUID(coupon) if coupon else None,
    }
    return DiscountState(**{**value, **exact})
