"""ProviderLists on Stripe."""

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, TypeVar
from uuid import UUID

from stripe import StripeClient

from tollkeeper.kit import Money, parse_id
from tollkeeper.rating import Interval

from . import stripe_read as read
from . import stripe_read_invoices, stripe_read_payments
from .circuit import Circuit
from .lists import Listed, NamedCustomer, OwnedCharge, SoldPrice
from .model import CreditNoteState, DisputeState, InvoiceState, RefundState, SubscriptionState
from .stripe import API_VERSION, PAGE
from .stripe_errors import errors
from .stripe_http import RETRIES, CircuitHttp

T = TypeVar("T")
_METHOD = "data.invoice_settings.default_payment_method"
_OF_SUBSCRIPTION = [
    "data.latest_invoice",
    "data.default_payment_method",
    "data.schedule",
    "data.discounts.source.coupon",
    "data.discounts.promotion_code",
]


class StripeLists:
    """Everything in one Stripe account, or in whatever speaks its protocol at `api_base`."""

    def __init__(self, key: str, *, api_base: str | None = None, circuit: Circuit | None = None) -> None:
        """Nothing is sent yet. `api_base` None is Stripe itself; `circuit` None is one of its own."""
        self._http = CircuitHttp(circuit or Circuit())
        self._client = StripeClient(
            key,
            base_addresses={"api": api_base} if api_base else None,
            stripe_version=API_VERSION,
            max_network_retries=RETRIES,
            http_client=self._http,
        )
        self._api = self._client.v1

    async def close(self) -> None:
        """See ProviderLists."""
        await self._http.close_async()  # type: ignore[no-untyped-call]

    async def customers(self, after: str | None) -> Listed[NamedCustomer]:
        """See ProviderLists."""
        return await self._page("customers", after, _named, expand=[_METHOD])

    async def subscriptions(self, after: str | None) -> Listed[SubscriptionState]:
        """See ProviderLists."""
        return await self._page("subscriptions", after, read.subscription, status="all", expand=_OF_SUBSCRIPTION)

    async def invoices(self, after: str | None) -> Listed[InvoiceState]:
        """See ProviderLists."""
        return await self._page("invoices", after, read.invoice)

    async def credit_notes(self, after: str | None) -> Listed[CreditNoteState]:
        """See ProviderLists."""
        return await self._page("credit_notes", after, stripe_read_invoices.credit_note)

    async def payments(self, after: str | None) -> Listed[OwnedCharge]:
        """See ProviderLists."""
        return await self._page("charges", after, _charge)

    async def refunds(self, after: str | None) -> Listed[RefundState]:
        """See ProviderLists."""
        return await self._page("refunds", after, stripe_read_payments.refund)

    async def disputes(self, after: str | None) -> Listed[DisputeState]:
        """See ProviderLists."""
        return await self._page("disputes", after, stripe_read_payments.dispute)

    async def prices(self, after: str | None) -> Listed[SoldPrice]:
        """See ProviderLists."""
        return await self._page("prices", after, _price)

    async def events_since(self, moment: datetime) -> Sequence[bytes]:
        """See ProviderLists."""
        with errors():
            listed = await self._api.events.list_async({"limit": PAGE, "created": {"gte": int(moment.timestamp())}})
            found = [each.to_dict() async for each in listed.auto_paging_iter()]
        # Decimals are text in what Stripe sends.
        return [json.dumps(each, default=str).encode() for each in reversed(found) if each["type"] in read.HANDLED]

    async def adopt_customer(self, customer_id: str, organization_id: UUID) -> None:
        """See ProviderLists."""
        with errors():
            await self._api.customers.update_async(customer_id, {"metadata": {read.ORGANIZATION: str(organization_id)}})

    async def adopt_price(self, provider_price: str, price_id: UUID) -> None:
        """See ProviderLists."""
        with errors():
            await self._api.prices.update_async(provider_price, {"metadata": {read.PRICE: str(price_id)}})

    async def _page(
        self, kind: str, after: str | None, reading: Callable[[Mapping[str, Any]], T], **wanted: Any
    ) -> Listed[T]:
        """Read a page as it was sent: the SDK's objects around each part would cost several times what all else does.

        Where the SDK makes numbers of decimals, these are text, as in an event.
        """
        asked: dict[str, Any] = {"limit": PAGE, **wanted}
        if after is not None:
            asked["starting_after"] = after
        with errors():
            answer = await self._client.raw_request_async("get", f"/v1/{kind}", **asked)
        listed: Any = answer.data
        bodies = listed["data"]
        return Listed([reading(each) for each in bodies], bodies[-1]["id"] if bodies and listed["has_more"] else None)


def _named(body: Mapping[str, Any]) -> NamedCustomer:
    return NamedCustomer(read.customer(body), body.get("name") or "")


def _charge(body: Mapping[str, Any]) -> OwnedCharge:
    return OwnedCharge(stripe_read_payments.charge(body, None), read.ident(body.get("customer")) or "")


def _price(body: Mapping[str, Any]) -> SoldPrice:
    recurring, amount = body.get("recurring") or {}, body.get("unit_amount")
    once_each = recurring.get("interval_count") == 1
    known = {each.value for each in Interval}
    return SoldPrice(
        provider_id=body["id"],
        price_id=parse_id(str((body.get("metadata") or {}).get(read.PRICE, ""))),
        money=Money(amount, body["currency"]) if isinstance(amount, int) else None,
        interval=Interval(recurring["interval"]) if once_each and recurring["interval"] in known else None,
    )
