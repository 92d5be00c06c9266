"""Amounts of our own reckoning on invoices, in Stripe's words."""

from contextlib import suppress
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

import stripe

from . import stripe_read_parts as read
from .model import ExtraCharge, PlacedCharge
from .stripe_errors import errors, or_none

if TYPE_CHECKING:
    from stripe._v1_services import V1Services  # the SDK exports no public name for it

PAGE = 100
CHARGE = "tollkeeper_usage"
"""Metadata on invoice items and their lines: our id of the charge."""
# How far the provider's clock may be behind ours.
SKEW = timedelta(minutes=10)


class StripeExtra:
    """The part of the adapter that adds amounts of our own."""

    _api: "V1Services"

    async def add_charge(self, charge: ExtraCharge, *, invoice_id: str | None) -> str | None:
        """See ExtrasAtProvider. Stripe forgets idempotency keys after a day; `find_charge` is for later."""
        wanted: Any = {
            "customer": charge.customer_id,
            "amount": charge.money.amount,
            "currency": charge.money.currency,
            "description": charge.description,
            "period": {"start": int(charge.start.timestamp()), "end": int(charge.end.timestamp())},
            "metadata": {CHARGE: str(charge.charge_id)},
        }
        if invoice_id is not None:
            wanted["invoice"] = invoice_id
        key = f"usage-{charge.charge_id}-{invoice_id or 'next'}"
        with errors():
            try:
                made = await self._api.invoice_items.create_async(wanted, {"idempotency_key": key})
            except stripe.InvalidRequestError as error:
                if invoice_id is not None and _takes_no_more(error):
                    return None
                raise
        return made.id

    async def find_charge(self, customer_id: str, charge_id: UUID, *, since: datetime) -> PlacedCharge | None:
        """See ExtrasAtProvider."""
        created: Any = {"gte": int((since - SKEW).timestamp())}
        with errors():
            listed = await self._api.invoice_items.list_async(
                {"customer": customer_id, "limit": PAGE, "created": created}
            )
            async for each in listed.auto_paging_iter():
                body = each.to_dict()
                if (body.get("metadata") or {}).get(CHARGE) == str(charge_id):
                    return PlacedCharge(each.id, read.ident(body.get("invoice")))
        return None

    async def open_invoice(self, customer_id: str, *, idempotency_key: str) -> str:
        """See ExtrasAtProvider. Stripe leaves it alone until `collect_invoice`."""
        wanted: Any = {
            "customer": customer_id,
            "auto_advance": False,
            "collection_method": "charge_automatically",
            "pending_invoice_items_behavior": "include",
        }
        with errors():
            made = await self._api.invoices.create_async(wanted, {"idempotency_key": idempotency_key})
        return made.id

    async def collect_invoice(self, invoice_id: str, *, like_subscription: str | None) -> None:
        """See ExtrasAtProvider. A subscription's own way to pay is not its customer's default: it has to be named."""
        with errors():
            found = await or_none(self._api.invoices.retrieve_async(invoice_id))
            if found is None:
                return
            if found["status"] == "draft":
                await self._pay_like(invoice_id, like_subscription)
                made = await self._api.invoices.finalize_invoice_async(invoice_id, {"auto_advance": True})
                found = made.to_dict()
            if found["status"] == "open" and not found.get("attempt_count"):
                # Refused, or nothing to pay with: either way it stays open, and the provider tries again.
                with suppress(stripe.CardError, stripe.InvalidRequestError):
                    await self._api.invoices.pay_async(invoice_id)

    async def _pay_like(self, invoice_id: str, subscription_id: str | None) -> None:
        known = await or_none(self._api.subscriptions.retrieve_async(subscription_id)) if subscription_id else None
        method = read.ident(known.get("default_payment_method")) if known else None
        if method is not None:
            # A way to pay that was removed meanwhile leaves the choice to the customer's default.
            with suppress(stripe.InvalidRequestError):
                await self._api.invoices.update_async(invoice_id, {"default_payment_method": method})


def _takes_no_more(error: stripe.InvalidRequestError) -> bool:
    gone = error.code == "resource_missing" and error.param == "invoice"
    return gone or error.code == "invoice_not_editable"
