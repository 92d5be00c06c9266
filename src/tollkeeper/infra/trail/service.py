"""Sealing the trail, verifying it, reading it, and letting go of what it holds of a person."""

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING
from uuid import UUID

from tollkeeper.kit import Page, moment_of, new_id, page_by_id

from . import rules, store
from .model import MOST_FAULTS, Head, Record, Sought, Verified

if TYPE_CHECKING:
    from tollkeeper.infra.runtime import Tx

ERASED = "trail.erased"
"""The action of records that say whose details were emptied."""

_BATCH = 1000


async def write_down(tx: "Tx", record: Record) -> None:
    """Add a record to the trail, without what is called like a secret or looks like one."""
    before, after = rules.written_down(record.before), rules.written_down(record.after)
    await store.add(tx, replace(record, before=before, after=after))


async def search_trail(tx: "Tx", sought: Sought, *, cursor: UUID | None = None, limit: int = 50) -> Page[Record]:
    """Return one page of what is looked for, newest first."""
    found = await store.find(tx, sought, before=cursor, limit=limit + 1)
    return page_by_id(found, limit)


async def count_trail(tx: "Tx", sought: Sought, *, most: int) -> int | None:
    """Return how many records are looked for; None: more than `most`, which is as far as they are counted."""
    found = await store.count(tx, sought, most=most + 1)
    return found if found <= most else None


async def seal_trail(tx: "Tx") -> Head:
    """Seal every record that waits for it, in the order they became visible; return the chain's new end."""
    head = await store.lock_chain(tx)
    while waiting := await store.take_waiting(tx, _BATCH):
        rows = []
        for record_id, content, details in waiting:
            confirmed = rules.sealed_hash(details)
            head = Head(head.sequence + 1, rules.seal(head.hash, content, confirmed))
            rows.append(
                {"sequence": head.sequence, "record_id": record_id, "details_hash": confirmed, "hash": head.hash}
            )
        await store.add_seals(tx, rows)
    return head


async def end_of_trail(tx: "Tx") -> Head:
    """Return the chain's end."""
    return await store.head(tx)


async def sealing_lag(tx: "Tx") -> timedelta:
    """Return for how long the oldest record without a seal has been waiting for it; zero when none is."""
    oldest = await store.oldest_waiting(tx)
    # Both are the machine's own time, wherever the product's clock stands.
    return timedelta() if oldest is None else max(timedelta(), moment_of(new_id()) - moment_of(oldest))


async def verify_trail(tx: "Tx", *, noted: Head | None = None) -> Verified:
    """Go through the whole chain and say where a record was changed, removed or put in. At most 100 faults are told.

    Args:
        tx: a transaction in which nothing was asked yet: it is made to see one moment of the database.
        noted: an end of the chain that was noted elsewhere before: everything up to it must still be there.
    """
    await store.stand_still(tx)
    found = Verified(Head(0, rules.FIRST))
    known = await store.erasures(tx, ERASED)
    while found.sound_enough and (links := await store.links(tx, after=found.head.sequence, limit=_BATCH)):
        for link in links:
            what = rules.check_link(found.head, link)
            if link.details is not None and link.details.erased_by is not None:
                found.erased += 1
                what = what or (None if link.details.erased_by in known else "its details were emptied by nobody")
            found.note(link.sequence, link.record_id, what)
            found.head = Head(link.sequence, link.hash)
    for stray in await store.strays(tx, MOST_FAULTS):
        found.note(0, stray, "the record was put in: it was not written with what it says")
    if noted is not None and noted.sequence and await store.hash_at(tx, noted.sequence) != noted.hash:
        found.note(noted.sequence, None, "the chain does not hold the end that was noted")
    found.waiting = await store.count_waiting(tx)
    return found


async def erase_from_trail(tx: "Tx", user_id: UUID, email: str) -> int:
    """Empty the details that tell of a person; that they were is recorded. Returns of how many records.

    What was done stays, by and to an id that leads to nobody.
    """
    record = await tx.record(ERASED, target=("user", user_id))
    return await store.erase(tx, user_id, email.lower(), record)
