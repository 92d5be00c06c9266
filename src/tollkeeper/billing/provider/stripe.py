"""Stripe through its official SDK. Its vocabulary ends in this file and `stripe_read`."""

from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

import stripe
import structlog
from stripe import StripeClient

from . import stripe_read as read
from .circuit import Circuit
from .model import (
    CheckoutState,
    CheckoutStatus,
    CheckoutWish,
    CustomerState,
    PlanOffer,
    PriceOffer,
    ProviderEvent,
    SubscriptionState,
    TaxWish,
    addons_named,
)
from .stripe_changes import StripeChanges
from .stripe_errors import errors, expanded, or_none
from .stripe_extra import StripeExtra
from .stripe_http import RETRIES, CircuitHttp
from .stripe_invoices import StripeInvoices
from .stripe_methods import StripeMethods
from .stripe_offers import StripeOffers, checkout_terms, code_errors
from .stripe_paying import StripePaying
from .stripe_payments import (
    StripePayments,
)
from .stripe_tax import StripeTax, checkout_tax

log = structlog.get_logger(__name__)

API_VERSION = "2026-10-28.endive"
PAGE = 100
_METHOD = "invoice_settings.default_payment_method"
# Deleted customers have no settings to look into; the second way asks for what those have, too.
_OF_CUSTOMER: tuple[list[str], list[str]] = ([_METHOD], [])
_OPENED = [
    "latest_invoice",
    "default_payment_method",
    "schedule",
    "discounts.source.coupon",
    "discounts.promotion_code",
]
_OF_SUBSCRIPTION: tuple[list[str], list[str]] = ([*_OPENED, f"customer.{_METHOD}"], [*_OPENED, "customer"])


class StripeProvider(
    StripeOffers, StripeChanges, StripeInvoices, StripeMethods, StripeTax, StripePaying, StripePayments, StripeExtra
):
    """PaymentProvider on Stripe, or on whatever speaks its protocol at `api_base`."""

    def __init__(
        self, key: str, *, api_base: str | None = None, circuit: Circuit | None = None, tax: TaxWish | None = None
    ) -> None:
        """Nothing is sent yet. `api_base` None is Stripe itself; `circuit` None is one of its own; `tax` None: none."""
        self.livemode = "_live_" in key
        self.account = f"{urlsplit(api_base).hostname if api_base else 'stripe'}:{'live' if self.livemode else 'test'}"
        self.circuit = circuit or Circuit()
        self._tax = tax or TaxWish()
        self._http = CircuitHttp(self.circuit)
        self._client = StripeClient(
            key,
            base_addresses={"api": api_base} if api_base else None,
            stripe_version=API_VERSION,
            max_network_retries=RETRIES,
            http_client=self._http,
        )
        self._api = self._client.v1

    async def close(self) -> None:
        """See PaymentProvider."""
        await self._http.close_async()  # type: ignore[no-untyped-call]

    async def ping(self) -> None:
        """See PaymentProvider."""
        with errors():
            await self._api.products.list_async({"limit": 1})

    def read_event(self, body: bytes) -> ProviderEvent:
        """See PaymentProvider."""
        return read.event(body)

    async def save_plan(self, offer: PlanOffer) -> str:
        """See PaymentProvider. Products take an id of our choice, which makes creating them idempotent by nature."""
        product_id = f"tollkeeper_{offer.kind}_{offer.key}"
        wanted: Any = {"name": offer.name, "active": offer.active}
        if offer.description:
            wanted["description"] = offer.description
        with errors():
            found = await or_none(self._api.products.retrieve_async(product_id))
            if found is None:
                fresh: Any = {**wanted, "id": product_id, "metadata": {offer.kind.value: offer.key}}
                await self._api.products.create_async(fresh)
            elif any(found.get(name) != value for name, value in wanted.items()):
                await self._api.products.update_async(product_id, wanted)
        return product_id

    async def save_price(self, offer: PriceOffer, product_id: str) -> str:
        """See PaymentProvider. The lookup key is our id, so that a price made before is found again."""
        key = str(offer.id)
        with errors():
            listed = await self._api.prices.list_async({"lookup_keys": [key], "limit": 1})
            found = listed.data[0] if listed.data else None
            if found is None:
                wanted: Any = {
                    "product": product_id,
                    "currency": offer.money.currency,
                    "unit_amount": offer.money.amount,
                    "recurring": {"interval": offer.interval.value},
                    "lookup_key": key,
                    "active": offer.active,
                    "metadata": {read.OURS[offer.kind]: key, offer.kind.value: offer.plan},
                }
                made = await self._api.prices.create_async(wanted, {"idempotency_key": f"price-{key}"})
                return made.id
            if found.active != offer.active:
                await self._api.prices.update_async(found.id, {"active": offer.active})
            return found.id

    async def create_customer(
        self, organization_id: UUID, *, name: str, email: str | None, idempotency_key: str
    ) -> CustomerState:
        """See PaymentProvider."""
        wanted: Any = {"name": name, "metadata": {read.ORGANIZATION: str(organization_id)}}
        if email:
            wanted["email"] = email
        with errors():
            made = await self._api.customers.create_async(wanted, {"idempotency_key": idempotency_key})
        return read.customer(made.to_dict())

    async def fetch_customer(self, customer_id: str) -> CustomerState | None:
        """See PaymentProvider."""
        with errors():
            found = await expanded(
                lambda paths: self._api.customers.retrieve_async(customer_id, {"expand": paths}), _OF_CUSTOMER
            )
        return None if found is None else read.customer(found)

    async def fetch_subscription(self, subscription_id: str) -> SubscriptionState | None:
        """See PaymentProvider."""
        with errors():
            found = await expanded(
                lambda paths: self._api.subscriptions.retrieve_async(subscription_id, {"expand": paths}),
                _OF_SUBSCRIPTION,
            )
        return None if found is None else read.subscription(found)

    async def list_subscriptions(self, customer_id: str) -> Sequence[SubscriptionState] | None:
        """See PaymentProvider."""
        with errors():
            try:
                listed = await self._api.subscriptions.list_async(
                    {
                        "customer": customer_id,
                        "status": "all",
                        "limit": PAGE,
                        "expand": [f"data.{path}" for path in _OPENED],
                    }
                )
            except stripe.InvalidRequestError as error:
                if error.code != "resource_missing":
                    raise
                return None
            return [read.subscription(each.to_dict()) async for each in listed.auto_paging_iter()]

    async def fetch_checkout(self, checkout_id: str) -> CheckoutState | None:
        """See PaymentProvider."""
        with errors():
            found = await or_none(self._api.checkout.sessions.retrieve_async(checkout_id))
        return None if found is None else read.checkout(found)

    async def list_open_checkouts(self, customer_id: str) -> Sequence[CheckoutState]:
        """See PaymentProvider."""
        with errors():
            listed = await self._api.checkout.sessions.list_async(
                {"customer": customer_id, "status": "open", "limit": PAGE}
            )
            return [read.checkout(each.to_dict()) async for each in listed.auto_paging_iter()]

    async def open_checkout(self, wish: CheckoutWish) -> CheckoutState:
        """See PaymentProvider."""
        ours = {read.ORGANIZATION: str(wish.organization_id), read.PRICE: str(wish.price.price_id), "plan": wish.plan}
        if wish.addons:
            ours[read.ADDONS] = addons_named(wish.addons)
        asked, taxed = checkout_terms(wish.terms), checkout_tax(self._tax)
        data = {"metadata": ours, **asked.pop("subscription_data", {}), **taxed.pop("subscription_data", {})}
        wanted: Any = {
            "mode": "subscription",
            "customer": wish.customer_id,
            "client_reference_id": str(wish.organization_id),
            "line_items": [
                {"price": wish.price.provider_id, "quantity": 1},
                *({"price": each.price.provider_id, "quantity": each.quantity} for each in wish.addons),
            ],
            "success_url": wish.success_url,
            "cancel_url": wish.cancel_url,
            "metadata": {**ours, read.TERMS: str(wish.terms)},
            "subscription_data": data,
            **asked,
            **taxed,
        }
        with errors(), code_errors():
            made = await self._api.checkout.sessions.create_async(wanted, {"idempotency_key": wish.idempotency_key})
        return read.checkout(made.to_dict())

    async def close_checkout(self, checkout_id: str) -> CheckoutState:
        """See PaymentProvider."""
        with errors():
            try:
                return read.checkout((await self._api.checkout.sessions.expire_async(checkout_id)).to_dict())
            except stripe.InvalidRequestError:
                # Only open pages can be closed: somebody paid on it, or it ran out, since we looked.
                found = read.checkout((await self._api.checkout.sessions.retrieve_async(checkout_id)).to_dict())
                if found.status is CheckoutStatus.OPEN:
                    raise
                return found

    async def open_portal(self, customer_id: str, return_url: str) -> str:
        """See PaymentProvider."""
        with errors():
            made = await self._api.billing_portal.sessions.create_async(
                {"customer": customer_id, "return_url": return_url}
            )
        return made.url

    async def ensure_endpoint(self, url: str, *, renew: bool) -> str | None:
        """See PaymentProvider. The version of a standing endpoint cannot be changed: another version is replaced."""
        types: Any = list(read.HANDLED)
        with errors():
            listed = await self._api.webhook_endpoints.list_async({"limit": PAGE})
            ours = [each async for each in listed.auto_paging_iter() if each.url == url]
            kept = next((e for e in ours if e.api_version == API_VERSION and not renew), None)
            secret = None
            if kept is None:
                fresh: Any = {"url": url, "enabled_events": types, "api_version": API_VERSION}
                made = await self._api.webhook_endpoints.create_async(fresh)
                secret = made.secret
            elif set(kept.enabled_events) != set(read.HANDLED) or kept.status != "enabled":
                await self._api.webhook_endpoints.update_async(kept.id, {"enabled_events": types, "disabled": False})
            for each in ours:
                if each is not kept:
                    await self._api.webhook_endpoints.delete_async(each.id)
        return secret
