"""Where counters stand at a moment, without writing: the same that deciding would find under their locks."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import NamedTuple
from uuid import UUID

from . import rules, store
from .model import CounterKey, Standing, Terms

_END_OF_TIME = datetime.max.replace(tzinfo=UTC)


class Look(NamedTuple):
    """A question about a counter; `member_id` about that member's use of it, too."""

    counter: CounterKey
    terms: Terms | None = None
    member_id: UUID | None = None


class Seen(NamedTuple):
    """What a counter stands at, what credits have left for it, and what the member used; None: not asked."""

    standing: Standing
    credits: int
    member: Standing | None = None


async def look(connection: store.Connection, looks: Sequence[Look], now: datetime) -> list[Seen]:
    """Answer questions in their order. The connection should be in one snapshot: the answers then belong together."""
    keys = sorted({each.counter for each in looks} | {_of_member(each) for each in looks if each.member_id})
    found = await store.view_counters(connection, keys)
    grants = await store.open_grants(connection, sorted({key[:2] for key in keys}), now, lock=False)
    seen = []
    for each in looks:
        standing = await _standing(connection, each, found, now)
        left = sum(amount for _, amount in grants.get(each.counter[:2], ()))
        member = await _member(connection, each, found, now) if each.member_id else None
        seen.append(Seen(standing, left, member))
    return seen


def _of_member(each: Look) -> CounterKey:
    return each.counter._replace(member_id=each.member_id) if each.member_id else each.counter


async def _standing(
    connection: store.Connection, each: Look, found: dict[CounterKey, Standing], now: datetime
) -> Standing:
    key = each.counter
    standing = await _rolled(connection, key, found.get(key, Standing()), now)
    if key not in found and each.terms is not None and each.terms.previous is not None:
        before = await store.previous(connection, key, each.terms.previous, lock=False)
        return standing._replace(carried=rules.carried(before or Standing(), each.terms))
    return standing


async def _member(
    connection: store.Connection, each: Look, found: dict[CounterKey, Standing], now: datetime
) -> Standing:
    key, counter = _of_member(each), found.get(each.counter, Standing())
    if counter.by_member:
        return await _rolled(connection, key, found.get(key, Standing(since=counter.since)), now)
    if rules.window_of(key) is not None:
        return await _rolled(connection, key, Standing(), now)
    used = {who: used for who, used, _ in await store.used_by_members(connection, key, only=each.member_id)}
    return Standing(used.get(key.member_id, 0), await store.held_by(connection, key))


async def _rolled(connection: store.Connection, key: CounterKey, before: Standing, now: datetime) -> Standing:
    window = rules.window_of(key)
    if window is None:
        return before
    until = rules.boundary(before.since, window, now)
    if before.since is None:
        used = await store.used_within(connection, key, until, _END_OF_TIME)
        return before._replace(used=used, reserved=await store.held_by(connection, key), since=until)
    left = await store.used_within(connection, key, before.since, until) if until > before.since else 0
    return before._replace(used=max(0, before.used - left), since=until)


async def members_of(
    connection: store.Connection, counter: CounterKey, now: datetime, *, most: int, only: UUID | None = None
) -> list[tuple[UUID, int, datetime]]:
    """Return who used how much in a counter's period or window, the most first, and when last; `most` members at most.

    What was used by nobody who was told is not in it. `only`: of one member; None: of all.
    """
    window = rules.window_of(counter)
    since = None if window is None else now - window
    return await store.used_by_members(connection, counter, since=since, only=only, most=most)
