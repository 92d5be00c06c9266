"""Every SQL statement of an organization's own sign-on."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import bindparam, delete, select, update
from sqlalchemy.dialects import postgresql
from sqlalchemy.exc import IntegrityError

from tollkeeper.infra import Tx

from .model import Connection, Domain, ShownBy
from .tables import organization_domains, sso_connections

_DOMAIN = organization_domains.c
_CONNECTION = sso_connections.c
# Built once, because every log-in asks it.
_FOR_DOMAIN = select(sso_connections).where(
    _CONNECTION.organization_id.in_(
        select(_DOMAIN.organization_id).where(_DOMAIN.name == bindparam("domain"), _DOMAIN.verified_at.is_not(None))
    )
)


async def add_domain(tx: Tx, domain: Domain) -> bool:
    """Insert a claim; False when the organization claims the domain already."""
    statement = postgresql.insert(organization_domains).values(
        id=domain.id,
        organization_id=domain.organization_id,
        name=domain.name,
        token=domain.token,
        created_at=domain.created_at,
    )
    added = await tx.connection.execute(statement.on_conflict_do_nothing().returning(_DOMAIN.id))
    return added.first() is not None


async def domains_of(tx: Tx, organization_id: UUID) -> Sequence[Domain]:
    """Return what an organization claims, by name."""
    rows = await tx.connection.execute(
        select(organization_domains).where(_DOMAIN.organization_id == organization_id).order_by(_DOMAIN.name)
    )
    return [_domain(row) for row in rows.mappings()]


async def domain(tx: Tx, organization_id: UUID, domain_id: UUID) -> Domain | None:
    """Return one claim of an organization, locked until the end of the transaction."""
    found = await tx.connection.execute(
        select(organization_domains)
        .where(_DOMAIN.organization_id == organization_id, _DOMAIN.id == domain_id)
        .with_for_update()
    )
    row = found.mappings().first()
    return _domain(row) if row else None


async def verify_domain(tx: Tx, domain_id: UUID, shown_by: ShownBy) -> bool:
    """Have a claim count; False when another organization's does, and the transaction is then to be given up."""
    try:
        await tx.connection.execute(
            update(organization_domains)
            .where(_DOMAIN.id == domain_id)
            .values(verified_at=tx.now, verified_by=shown_by.value)
        )
    except IntegrityError:
        return False
    return True


async def remove_domain(tx: Tx, domain_id: UUID) -> None:
    """Delete a claim."""
    await tx.connection.execute(delete(organization_domains).where(_DOMAIN.id == domain_id))


async def connection_of(tx: Tx, organization_id: UUID) -> Connection | None:
    """Return an organization's connection, its secret sealed."""
    return await _one(tx, _CONNECTION.organization_id == organization_id)


async def connection(tx: Tx, connection_id: UUID) -> Connection | None:
    """Return a connection, its secret sealed."""
    return await _one(tx, _CONNECTION.id == connection_id)


async def connection_for(tx: Tx, name: str) -> Connection | None:
    """Return the connection of whoever holds a domain, its secret sealed."""
    row = (await tx.connection.execute(_FOR_DOMAIN, {"domain": name})).mappings().first()
    return Connection(**row) if row else None


async def put_connection(tx: Tx, kept: Connection) -> None:
    """Insert an organization's connection, or change the one it has."""
    row = {name: getattr(kept, name) for name in _CONNECTION.keys()}  # noqa: SIM118 - a column collection iterates over columns
    statement = postgresql.insert(sso_connections).values(row)
    changes = {name: value for name, value in row.items() if name not in {"id", "organization_id", "created_at"}}
    await tx.connection.execute(
        statement.on_conflict_do_update(index_elements=[_CONNECTION.organization_id], set_=changes)
    )


async def remove_connection(tx: Tx, organization_id: UUID) -> UUID | None:
    """Delete an organization's connection; return which it was."""
    gone = await tx.connection.execute(
        delete(sso_connections).where(_CONNECTION.organization_id == organization_id).returning(_CONNECTION.id)
    )
    found: UUID | None = gone.scalar_one_or_none()
    return found


async def _one(tx: Tx, condition: Any) -> Connection | None:
    row = (await tx.connection.execute(select(sso_connections).where(condition))).mappings().first()
    return Connection(**row) if row else None


def _domain(row: Mapping[Any, Any]) -> Domain:
    shown_by = ShownBy(row["verified_by"]) if row["verified_by"] else None
    return Domain(**{**row, "verified_by": shown_by})
