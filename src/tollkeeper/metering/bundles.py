"""The use case of bundles: the same as `consume`, for events that come in thousands."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from . import rules, store
from .model import Aggregation, Bundle, CounterKey, Crossing, Standing, Tally, Verdict
from .preparing import locked, take_in_holders
from .service import of_refused, record


async def consume_bundles(
    connection: store.Connection, bundles: Sequence[Bundle], now: datetime
) -> tuple[list[Tally], list[Crossing], Mapping[CounterKey, Standing]]:
    """Decide and record bundles inside the caller's open transaction; they count when the caller commits.

    Args:
        connection: inside a transaction of its own, not in pipeline mode.
        bundles: in the order they arrived.
        now: reservations held beyond it are given up first.

    Returns:
        One tally a bundle; the thresholds that were reached, which the caller tells in the same transaction; and what
        the counters that moved stand at then.
    """
    standing = await locked(connection, bundles, now)
    holding = [key for key, each in standing.items() if each.reserved]
    valued = [
        each for bundle in bundles if bundle.like.aggregation is Aggregation.UNIQUE for each in bundle.consumptions()
    ]
    known = rules.Known(
        keys=await store.seen_bundle_keys(connection, bundles),
        values=await store.seen_values(connection, valued) if valued else frozenset(),
        expired=await store.expired_of(connection, holding, now) if holding else (),
    )
    if known.expired:
        await take_in_holders(connection, standing, known.expired, now)
    decision = rules.decide_bundles(bundles, standing, known)
    refused = [
        bundle.counter
        for bundle, tally in zip(bundles, decision.tallies, strict=True)
        if Verdict.REFUSED in tally.verdicts
    ]
    if refused:
        grants = await of_refused(connection, refused, now)
        decision = rules.decide_bundles(bundles, standing, replace(known, grants=grants))
    if decision.kept:
        await store.copy_keys(connection, await store.copy_events(connection, decision.kept))
    await record(connection, decision.rest)
    return decision.tallies, decision.rest.crossings, decision.rest.counters
