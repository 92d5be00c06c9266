"""Use cases of customers."""

from dataclasses import replace
from typing import Any
from uuid import UUID

from tollkeeper.billing.provider import CustomerState, PaymentMethod, account_of, lock, provider_of
from tollkeeper.infra import Tx, differences
from tollkeeper.kit import Money
from tollkeeper.orgs import find_organization

from . import store
from .model import Customer, NoCustomerError


async def find_customer(tx: Tx, organization_id: UUID) -> Customer | None:
    """Return the organization's customer as last mirrored; None when it never bought anything."""
    return await store.find_by_organization(tx, account_of(tx.runtime), organization_id)


async def list_customers(tx: Tx, organization_id: UUID) -> list[Customer]:
    """Return every customer the organization is and was, those the provider forgot included."""
    return await store.list_by_organization(tx, account_of(tx.runtime), organization_id)


async def get_customer(tx: Tx, organization_id: UUID) -> Customer:
    """Return the organization's customer as last mirrored.

    Raises:
        NoCustomerError: it never bought anything.
    """
    customer = await find_customer(tx, organization_id)
    if customer is None:
        raise NoCustomerError
    return customer


async def ensure_customer(tx: Tx, organization_id: UUID, *, name: str, email: str | None) -> Customer:
    """Return the organization's customer, made at the provider when there is none or the provider forgot it.

    The organization is locked until the transaction ends, and the idempotency key survives a crash between the
    provider's answer and our commit: an organization never gets two customers.
    """
    provider = provider_of(tx.runtime)
    await lock(tx, f"organization:{organization_id}")
    known = await store.find_by_organization(tx, account_of(tx.runtime), organization_id)
    if known is not None:
        state = await provider.fetch_customer(known.provider_id)
        if state is not None and not state.deleted:
            # What is newer than the mirror goes along, but not into it: that is written under the customer's lock.
            balance = Money(state.balance, state.currency) if state.currency else None
            return replace(known, balance=balance, payment_method=state.payment_method)
        await store.mark_deleted(tx, known.id)
    earlier = await store.list_by_organization(tx, account_of(tx.runtime), organization_id)
    key = f"customer-{organization_id}-{len(earlier)}"
    state = await provider.create_customer(organization_id, name=name, email=email, idempotency_key=key)
    return await _taken_on(tx, organization_id, state)


async def _taken_on(tx: Tx, organization_id: UUID, state: CustomerState) -> Customer:
    made = await store.insert_customer(tx, account_of(tx.runtime), organization_id, state)
    after = {"provider_id": made.provider_id}
    await tx.record("customer.created", target=("customer", made.id), organization_id=organization_id, after=after)
    return made


async def known_customer(tx: Tx, provider_id: str) -> Customer | None:
    """Return the customer of this id at the provider, as far as we know it."""
    return await store.find_by_provider_id(tx, account_of(tx.runtime), provider_id)


async def match_customer(tx: Tx, provider_id: str, state: CustomerState | None) -> Customer | None:
    """Return whose customer this is, by our own note or by what we wrote on it; None when it is nobody's of ours."""
    account = account_of(tx.runtime)
    known = await store.find_by_provider_id(tx, account, provider_id)
    if known is not None or state is None or state.organization_id is None:
        return known
    organization = await find_organization(tx, str(state.organization_id))
    if organization is None:
        return None
    await lock(tx, f"organization:{organization.id}")
    if await store.find_by_organization(tx, account, organization.id) is not None:
        return None  # it has one already: a second customer is for a person to look at
    return await _taken_on(tx, organization.id, state)


async def forget_email(tx: Tx, email: str) -> list[UUID]:
    """Let go of somebody's address; return the organizations whose customer had it. The provider is not told."""
    return await store.forget_email(tx, email)


async def mirror_customer(tx: Tx, customer: Customer, state: CustomerState | None) -> None:
    """Make our copy equal to the provider's; None means that the provider does not know the customer."""
    target, owner = ("customer", customer.id), customer.organization_id
    if state is None or state.deleted:
        if await store.mark_deleted(tx, customer.id):
            await tx.record("customer.forgotten", target=target, organization_id=owner)
        return
    await store.save_state(tx, customer.id, state)
    balance = customer.balance.amount if customer.balance else 0
    was, is_now = differences(_told(balance, customer.payment_method), _told(state.balance, state.payment_method))
    if is_now:
        await tx.record("customer.changed", target=target, organization_id=owner, before=was, after=is_now)


def _told(balance: int, method: PaymentMethod | None) -> dict[str, Any]:
    return {"balance": balance, "payment_method": f"{method.brand or method.kind} {method.last4}" if method else None}
