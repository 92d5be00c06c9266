"""Everything at the provider, page by page: for comparing with the mirror, taking over, and catching up."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Generic, Protocol, TypeVar
from uuid import UUID

from tollkeeper.infra import Runtime
from tollkeeper.kit import Money
from tollkeeper.rating import Interval

from .model import (
    ChargeState,
    CreditNoteState,
    CustomerState,
    DisputeState,
    InvoiceState,
    ProviderUnavailableError,
    RefundState,
    SubscriptionState,
)

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Listed(Generic[T]):
    """One page, newest first. `last` is where the next one begins; None: there is no more."""

    items: Sequence[T]
    last: str | None


@dataclass(frozen=True, slots=True)
class NamedCustomer:
    """A customer with the name it bears at the provider; empty when it has none."""

    state: CustomerState
    name: str


@dataclass(frozen=True, slots=True)
class OwnedCharge:
    """An attempt to collect a payment with the customer who made it; empty when it was nobody we could know."""

    state: ChargeState
    customer_id: str


@dataclass(frozen=True, slots=True)
class SoldPrice:
    """A price as it stands at the provider. `price_id` is ours as written on it; `interval` None: sold once."""

    provider_id: str
    price_id: UUID | None
    money: Money | None
    interval: Interval | None


class ProviderLists(Protocol):
    """The whole account, a page at a time; `after` None begins. Every call may raise as those of PaymentProvider."""

    async def customers(self, after: str | None) -> Listed[NamedCustomer]:
        """Return a page of customers; deleted ones are not among them."""
        ...

    async def subscriptions(self, after: str | None) -> Listed[SubscriptionState]:
        """Return a page of subscriptions, ended ones too."""
        ...

    async def invoices(self, after: str | None) -> Listed[InvoiceState]:
        """Return a page of invoices."""
        ...

    async def credit_notes(self, after: str | None) -> Listed[CreditNoteState]:
        """Return a page of credit notes."""
        ...

    async def payments(self, after: str | None) -> Listed[OwnedCharge]:
        """Return a page of attempts to collect payments; which invoices they paid is not told here."""
        ...

    async def refunds(self, after: str | None) -> Listed[RefundState]:
        """Return a page of refunds."""
        ...

    async def disputes(self, after: str | None) -> Listed[DisputeState]:
        """Return a page of disputes."""
        ...

    async def prices(self, after: str | None) -> Listed[SoldPrice]:
        """Return a page of prices."""
        ...

    async def events_since(self, moment: datetime) -> Sequence[bytes]:
        """Return what would have been sent to us since then, oldest first, as it would have been sent."""
        ...

    async def adopt_customer(self, customer_id: str, organization_id: UUID) -> None:
        """Write on the customer which organization it is."""
        ...

    async def adopt_price(self, provider_price: str, price_id: UUID) -> None:
        """Write on the price which of ours it is."""
        ...

    async def close(self) -> None:
        """Let go of connections."""
        ...


def lists_of(runtime: Runtime) -> ProviderLists:
    """Return where this process sees everything at the provider.

    Raises:
        ProviderUnavailableError: no provider is set up.
    """
    found: ProviderLists | None = runtime.parts.get(ProviderLists)
    if found is None:
        raise ProviderUnavailableError("No payment provider is set up.")
    return found
