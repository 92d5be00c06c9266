"""Pauses, beginning again and payments under way, in Stripe's words."""

from datetime import datetime
from typing import TYPE_CHECKING, Any

from . import stripe_read as read
from .model import Pause, PaymentProgress, Preview, PriceAtProvider, SubscribeWish, SubscriptionState, TaxWish
from .stripe_errors import errors
from .stripe_read_previews import preview
from .stripe_tax import preview_tax, subscription_tax

if TYPE_CHECKING:
    from stripe._v1_services import V1Services  # the SDK exports no public name for it

_RESTART = {"billing_cycle_anchor": {"type": "now"}, "proration_behavior": "none"}


class StripePaying:
    """The part of the adapter that rests, begins again, and tells how a payment is getting on."""

    _api: "V1Services"
    _tax: TaxWish

    async def pause_collection(self, subscription_id: str, pause: Pause) -> None:
        """See PaymentProvider. Said twice it is the same pause."""
        wanted: Any = {"behavior": pause.behavior}
        if pause.until is not None:
            wanted["resumes_at"] = int(pause.until.timestamp())
        with errors():
            await self._api.subscriptions.update_async(subscription_id, {"pause_collection": wanted})

    async def unpause_collection(self, subscription_id: str) -> None:
        """See PaymentProvider."""
        with errors():
            await self._api.subscriptions.update_async(subscription_id, {"pause_collection": ""})

    async def restart_cycle(self, subscription_id: str, *, must_pay: bool, idempotency_key: str) -> None:
        """See PaymentProvider. One call, so that it is not collected again without being paid, nor the other way."""
        behavior = "error_if_incomplete" if must_pay else "allow_incomplete"
        wanted: Any = {**_RESTART, "pause_collection": "", "payment_behavior": behavior}
        with errors():
            await self._api.subscriptions.update_async(subscription_id, wanted, {"idempotency_key": idempotency_key})

    async def preview_restart(self, subscription: SubscriptionState, *, at: datetime) -> Preview:
        """See PaymentProvider."""
        return await self._previewed(
            at,
            {"customer": subscription.customer_id, "subscription": subscription.id, "subscription_details": _RESTART},
        )

    async def subscribe(self, wish: SubscribeWish) -> str:
        """See PaymentProvider."""
        ours = {read.ORGANIZATION: str(wish.organization_id), read.PRICE: str(wish.price.price_id), "plan": wish.plan}
        wanted: Any = {
            "customer": wish.customer_id,
            "items": [{"price": wish.price.provider_id, "quantity": wish.quantity}],
            "default_payment_method": wish.method_id,
            "payment_behavior": "error_if_incomplete",
            "metadata": ours,
            **subscription_tax(self._tax),
        }
        with errors():
            made = await self._api.subscriptions.create_async(wanted, {"idempotency_key": wish.idempotency_key})
        return made.id

    async def preview_subscribe(
        self, customer_id: str, price: PriceAtProvider, quantity: int, *, at: datetime
    ) -> Preview:
        """See PaymentProvider."""
        details: Any = {"items": [{"price": price.provider_id, "quantity": quantity}]}
        return await self._previewed(at, {"customer": customer_id, **preview_tax(self._tax, details)})

    async def retry_invoice(self, invoice_id: str) -> None:
        """See PaymentProvider."""
        with errors():
            await self._api.invoices.pay_async(invoice_id)

    async def payment_progress(self, invoice_id: str) -> PaymentProgress:
        """See PaymentProvider."""
        with errors():
            listed = await self._api.invoice_payments.list_async(
                {"invoice": invoice_id, "status": "open", "expand": ["data.payment.payment_intent"]}
            )
        found = {read.payment_progress(each.to_dict()) for each in listed.data}
        waiting = (PaymentProgress.REQUIRES_ACTION, PaymentProgress.PROCESSING)
        return next((each for each in waiting if each in found), PaymentProgress.WAITING)

    async def _previewed(self, at: datetime, wanted: Any) -> Preview:
        with errors():
            made = await self._api.invoices.create_preview_async(wanted)
        return preview(made.to_dict(), at)
