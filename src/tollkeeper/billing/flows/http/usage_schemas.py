"""Usage beyond limits as the addresses of billing show it."""

from typing import Self

from pydantic import BaseModel

from tollkeeper.billing.overage import SoFar

from .amounts import MoneyOut


class UsageSoFarOut(BaseModel):
    """What one feature's usage beyond its limit costs at the end of the period, as it stands now."""

    feature: str
    description: str
    quantity: int
    amount: MoneyOut

    @classmethod
    def of(cls, found: SoFar) -> Self:
        """Show it."""
        money = MoneyOut.of(found.money)
        return cls(feature=found.feature, description=found.description, quantity=found.quantity, amount=money)
