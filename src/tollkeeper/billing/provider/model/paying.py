"""Subscribing without the hosted page, with a way to pay that is kept already."""

from dataclasses import dataclass
from uuid import UUID

from .values import PriceAtProvider


@dataclass(frozen=True, slots=True)
class SubscribeWish:
    """A subscription to begin now, paid with `method_id`. The same `idempotency_key` begins it once."""

    customer_id: str
    organization_id: UUID
    price: PriceAtProvider
    plan: str
    quantity: int
    method_id: str
    idempotency_key: str
