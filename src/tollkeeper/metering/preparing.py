"""Counters made ready for deciding: locked, new ones made, and brought up to the moment.

Most counters only have to be locked. A rolling window forgets what has left it; a new period is given what the one
before left over; the members' own counters stand beside the organization's where they have limits.

Counters that are made of events another counter took must not outlive that: whatever moves a counter alone that a
rolling window was summed from (`rolled`), or beside which members are counted (`by_member`), drops what it leaves
behind, and the next to want it sums it anew. All of it happens under the lock of the organization's counter.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import TypeAlias
from uuid import UUID

from . import rules, store
from .model import NOBODY, Bundle, Consumption, CounterKey, Hold, Request, Reservation, Settle, Standing, Terms

Counted: TypeAlias = dict[CounterKey, Standing]


async def locked(connection: store.Connection, requests: Sequence[Request | Bundle], now: datetime) -> Counted:
    """Lock the counters of a batch until the transaction ends; return what each stands at now."""
    counters = rules.counters_of(requests)
    standing = await store.lock_counters(connection, counters)
    fresh = [key for key in counters if key not in standing] if len(standing) < len(counters) else []
    made: set[CounterKey] = set()
    if fresh:
        made = await store.create_counters(connection, fresh, now)
        await store.drop_windows(connection, fresh, rules.WINDOW_STARTS)
        standing |= await store.lock_counters(connection, fresh)
    terms = _terms_of(requests)
    if terms or any(each.since or each.by_member or each.rolled for each in standing.values()) or _roll(made):
        await _Preparation(connection, standing, now).run(requests, terms, made)
    return standing


def _roll(made: Iterable[CounterKey]) -> bool:
    return any(rules.window_of(key) for key in made)


def _of(request: Request | Bundle) -> Consumption | Hold | None:
    """Return what a request says about whom it counts for; None for one that only gives back."""
    if isinstance(request, Bundle):
        return request.like
    if isinstance(request, Settle):
        return request.consumption
    return request if isinstance(request, Consumption | Hold) else None


def _terms_of(requests: Sequence[Request | Bundle]) -> dict[CounterKey, Terms]:
    """Return the terms of counters that have any, by the last request about each."""
    return {each.counter: each.terms for each in map(_of, requests) if each is not None and each.terms is not None}


class _Preparation:
    """One batch's counters being brought up to the moment; `standing` is changed in place."""

    def __init__(self, connection: store.Connection, standing: Counted, now: datetime) -> None:
        self._connection = connection
        self._standing = standing
        self._now = now
        self._changed: set[CounterKey] = set()

    async def run(
        self, requests: Sequence[Request | Bundle], terms: dict[CounterKey, Terms], made: set[CounterKey]
    ) -> None:
        for key in sorted(self._standing):
            if self._standing[key].rolled:
                await store.drop_windows(self._connection, [key], rules.WINDOW_STARTS)
                self._set(key, self._standing[key]._replace(rolled=False))
        for key in sorted(made & terms.keys()):
            await self._carry(key, terms[key])
        for key in sorted(self._standing):
            await self._roll(key)
        await self._count_members(requests, terms)
        await self.write()

    async def write(self) -> None:
        """Write down what was brought up to the moment."""
        if self._changed:
            await store.write_further(self._connection, {key: self._standing[key] for key in self._changed})

    def _set(self, key: CounterKey, now: Standing) -> None:
        self._standing[key] = now
        self._changed.add(key)

    async def _carry(self, key: CounterKey, terms: Terms) -> None:
        """Give a new period what the one before left over. Whoever made its counter does, once."""
        if terms.previous is None:
            return
        before = await store.previous(self._connection, key, terms.previous, lock=True)
        carried = rules.carried(before or Standing(), terms)
        if carried:
            self._set(key, self._standing[key]._replace(carried=carried))

    async def _roll(self, key: CounterKey) -> None:
        """Forget what has left a rolling window; one that is new is summed from the events within it."""
        window = rules.window_of(key)
        if window is None:
            return
        before = self._standing[key]
        until = rules.boundary(before.since, window, self._now)
        if before.since is None:
            if key.member_id == NOBODY:
                await store.mark_rolled(self._connection, key)
            used = await store.used_within(self._connection, key, until, datetime.max.replace(tzinfo=until.tzinfo))
            held = await store.held_by(self._connection, key)
            self._set(key, before._replace(used=used, reserved=held, since=until))
        elif until > before.since:
            left = await store.used_within(self._connection, key, before.since, until)
            self._set(key, before._replace(used=max(0, before.used - left), since=until))

    async def _count_members(self, requests: Sequence[Request | Bundle], terms: dict[CounterKey, Terms]) -> None:
        """Have the counters of members at hand where they have limits; drop them where they have none any more."""
        members: dict[CounterKey, set[UUID]] = {}
        for each in map(_of, requests):
            if each is not None and each.member_id is not None:
                members.setdefault(each.counter, set()).add(each.member_id)
        for key, who in sorted(members.items()):
            before, limited = self._standing[key], key in terms and terms[key].per_member is not None
            if limited and not before.by_member:
                await store.make_members(self._connection, key, before.since)
            elif before.by_member and not limited:
                await store.drop_members(self._connection, key)
            if limited != before.by_member:
                self._set(key, before._replace(by_member=limited))
            if limited:
                await self.take_in(key._replace(member_id=each) for each in who)

    async def take_in(self, keys: Iterable[CounterKey]) -> None:
        """Lock the counters of members beside one that is locked, and bring them up to the moment."""
        wanted = sorted(keys)
        found = await store.lock_counters(self._connection, wanted)
        for key in wanted:
            since = self._standing[key._replace(member_id=NOBODY)].since
            if key not in found:
                await store.create_counters(self._connection, [key], self._now)
                found[key] = Standing(since=since)
                self._changed.add(key)
            self._standing[key] = found[key]
            await self._roll(key)


async def take_in_holders(
    connection: store.Connection, standing: Counted, reservations: Iterable[Reservation], now: datetime
) -> None:
    """Lock the counters of the members whose reservations are about to change, too."""
    preparation = _Preparation(connection, standing, now)
    for each in reservations:
        counter = standing.get(each.counter)
        if each.member_id is not None and counter is not None and counter.by_member:
            key = each.counter._replace(member_id=each.member_id)
            if key not in standing:
                await preparation.take_in([key])
    await preparation.write()
