"""Every statement about customers."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any
from uuid import UUID

from sqlalchemy import func, insert, select, update

from tollkeeper.billing.provider import CustomerState, PaymentMethod
from tollkeeper.infra import Tx
from tollkeeper.kit import Money, new_id

from .model import Customer
from .tables import CUSTOMERS


async def find_by_organization(tx: Tx, account: str, organization_id: UUID) -> Customer | None:
    """Return the organization's customer; None when it has none now."""
    return await _one(tx, CUSTOMERS.c.organization_id == organization_id, account, CUSTOMERS.c.deleted_at.is_(None))


async def list_by_organization(tx: Tx, account: str, organization_id: UUID) -> list[Customer]:
    """Return every customer the organization has and had at this account."""
    query = select(CUSTOMERS).where(CUSTOMERS.c.account == account, CUSTOMERS.c.organization_id == organization_id)
    return [_customer(row) for row in (await tx.connection.execute(query)).mappings()]


async def find_by_provider_id(tx: Tx, account: str, provider_id: str) -> Customer | None:
    """Return the customer of this id at the provider, a deleted one too."""
    return await _one(tx, CUSTOMERS.c.provider_id == provider_id, account)


async def insert_customer(tx: Tx, account: str, organization_id: UUID, state: CustomerState) -> Customer:
    """Note whose customer this is."""
    statement = (
        insert(CUSTOMERS)
        .values(
            id=new_id(),
            organization_id=organization_id,
            account=account,
            provider_id=state.id,
            created_at=tx.now,
            **_values(tx, state),
        )
        .returning(CUSTOMERS)
    )
    return _customer((await tx.connection.execute(statement)).mappings().one())


async def save_state(tx: Tx, customer_id: UUID, state: CustomerState) -> None:
    """Make the mirrored customer equal to the provider's."""
    statement = update(CUSTOMERS).values(**_values(tx, state)).where(CUSTOMERS.c.id == customer_id)
    await tx.connection.execute(statement)


async def forget_email(tx: Tx, email: str) -> list[UUID]:
    """Let go of the address wherever it stands; return whose it was."""
    known = CUSTOMERS.c
    statement = update(CUSTOMERS).values(email=None).where(func.lower(known.email) == email)
    return list((await tx.connection.execute(statement.returning(known.organization_id))).scalars())


async def mark_deleted(tx: Tx, customer_id: UUID) -> bool:
    """Note that the provider does not know the customer any more; the first time counts, and is True."""
    statement = update(CUSTOMERS).values(deleted_at=tx.now, synced_at=tx.now, payment_method=None)
    known = CUSTOMERS.c.id == customer_id, CUSTOMERS.c.deleted_at.is_(None)
    return bool((await tx.connection.execute(statement.where(*known))).rowcount)


def _values(tx: Tx, state: CustomerState) -> dict[str, Any]:
    return {
        "email": state.email,
        "balance": state.balance,
        "currency": state.currency,
        "payment_method": asdict(state.payment_method) if state.payment_method else None,
        "synced_at": tx.now,
    }


async def _one(tx: Tx, where: Any, account: str, *more: Any) -> Customer | None:
    query = select(CUSTOMERS).where(where, CUSTOMERS.c.account == account, *more)
    row = (await tx.connection.execute(query)).mappings().one_or_none()
    return None if row is None else _customer(row)


def _customer(row: Mapping[Any, Any]) -> Customer:
    return Customer(
        id=row["id"],
        organization_id=row["organization_id"],
        provider_id=row["provider_id"],
        email=row["email"],
        balance=Money(row["balance"], row["currency"]) if row["currency"] else None,
        payment_method=PaymentMethod(**row["payment_method"]) if row["payment_method"] else None,
        deleted_at=row["deleted_at"],
    )
