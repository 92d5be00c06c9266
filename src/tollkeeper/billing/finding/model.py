"""Values of finding."""

from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID


class Kind(StrEnum):
    """What was found."""

    CUSTOMER = "customer"
    SUBSCRIPTION = "subscription"
    INVOICE = "invoice"
    PAYMENT = "payment"
    REFUND = "refund"
    DISPUTE = "dispute"


@dataclass(frozen=True, slots=True)
class Found:
    """A thing of the provider's, ours by `id`. `name` is what people call it, `state` the provider's word or empty."""

    kind: Kind
    id: UUID
    organization_id: UUID
    name: str
    state: str
