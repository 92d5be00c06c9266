"""Amounts, and what lowers them, as the addresses of billing show them."""

from datetime import datetime
from typing import Self

from pydantic import BaseModel

from tollkeeper.billing.provider import DiscountState
from tollkeeper.kit import Money


class MoneyOut(BaseModel):
    """An exact amount in minor units of a currency."""

    amount: int
    currency: str

    @classmethod
    def of(cls, money: Money) -> Self:
        """Show an amount."""
        return cls(amount=money.amount, currency=money.currency)


class RunningDiscountOut(BaseModel):
    """What lowers the invoices: one of `percent_off` and `amount_off`. `ends_at` null: see the coupon's duration."""

    code: str | None
    name: str
    percent_off: float | None
    amount_off: MoneyOut | None
    ends_at: datetime | None

    @classmethod
    def of(cls, found: DiscountState) -> Self:
        """Show a discount."""
        money = (
            MoneyOut(amount=found.amount_off, currency=found.currency) if found.amount_off and found.currency else None
        )
        percent = float(found.percent_off) if found.percent_off is not None else None
        return cls(code=found.code, name=found.name, percent_off=percent, amount_off=money, ends_at=found.ends_at)
