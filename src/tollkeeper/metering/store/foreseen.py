"""The one statement of a foreseen batch: it moves the counters that stand as foreseen, and records the events.

It is a transaction of its own, in one round trip. It counts whole or not at all: where a counter does not stand as
foreseen, or a key was recorded before, nothing is written.
"""

from collections.abc import Callable, Collection, Mapping, Sequence

from psycopg import errors as pg

from tollkeeper.infra import Direct
from tollkeeper.kit import new_id
from tollkeeper.metering.model import Consumption, CounterKey, Standing

from . import packing
from .copying import new_ids
from .counters import Connection

_COLUMNS = "organization_id, meter_id, period_start, member_id"
_PLAIN = "reserved = 0 and since is null and not by_member and not rolled"

_MOVE_ALONE = f"""
with moved as (
    update usage_counters set used = $9, told = $10, told_limit = $11, latest_at = $12
    where organization_id = $1 and meter_id = $2 and period_start = $3 and member_id = $4 and used = $5 and told = $6
        and told_limit is not distinct from $7 and latest_at is not distinct from $8
        and carried = $13 and credited = $14 and topped = $15 and {_PLAIN}
    returning 1
), events as (
    select $16::uuid as id, $1 as organization_id, $2 as meter_id, $17::int8 as quantity, $18::timestamptz as at,
        $3 as period_start, $19::uuid as credential_id, $20::text as key, $21::uuid as member_id,
        $22::jsonb as properties
    from moved
)
"""  # noqa: S608 - constants
"""For one event, without the arrays, which cost the server as much as the event itself."""

_MOVE = f"""
with foreseen as (
    select * from unnest($1::uuid[], $2::int2[], $3::timestamptz[], $4::uuid[], $5::int8[], $6::int2[], $7::int8[],
            $8::timestamptz[], $9::int8[], $10::int2[], $11::int8[], $12::timestamptz[], $13::int8[], $14::int8[],
            $15::int8[])
        as foreseen ({_COLUMNS}, used, told, told_limit, latest_at, next_used, next_told, next_told_limit,
            next_latest_at, carried, credited, topped)
), locked as materialized (
    select {_COLUMNS}, next_used, next_told, next_told_limit, next_latest_at
    from usage_counters as counted join foreseen using ({_COLUMNS})
    where counted.used = foreseen.used and counted.told = foreseen.told and {_PLAIN}
        and counted.told_limit is not distinct from foreseen.told_limit
        and counted.latest_at is not distinct from foreseen.latest_at
        and counted.carried = foreseen.carried and counted.credited = foreseen.credited
        and counted.topped = foreseen.topped
    order by {_COLUMNS}
    for no key update of counted
), moved as (
    update usage_counters as counted set used = next_used, told = next_told, told_limit = next_told_limit,
        latest_at = next_latest_at
    from locked
    where (counted.organization_id, counted.meter_id, counted.period_start, counted.member_id)
        = (locked.organization_id, locked.meter_id, locked.period_start, locked.member_id)
    returning 1
)
"""  # noqa: S608 - constants
"""Moves the counters that stand as foreseen once they are locked."""

_MOVE_MANY = (
    _MOVE  # noqa: S608 - constants
    + """, complete as (
    select 1 / (count(*) = array_length($1::uuid[], 1))::int as yes from moved
), events as (
    select moment.* from complete, unnest($16::uuid[], $17::int8[], $18::timestamptz[], $19::uuid[], $20::text[],
            $21::uuid[], $22::jsonb[], $23::uuid[], $24::int2[], $25::timestamptz[])
        as moment (id, quantity, at, credential_id, key, member_id, properties, organization_id, meter_id, period_start)
    where yes = 1
)
"""
)
"""Divides by zero, and so leaves nothing, unless every counter stood so once it was locked. `yes` is asked for, because
what nobody asks for is never worked out."""

_KEYS = """, keyed as (
    insert into usage_event_keys (event_id, organization_id, meter_id, key)
    select id, organization_id, meter_id, key from events where key is not null
    order by organization_id, meter_id, key
)
"""
"""One order for all, so that two batches with equal keys cannot deadlock."""

_EVENTS = """
insert into usage_events
    (id, organization_id, meter_id, quantity, at, period_start, credential_id, idempotency_key, member_id, properties)
select id, organization_id, meter_id, quantity, at, period_start, credential_id, key, member_id, properties from events
"""

_ALONE = {False: Direct(_MOVE_ALONE + _EVENTS), True: Direct(_MOVE_ALONE + _KEYS + _EVENTS)}
_COUNTERS = Direct(_MOVE + "select from moved")
_MANY = {False: Direct(_MOVE_MANY + _EVENTS), True: Direct(_MOVE_MANY + _KEYS + _EVENTS)}


class NotAsForeseenError(Exception):
    """A counter stands otherwise than foreseen, or a key was recorded before; nothing was written."""


async def move_counters(
    connection: Connection, foreseen: Mapping[CounterKey, Standing], after: Mapping[CounterKey, Standing]
) -> None:
    """Move counters from what they are foreseen to stand at; within a transaction, whose last statement it should be.

    Raises:
        NotAsForeseenError: a counter stands otherwise; the transaction is to be undone.
    """
    if await _COUNTERS.run(connection, _moves(foreseen, after)) != len(foreseen):
        raise NotAsForeseenError


async def move_foreseen(
    connection: Connection,
    foreseen: Mapping[CounterKey, Standing],
    after: Mapping[CounterKey, Standing],
    admitted: Sequence[Consumption],
    meanwhile: Callable[[], None],
) -> None:
    """Move counters from what they are foreseen to stand at, and record the events that move them; committed after.

    Args:
        connection: outside a transaction.
        foreseen: what the counters stand at, in key order; each of them moves.
        after: what they are to stand at, in the same order.
        admitted: the events, of no unique values and paid for by no credits.
        meanwhile: called while the server works.

    Raises:
        NotAsForeseenError: a counter stands otherwise, or one of the keys was recorded before; nothing was written.
    """
    keyed = any(each.idempotency_key is not None for each in admitted)
    if len(admitted) == 1:
        statement, parameters = _ALONE[keyed], _alone(foreseen, after, admitted[0])
    else:
        statement, parameters = _MANY[keyed], _many(foreseen, after, admitted)
    try:
        recorded = await statement.run(connection, parameters, meanwhile)
    except (pg.DivisionByZero, pg.UniqueViolation) as error:
        raise NotAsForeseenError from error
    if not recorded:
        raise NotAsForeseenError


def _alone(
    foreseen: Mapping[CounterKey, Standing], after: Mapping[CounterKey, Standing], admitted: Consumption
) -> list[bytes | None]:
    key, quantity, _, at, idempotency_key, credential_id, _, _, properties, member_id, _, _ = admitted
    (now,), (then,) = foreseen.values(), after.values()
    return [
        key.organization_id.bytes,
        packing.short(key.meter_id),
        packing.moment(key.period_start),
        key.member_id.bytes,
        *_bare(now),
        *_bare(then),
        packing.long(now.carried),
        packing.long(now.credited),
        packing.long(now.topped),
        new_id().bytes,
        packing.long(quantity),
        packing.moment(at),
        None if credential_id is None else credential_id.bytes,
        None if idempotency_key is None else idempotency_key.encode(),
        None if member_id is None else member_id.bytes,
        None if properties is None else packing.jsonb(properties.encode()),
    ]


def _bare(standing: Standing) -> list[bytes | None]:
    limit, latest = standing.told_limit, standing.latest_at
    return [
        packing.long(standing.used),
        packing.short(standing.told),
        None if limit is None else packing.long(limit),
        None if latest is None else packing.moment(latest),
    ]


def _many(
    foreseen: Mapping[CounterKey, Standing], after: Mapping[CounterKey, Standing], admitted: Sequence[Consumption]
) -> list[bytes | None]:
    return [
        *_moves(foreseen, after),
        packing.made_uuids(new_ids(len(admitted))),
        packing.longs(each.quantity for each in admitted),
        packing.moments(each.at for each in admitted),
        packing.uuids(each.credential_id for each in admitted),
        packing.texts(each.idempotency_key for each in admitted),
        packing.uuids(each.member_id for each in admitted),
        packing.jsonbs(each.properties for each in admitted),
        packing.uuids(each.counter[0] for each in admitted),
        packing.shorts(each.counter[1] for each in admitted),
        packing.moments(each.counter[2] for each in admitted),
    ]


def _moves(foreseen: Mapping[CounterKey, Standing], after: Mapping[CounterKey, Standing]) -> list[bytes | None]:
    now = foreseen.values()
    return [
        packing.uuids(key[0] for key in foreseen),
        packing.shorts(key[1] for key in foreseen),
        packing.moments(key[2] for key in foreseen),
        packing.uuids(key[3] for key in foreseen),
        *_moving(now),
        *_moving(after.values()),
        packing.longs(each.carried for each in now),
        packing.longs(each.credited for each in now),
        packing.longs(each.topped for each in now),
    ]


def _moving(standings: Collection[Standing]) -> list[bytes]:
    return [
        packing.longs(each.used for each in standings),
        packing.shorts(each.told for each in standings),
        packing.longs(each.told_limit for each in standings),
        packing.moments(each.latest_at for each in standings),
    ]
