"""Whom invoices are made out to: billing details and tax ids. The provider keeps them, we do not."""

from collections.abc import Sequence
from dataclasses import asdict
from hashlib import sha256
from uuid import UUID

from tollkeeper.billing.customers import Customer, ensure_customer, find_customer
from tollkeeper.billing.flows.model import Buyer, TaxIdNotFoundError
from tollkeeper.billing.provider import (
    BillingDetails,
    DetailsChange,
    Subject,
    TaxId,
    lock,
    provider_of,
)
from tollkeeper.infra import Tx

from .webhooks import synchronise


async def billing_details(tx: Tx, organization_id: UUID, *, name: str) -> BillingDetails:
    """Return whom invoices are made out to; of an organization that never bought anything `name` alone."""
    customer = await find_customer(tx, organization_id)
    if customer is None:
        return BillingDetails(name, None, None)
    return await provider_of(tx.runtime).fetch_details(customer.provider_id)


async def change_details(tx: Tx, buyer: Buyer, change: DetailsChange) -> BillingDetails:
    """Change whom coming invoices are made out to; those that are final stay as they are."""
    customer = await _locked(tx, buyer)
    saved = await provider_of(tx.runtime).save_details(customer.provider_id, change)
    await synchronise(tx, Subject(customer_id=customer.provider_id), cause="billing details")
    # The provider keeps them, we do not: what was changed is named, not what it became.
    given = [name for name, value in asdict(change).items() if value is not None]
    target = ("organization", buyer.organization_id)
    await tx.record("billing_details.changed", target=target, organization_id=target[1], after={"changed": given})
    return saved


async def list_tax_ids(tx: Tx, organization_id: UUID) -> Sequence[TaxId]:
    """Return the organization's tax ids, newest first; none when it never bought anything."""
    customer = await find_customer(tx, organization_id)
    return await provider_of(tx.runtime).list_tax_ids(customer.provider_id) if customer else []


async def add_tax_id(tx: Tx, buyer: Buyer, kind: str, value: str) -> TaxId:
    """Add a tax id; one that is there already is returned as it is.

    Raises:
        TaxIdInvalidError: the provider does not take it.
    """
    provider, customer = provider_of(tx.runtime), await _locked(tx, buyer)
    known = await provider.list_tax_ids(customer.provider_id)
    for each in known:
        if (each.kind, _bare(each.value)) == (kind, _bare(value)):
            return each
    # The same wish at the same state of the list: repeated after a lost answer it adds nothing a second time.
    wished = "-".join([customer.provider_id, kind, _bare(value), *sorted(each.id for each in known)])
    key = f"tax-id-{sha256(wished.encode()).hexdigest()}"
    added = await provider.add_tax_id(customer.provider_id, kind, value, idempotency_key=key)
    await tx.record(
        "tax_id.added", target=("tax_id", added.id), organization_id=buyer.organization_id, after={"kind": kind}
    )
    return added


async def remove_tax_id(tx: Tx, organization_id: UUID, tax_id: str) -> None:
    """Forget a tax id.

    Raises:
        TaxIdNotFoundError: there is none of this id, or it is somebody else's.
    """
    customer = await find_customer(tx, organization_id)
    if customer is None:
        raise TaxIdNotFoundError
    await lock(tx, Subject(customer_id=customer.provider_id).lock)
    provider = provider_of(tx.runtime)
    if all(each.id != tax_id for each in await provider.list_tax_ids(customer.provider_id)):
        raise TaxIdNotFoundError
    await provider.remove_tax_id(customer.provider_id, tax_id)
    await tx.record("tax_id.removed", target=("tax_id", tax_id), organization_id=organization_id)


async def _locked(tx: Tx, buyer: Buyer) -> Customer:
    """Lock the organization's customer, made now if there is none, and return it."""
    customer = await ensure_customer(tx, buyer.organization_id, name=buyer.name, email=buyer.email)
    await lock(tx, Subject(customer_id=customer.provider_id).lock)
    return customer


def _bare(value: str) -> str:
    """Return a tax id without what people write between its letters."""
    return "".join(letter for letter in value.upper() if letter.isalnum())
