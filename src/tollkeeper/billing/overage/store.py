"""Every statement about charges for usage."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import func, insert, select, tuple_, update
from sqlalchemy.dialects.postgresql import distinct_on

from tollkeeper.infra import Tx

from .model import Charge, Destination, Reason, State
from .tables import USAGE_CHARGES

_TABLE = USAGE_CHARGES.c


async def add(tx: Tx, charge: Charge) -> None:
    """Write a charge down."""
    await tx.connection.execute(insert(USAGE_CHARGES).values({f.name: getattr(charge, f.name) for f in fields(Charge)}))


async def last_of(tx: Tx, organization_id: UUID, feature: str, starts: Iterable[datetime]) -> dict[datetime, Charge]:
    """Return the newest charge of each of these counters; one that was never looked at is missing."""
    query = (
        select(USAGE_CHARGES)
        .ext(distinct_on(_TABLE.period_start))
        .where(
            _TABLE.organization_id == organization_id,
            _TABLE.feature == feature,
            _TABLE.period_start.in_(list(starts)),
        )
        .order_by(_TABLE.period_start, _TABLE.sequence.desc())
    )
    return {each.period_start: each for each in await _all(tx, query)}


async def find(tx: Tx, charge_id: UUID) -> Charge | None:
    """Return a charge."""
    found = await _all(tx, select(USAGE_CHARGES).where(_TABLE.id == charge_id))
    return found[0] if found else None


async def before(tx: Tx, charge: Charge) -> Charge | None:
    """Return the charge of the same counter that came before this one."""
    same = (
        _TABLE.organization_id == charge.organization_id,
        _TABLE.feature == charge.feature,
        _TABLE.period_start == charge.period_start,
        _TABLE.sequence == charge.sequence - 1,
    )
    found = await _all(tx, select(USAGE_CHARGES).where(*same))
    return found[0] if found else None


async def of_items(tx: Tx, organization_id: UUID, items: Sequence[str]) -> dict[str, Charge]:
    """Return the organization's charges by their invoice items."""
    query = select(USAGE_CHARGES).where(_TABLE.organization_id == organization_id, _TABLE.provider_item.in_(items))
    return {str(each.provider_item): each for each in await _all(tx, query)}


async def everything_of(tx: Tx, organization_id: UUID) -> list[Charge]:
    """Return every charge of an organization, oldest first."""
    return await _all(tx, select(USAGE_CHARGES).where(_TABLE.organization_id == organization_id).order_by(_TABLE.id))


async def intended(tx: Tx, organization_id: UUID) -> list[Charge]:
    """Return what is to be put at the provider, oldest first."""
    query = select(USAGE_CHARGES).where(_TABLE.organization_id == organization_id, _is(State.INTENDED))
    return await _all(tx, query.order_by(_TABLE.id))


async def organizations_waiting(tx: Tx) -> list[UUID]:
    """Return the organizations that have something to be put at the provider."""
    query = select(_TABLE.organization_id).distinct().where(_is(State.INTENDED))
    return list((await tx.connection.execute(query)).scalars())


async def waiting_items(tx: Tx, subscription_id: UUID) -> list[Charge]:
    """Return the subscription's charges that wait for the customer's next invoice, as far as we know."""
    wanted = (_TABLE.subscription_id == subscription_id, _is(State.CHARGED), _TABLE.invoice.is_(None))
    return await _all(tx, select(USAGE_CHARGES).where(*wanted).order_by(_TABLE.id))


async def change(tx: Tx, charge_ids: Sequence[UUID], **values: Any) -> None:
    """Note what became of charges."""
    await tx.connection.execute(update(USAGE_CHARGES).values(**values).where(_TABLE.id.in_(charge_ids)))


async def count_attempt(tx: Tx, charge_ids: Sequence[UUID]) -> None:
    """Note that it is begun to put these at the provider."""
    await change(tx, charge_ids, attempts=_TABLE.attempts + 1)


async def note_invoice(tx: Tx, items: Sequence[str], invoice: str) -> None:
    """Note which invoice these items are on."""
    statement = update(USAGE_CHARGES).values(invoice=invoice)
    await tx.connection.execute(statement.where(_TABLE.provider_item.in_(items), _is(State.CHARGED)))


async def closed(tx: Tx, since: datetime, after: UUID | None, *, limit: int) -> list[Charge]:
    """Return the newest charge of each closed counter whose period ended after `since`, a page of them, those with ids
    above `after`.
    """
    newest = (
        select(_TABLE.organization_id, _TABLE.feature, _TABLE.period_start, func.max(_TABLE.sequence))
        .where(_TABLE.period_end > since)
        .group_by(_TABLE.organization_id, _TABLE.feature, _TABLE.period_start)
    )
    key = tuple_(_TABLE.organization_id, _TABLE.feature, _TABLE.period_start, _TABLE.sequence)
    query = select(USAGE_CHARGES).where(_TABLE.closed, _TABLE.period_end > since, key.in_(newest))
    if after is not None:
        query = query.where(_TABLE.id > after)
    return await _all(tx, query.order_by(_TABLE.id).limit(limit))


def _is(state: State) -> Any:
    return _TABLE.state == state.value


async def _all(tx: Tx, query: Any) -> list[Charge]:
    return [_charge(row) for row in (await tx.connection.execute(query)).mappings()]


def _charge(row: Mapping[Any, Any]) -> Charge:
    values = {field.name: row[field.name] for field in fields(Charge)}
    destination = row["destination"]
    return Charge(
        **{
            **values,
            "reason": Reason(row["reason"]),
            "state": State(row["state"]),
            "destination": Destination(destination) if destination else None,
        }
    )
