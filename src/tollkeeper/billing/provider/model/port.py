"""What can be asked of the payment provider, in our own words."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol
from uuid import UUID

from .port_extra import ExtrasAtProvider
from .port_invoices import InvoicesAtProvider
from .port_offers import OffersAtProvider
from .port_paying import PayingProvider
from .port_payments import (
    PaymentsAtProvider,
)
from .values import (
    CancelAt,
    CheckoutState,
    CheckoutWish,
    CustomerState,
    PlanOffer,
    Preview,
    PriceOffer,
    ProviderEvent,
    SavedMethod,
    SubscriptionState,
    Target,
)


class PaymentProvider(
    PaymentsAtProvider, PayingProvider, InvoicesAtProvider, ExtrasAtProvider, OffersAtProvider, Protocol
):
    """Who collects the money. Every call may raise the errors below; no call changes our database."""

    @property
    def account(self) -> str:
        """Which account this is, in a word that differs between test, live and imitation; for our own records."""
        ...

    @property
    def livemode(self) -> bool:
        """Whether real money moves."""
        ...

    async def close(self) -> None:
        """Let go of connections."""
        ...

    async def ping(self) -> None:
        """Raise unless the provider answers and accepts our credentials."""
        ...

    def read_event(self, body: bytes) -> ProviderEvent:
        """Read a verified message; raises UnreadableEventError when it is not one."""
        ...

    async def save_plan(self, offer: PlanOffer) -> str:
        """Create the plan or make it equal; returns the provider's id."""
        ...

    async def save_price(self, offer: PriceOffer, product_id: str) -> str:
        """Create the price or find the one made before, put it on or off sale; returns the provider's id."""
        ...

    async def create_customer(
        self, organization_id: UUID, *, name: str, email: str | None, idempotency_key: str
    ) -> CustomerState:
        """Create the organization's customer; the same key returns the same customer."""
        ...

    async def fetch_customer(self, customer_id: str) -> CustomerState | None:
        """Return the customer; None when there is none of this id. A deleted one is returned as deleted."""
        ...

    async def fetch_subscription(self, subscription_id: str) -> SubscriptionState | None:
        """Return the subscription with its latest invoice and customer; None when there is none of this id."""
        ...

    async def list_subscriptions(self, customer_id: str) -> Sequence[SubscriptionState] | None:
        """Return every subscription of the customer, ended ones too; None when there is no such customer."""
        ...

    async def fetch_checkout(self, checkout_id: str) -> CheckoutState | None:
        """Return the checkout; None when there is none of this id."""
        ...

    async def list_open_checkouts(self, customer_id: str) -> Sequence[CheckoutState]:
        """Return the checkout pages the customer could still pay on."""
        ...

    async def open_checkout(self, wish: CheckoutWish) -> CheckoutState:
        """Make a hosted checkout page."""
        ...

    async def close_checkout(self, checkout_id: str) -> CheckoutState:
        """Make sure nobody can pay on this page any more; returns what it ended as, which may be `complete`."""
        ...

    async def open_portal(self, customer_id: str, return_url: str) -> str:
        """Return the address of a self-service page for this customer."""
        ...

    async def list_payment_methods(self, customer_id: str) -> Sequence[SavedMethod]:
        """Return every way to pay that is kept for the customer, the default one first."""
        ...

    async def open_setup(self, customer_id: str, *, currency: str, success_url: str, cancel_url: str) -> str:
        """Return the address of a hosted page on which the customer adds a way to pay; nothing is charged."""
        ...

    async def make_default(self, customer_id: str, method_id: str, subscription_ids: Sequence[str]) -> None:
        """Have this way to pay used from now on, by these subscriptions too."""
        ...

    async def remove_payment_method(self, method_id: str) -> None:
        """Forget a way to pay."""
        ...

    async def cancel_subscription(self, subscription_id: str, at: CancelAt) -> None:
        """End the subscription now, or when its period ends."""
        ...

    async def resume_subscription(self, subscription_id: str) -> None:
        """Take back a cancellation that has not happened yet."""
        ...

    async def change_subscription(
        self, subscription: SubscriptionState, target: Target, *, at: datetime, idempotency_key: str
    ) -> None:
        """Make the subscription the target at once, charging or crediting the difference as of `at`."""
        ...

    async def schedule_change(self, subscription: SubscriptionState, target: Target, *, idempotency_key: str) -> None:
        """Have the subscription become the target when its period ends, in place of what was to come then.

        Prices it has now that are off sale are on sale for that moment, so one caller at a time may leave each of them.
        """
        ...

    async def unschedule_change(self, subscription: SubscriptionState) -> None:
        """Take back what was to come later; without such a thing nothing changes."""
        ...

    async def preview_change(self, subscription: SubscriptionState, target: Target, *, at: datetime) -> Preview:
        """Return what `change_subscription` with the same `at` would cost; changes nothing."""
        ...

    async def ensure_endpoint(self, url: str, *, renew: bool) -> str | None:
        """Have exactly the events we handle sent to `url`.

        Returns the signing secret when the registration is new (it is shown only then), None when one stood already.
        `renew` replaces a standing registration, for when its secret is not known any more.
        """
        ...
