"""Which customer of the provider an organization is."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from tollkeeper.billing.provider import PaymentMethod
from tollkeeper.kit import ConflictError, Money


@dataclass(frozen=True, slots=True)
class Customer:
    """An organization at the provider. `balance` is negative when it has credit; None before the first invoice.

    `deleted_at` set: the provider has forgotten the customer; the organization gets a new one with its next purchase.
    """

    id: UUID
    organization_id: UUID
    provider_id: str
    email: str | None
    balance: Money | None
    payment_method: PaymentMethod | None
    deleted_at: datetime | None


class NoCustomerError(ConflictError):
    """The organization never bought anything, so there is nothing to manage."""

    code = "no_customer"
    title = "Nothing was bought yet"
    hint = "Buy a plan first: POST /api/stripe/create-checkout."
