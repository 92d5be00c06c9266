"""What the addresses of ways to pay answer."""

from typing import Self

from pydantic import BaseModel

from tollkeeper.billing.provider import SavedMethod


class PaymentMethodOut(BaseModel):
    """What may be shown of a way to pay."""

    kind: str
    brand: str | None
    last4: str | None
    exp_month: int | None
    exp_year: int | None


class SavedMethodOut(PaymentMethodOut):
    """A way to pay that is kept; `id` is the provider's."""

    id: str
    is_default: bool

    @classmethod
    def of(cls, found: SavedMethod) -> Self:
        """Show a way to pay."""
        shown = PaymentMethodOut.model_validate(found.method, from_attributes=True)
        return cls(**shown.model_dump(), id=found.id, is_default=found.is_default)


class SavedMethodsOut(BaseModel):
    """Ways to pay, the default one first."""

    data: list[SavedMethodOut]
