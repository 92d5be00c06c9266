"""Ways to pay, in Stripe's words."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from . import stripe_read as read
from .model import PaymentMethod, ProviderRefusedError, SavedMethod
from .stripe_errors import errors

if TYPE_CHECKING:
    from stripe._v1_services import V1Services  # the SDK exports no public name for it

PAGE = 100


class StripeMethods:
    """The part of the adapter that keeps ways to pay."""

    _api: "V1Services"

    async def list_payment_methods(self, customer_id: str) -> Sequence[SavedMethod]:
        """See PaymentProvider. A subscription's own way to pay goes before its customer's, as when it is charged."""
        with errors():
            customer = (await self._api.customers.retrieve_async(customer_id)).to_dict()
            running = await self._api.subscriptions.list_async({"customer": customer_id, "limit": PAGE})
            named = [read.ident(each.default_payment_method) async for each in running.auto_paging_iter()]
            listed = await self._api.payment_methods.list_async({"customer": customer_id, "limit": PAGE})
            bodies = [each.to_dict() async for each in listed.auto_paging_iter()]
        default = read.ident((customer.get("invoice_settings") or {}).get("default_payment_method"))
        charged = {each or default for each in named} or {default}
        unknown = PaymentMethod("unknown", None, None)
        found = [SavedMethod(b["id"], read.payment_method(b) or unknown, b["id"] in charged) for b in bodies]
        return sorted(found, key=lambda each: not each.is_default)

    async def open_setup(self, customer_id: str, *, currency: str, success_url: str, cancel_url: str) -> str:
        """See PaymentProvider."""
        with errors():
            made = await self._api.checkout.sessions.create_async(
                {
                    "mode": "setup",
                    "customer": customer_id,
                    "currency": currency,
                    "success_url": success_url,
                    "cancel_url": cancel_url,
                }
            )
        if made.url is None:
            raise ProviderRefusedError(log=f"checkout {made.id} came without an address")
        return made.url

    async def make_default(self, customer_id: str, method_id: str, subscription_ids: Sequence[str]) -> None:
        """See PaymentProvider. A subscription's own way to pay goes before its customer's, so that it changes too."""
        with errors():
            await self._api.customers.update_async(
                customer_id, {"invoice_settings": {"default_payment_method": method_id}}
            )
            for each in subscription_ids:
                await self._api.subscriptions.update_async(each, {"default_payment_method": method_id})

    async def remove_payment_method(self, method_id: str) -> None:
        """See PaymentProvider."""
        with errors():
            await self._api.payment_methods.detach_async(method_id)
