"""Use cases of leases."""

import math
from collections.abc import Mapping
from datetime import timedelta
from uuid import UUID

from tollkeeper.infra import Tx
from tollkeeper.kit import FieldProblem, new_id

from . import store
from .model import Lease, LeaseNotFoundError, TooManyAtOnceError, UnknownWorkError

Concurrency = Mapping[str, int | None]


async def take(
    tx: Tx, organization_id: UUID, concurrency: Concurrency, name: str, *, ttl: timedelta, credential_id: UUID | None
) -> tuple[Lease, int]:
    """Take a lease for `ttl`; returns it and how many of this work are held with it.

    Args:
        tx: the transaction; until it ends nobody else takes leases of this work.
        organization_id: whose.
        concurrency: how much of each kind of work its plan allows; None is not limited.
        name: the kind of work.
        ttl: how long, unless renewed or given back.
        credential_id: the key or session that asks.

    Raises:
        TooManyAtOnceError: as many are held as are allowed.
        UnknownWorkError: the plan does not speak of this work.
    """
    if name not in concurrency:
        raise UnknownWorkError([FieldProblem("name", "the plan says nothing of it", "unknown")])
    limit = concurrency[name]
    await store.lock_work(tx, organization_id, name)
    await store.forget_expired(tx, organization_id, name, tx.now)
    others = await store.expiries(tx, organization_id, name)
    if limit is not None and len(others) >= limit:
        # With a limit that became smaller, so many have to go before one fits.
        wait = math.ceil((others[len(others) - limit] - tx.now).total_seconds())
        raise TooManyAtOnceError(
            f"{len(others)} of {limit} {name} at once are under way.",
            headers={"Retry-After": str(wait)},
            name=name,
            limit=limit,
            in_use=len(others),
            retry_after=wait,
        )
    lease = Lease(new_id(), organization_id, name, tx.now, tx.now + ttl)
    await store.add(tx, lease, credential_id)
    return lease, len(others) + 1


async def renew(tx: Tx, organization_id: UUID, lease_id: UUID, ttl: timedelta) -> Lease:
    """Let a lease run for `ttl` from now.

    Raises:
        LeaseNotFoundError: it was given back or its time is over; its place may be another's.
    """
    lease = await store.prolong(tx, organization_id, lease_id, tx.now + ttl)
    if lease is None:
        raise LeaseNotFoundError
    return lease


async def give_back(tx: Tx, organization_id: UUID, lease_id: UUID) -> None:
    """End a lease.

    Raises:
        LeaseNotFoundError: it was given back before, or its time is over and its place taken.
    """
    if not await store.remove(tx, organization_id, lease_id):
        raise LeaseNotFoundError


async def held(tx: Tx, organization_id: UUID) -> Mapping[str, int]:
    """Return how many leases are held by kind of work; kinds with none are left out."""
    return await store.counts(tx, organization_id)
