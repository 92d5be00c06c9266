"""Every statement of corrections."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    and_,
    delete,
    distinct,
    func,
    insert,
    or_,
    select,
    tuple_,
    update,
)
from sqlalchemy.dialects.postgresql import insert as insert_or

from tollkeeper.infra import Tx
from tollkeeper.metering.model import NOBODY, Aggregation, CounterKey, Standing
from tollkeeper.metering.rules import moment_of
from tollkeeper.metering.store import counting
from tollkeeper.metering.tables import USAGE_COUNTERS, USAGE_EVENTS, USAGE_GRANTS, USAGE_VALUES

from .model import EventRecord, Version

_EVENT = USAGE_EVENTS.c
_COUNTER = USAGE_COUNTERS.c
_GRANT = USAGE_GRANTS.c


async def find(tx: Tx, organization_id: UUID, event_id: UUID) -> EventRecord | None:
    """Return an event of the organization with its versions; None when there is none of this id."""
    query = select(USAGE_EVENTS).where(
        _EVENT.id == event_id, _EVENT.organization_id == organization_id, _EVENT.corrects.is_(None)
    )
    rows = (await tx.connection.execute(query)).mappings().all()
    found = await _with_versions(tx, rows)
    return found[0] if found else None


async def page(
    tx: Tx,
    organization_id: UUID,
    meter_id: int,
    *,
    start: datetime,
    end: datetime,
    after: tuple[datetime, UUID] | None,
    limit: int,
) -> list[EventRecord]:
    """Return events that happened within `[start, end)`, the latest first, those that come after `after`."""
    where = [
        _EVENT.organization_id == organization_id,
        _EVENT.meter_id == meter_id,
        _EVENT.at >= start,
        _EVENT.at < end,
        _EVENT.corrects.is_(None),
    ]
    if after is not None:
        where += [_EVENT.at <= after[0], tuple_(_EVENT.at, _EVENT.id) < tuple_(*after)]
    query = select(USAGE_EVENTS).where(*where).order_by(_EVENT.at.desc(), _EVENT.id.desc()).limit(limit)
    return await _with_versions(tx, (await tx.connection.execute(query)).mappings().all())


async def _with_versions(tx: Tx, rows: Sequence[Mapping[Any, Any]]) -> list[EventRecord]:
    ids = [row["id"] for row in rows]
    query = select(USAGE_EVENTS).where(_EVENT.corrects.in_(ids)).order_by(_EVENT.revision)
    corrections: dict[UUID, list[Version]] = {}
    for row in (await tx.connection.execute(query)).mappings() if ids else ():
        corrections.setdefault(row["corrects"], []).append(_version(row))
    return [_record(row, (_version(row), *corrections.get(row["id"], ()))) for row in rows]


def _version(row: Mapping[Any, Any]) -> Version:
    return Version(
        id=row["id"],
        revision=row["revision"] or 0,
        quantity=row["quantity"],
        voided=bool(row["voided"]),
        reason=row["reason"],
        credential_id=row["credential_id"],
        credits=row["credits"] or 0,
        recorded_at=moment_of(row["id"]),
    )


def _record(row: Mapping[Any, Any], versions: tuple[Version, ...]) -> EventRecord:
    return EventRecord(
        id=row["id"],
        organization_id=row["organization_id"],
        meter_id=row["meter_id"],
        period_start=row["period_start"],
        at=row["at"],
        idempotency_key=row["idempotency_key"],
        member_id=row["member_id"],
        value=row["value"],
        properties=row["properties"],
        versions=versions,
    )


async def add_version(tx: Tx, event: EventRecord, version: Version) -> None:
    """Record a correction as an event of its own, whole: who reads events needs no other row."""
    await tx.connection.execute(
        insert(USAGE_EVENTS).values(
            id=version.id,
            organization_id=event.organization_id,
            meter_id=event.meter_id,
            quantity=version.quantity,
            at=event.at,
            period_start=event.period_start,
            credential_id=version.credential_id,
            value=event.value,
            properties=event.properties,
            member_id=event.member_id,
            credits=version.credits or None,
            corrects=event.id,
            revision=version.revision,
            voided=version.voided,
            reason=version.reason,
        )
    )


class Locked(NamedTuple):
    """A counter, locked, and what it stands at."""

    key: CounterKey
    standing: Standing


async def lock_counters(tx: Tx, event: EventRecord) -> list[Locked]:
    """Lock the counters that may hold an event, in their order, and return them.

    Those are its period's, the organization's and its member's, and those of a rolling window, which looks back on
    events whichever counter they were added to.
    """
    query = (
        select(USAGE_COUNTERS)
        .where(
            _COUNTER.organization_id == event.organization_id,
            _COUNTER.meter_id == event.meter_id,
            _COUNTER.member_id.in_([NOBODY, event.member_id or NOBODY]),
            or_(_COUNTER.period_start == event.period_start, _COUNTER.since.is_not(None)),
        )
        .order_by(_COUNTER.period_start, _COUNTER.member_id)
        .with_for_update(key_share=True)
    )
    rows = (await tx.connection.execute(query)).mappings().all()
    return [
        Locked(
            CounterKey(*(row[name] for name in CounterKey._fields)), Standing(*(row[name] for name in Standing._fields))
        )
        for row in rows
    ]


async def reckon(tx: Tx, counter: Locked, aggregation: Aggregation) -> tuple[int, datetime | None]:
    """Return what the events of a counter come to, and for gauges when the one happened that is shown."""
    inside = _inside(counter)
    if aggregation is Aggregation.LATEST:
        query = select(_EVENT.quantity, _EVENT.at).where(inside)
        subject = func.coalesce(_EVENT.corrects, _EVENT.id)
        row = (await tx.connection.execute(query.order_by(_EVENT.at.desc(), subject.desc()).limit(1))).one_or_none()
        return (0, None) if row is None else (row.quantity, row.at)
    number: ColumnElement[Any] = {
        Aggregation.SUM: func.sum(_EVENT.quantity),
        Aggregation.COUNT: func.count(),
        Aggregation.MAX: func.max(_EVENT.quantity),
        Aggregation.UNIQUE: func.count(distinct(_EVENT.value)),
    }[aggregation]
    found = (await tx.connection.execute(select(func.coalesce(number, 0)).where(inside))).scalar_one()
    return int(found), counter.standing.latest_at


def _inside(counter: Locked) -> ColumnElement[bool]:
    key = counter.key
    where = [_EVENT.organization_id == key.organization_id, _EVENT.meter_id == key.meter_id, counting()]
    if key.member_id != NOBODY:
        where.append(_EVENT.member_id == key.member_id)
    where.append(
        _EVENT.period_start == key.period_start
        if counter.standing.since is None
        else _EVENT.at > counter.standing.since
    )
    return and_(*where)


async def write_counter(tx: Tx, key: CounterKey, standing: Standing) -> None:
    """Set a locked counter to what it stands at now."""
    await tx.connection.execute(
        update(USAGE_COUNTERS)
        .where(
            _COUNTER.organization_id == key.organization_id,
            _COUNTER.meter_id == key.meter_id,
            _COUNTER.period_start == key.period_start,
            _COUNTER.member_id == key.member_id,
        )
        .values(
            used=standing.used,
            told=standing.told,
            told_limit=standing.told_limit,
            latest_at=standing.latest_at,
            credited=standing.credited,
        )
    )


async def keep_value(tx: Tx, counter: Locked, value: str) -> None:
    """Have a counter of unique values remember this one exactly if an event that counts has it."""
    has = select(_EVENT.id).where(_inside(counter), _EVENT.value == value).limit(1)
    table, key = USAGE_VALUES.c, counter.key
    if (await tx.connection.execute(has)).one_or_none() is None:
        mine = delete(USAGE_VALUES).where(
            table.organization_id == key.organization_id,
            table.meter_id == key.meter_id,
            table.period_start == key.period_start,
            table.member_id == key.member_id,
            table.value == value,
        )
        await tx.connection.execute(mine)
    else:
        seen = insert_or(USAGE_VALUES).values(**key._asdict(), value=value)
        await tx.connection.execute(seen.on_conflict_do_nothing())


async def give_back_credits(tx: Tx, organization_id: UUID, meter_id: int, amount: int) -> None:
    """Put credits back where they were taken from last: grants are drawn from by expiry, soonest first."""
    query = (
        select(_GRANT.id, _GRANT.used)
        .where(_GRANT.organization_id == organization_id, _GRANT.meter_id == meter_id, _GRANT.used > 0)
        .order_by(_GRANT.expires_at.desc().nulls_first(), _GRANT.id.desc())
        .with_for_update()
    )
    for row in (await tx.connection.execute(query)).all():
        back = min(amount, row.used)
        await tx.connection.execute(update(USAGE_GRANTS).where(_GRANT.id == row.id).values(used=_GRANT.used - back))
        amount -= back
        if not amount:
            return
