"""Billing details and tax ids of customers, in Stripe's words."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import stripe

from .model import BillingDetails, DetailsChange, TaxExempt, TaxId, TaxIdInvalidError, TaxWish
from .stripe_errors import errors
from .stripe_read_invoices import address

if TYPE_CHECKING:
    from stripe._v1_services import V1Services  # the SDK exports no public name for it

PAGE = 100


class StripeTax:
    """The part of the adapter that keeps whom invoices are made out to."""

    _api: "V1Services"
    _tax: TaxWish

    async def fetch_details(self, customer_id: str) -> BillingDetails:
        """See InvoicesAtProvider."""
        with errors():
            found = await self._api.customers.retrieve_async(customer_id)
        return _details(found.to_dict())

    async def save_details(self, customer_id: str, change: DetailsChange) -> BillingDetails:
        """See InvoicesAtProvider. Parts an address does not have are sent empty, so that old ones go."""
        named = {"name": change.name, "email": change.email, "tax_exempt": change.tax_exempt}
        wanted: Any = {name: value for name, value in named.items() if value is not None}
        if change.address is not None:
            wanted["address"] = {name: value or "" for name, value in asdict(change.address).items()}
        with errors():
            saved = await self._api.customers.update_async(customer_id, wanted)
        return _details(saved.to_dict())

    async def list_tax_ids(self, customer_id: str) -> Sequence[TaxId]:
        """See InvoicesAtProvider."""
        with errors():
            listed = await self._api.customers.tax_ids.list_async(customer_id, {"limit": PAGE})
            return [_tax_id(each.to_dict()) async for each in listed.auto_paging_iter()]

    async def add_tax_id(self, customer_id: str, kind: str, value: str, *, idempotency_key: str) -> TaxId:
        """See InvoicesAtProvider."""
        wanted: Any = {"type": kind, "value": value}
        with errors():
            try:
                made = await self._api.customers.tax_ids.create_async(
                    customer_id, wanted, {"idempotency_key": idempotency_key}
                )
            except stripe.InvalidRequestError as error:
                if error.code == "tax_id_invalid" or error.param in {"type", "value"}:
                    raise TaxIdInvalidError(error.user_message or None) from error
                raise
        return _tax_id(made.to_dict())

    async def remove_tax_id(self, customer_id: str, tax_id: str) -> None:
        """See InvoicesAtProvider."""
        with errors():
            await self._api.customers.tax_ids.delete_async(customer_id, tax_id)


def checkout_tax(tax: TaxWish) -> dict[str, Any]:
    """Return what a checkout is asked for because of tax; `subscription_data` is to be merged.

    What the buyer says is kept with the customer: Stripe takes the next period's tax from there.
    """
    if not (tax.automatic or tax.rates or tax.collect_ids):
        return {}
    asked: dict[str, Any] = {
        "billing_address_collection": "required",
        "customer_update": {"address": "auto", "name": "auto"},
    }
    if tax.collect_ids:
        asked["tax_id_collection"] = {"enabled": True}
    if tax.automatic:
        asked["automatic_tax"] = {"enabled": True}
    if tax.rates:
        asked["subscription_data"] = {"default_tax_rates": list(tax.rates)}
    return asked


def subscription_tax(tax: TaxWish) -> dict[str, Any]:
    """Return how tax comes onto a subscription that is made without a checkout."""
    if tax.automatic:
        return {"automatic_tax": {"enabled": True}}
    return {"default_tax_rates": list(tax.rates)} if tax.rates else {}


def preview_tax(tax: TaxWish, details: Mapping[str, Any]) -> dict[str, Any]:
    """Return the words of a preview of a new subscription, taxed as it would be."""
    wanted = subscription_tax(tax)
    rates = {name: wanted.pop(name) for name in ("default_tax_rates",) if name in wanted}
    return {**wanted, "subscription_details": {**details, **rates}}


def _details(body: Mapping[str, Any]) -> BillingDetails:
    known = {each.value for each in TaxExempt}
    exempt = body.get("tax_exempt")
    return BillingDetails(
        body.get("name"),
        body.get("email"),
        address(body.get("address")),
        TaxExempt(exempt) if exempt in known else TaxExempt.NONE,
    )


def _tax_id(body: Mapping[str, Any]) -> TaxId:
    verification = body.get("verification") or {}
    return TaxId(
        id=body["id"],
        kind=body["type"],
        value=body["value"],
        country=body.get("country"),
        status=verification.get("status") or "unavailable",
        verified_name=verification.get("verified_name"),
    )
