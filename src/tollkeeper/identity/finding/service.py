"""Use cases of finding people and keys."""

from collections.abc import Sequence
from uuid import UUID

from tollkeeper.identity.model import ApiKey
from tollkeeper.identity.rules import shown_parts
from tollkeeper.identity.staff import PersonNotFoundError
from tollkeeper.infra import Tx
from tollkeeper.kit import Page, parse_id

from . import store
from .model import Known, PeopleOrder

_LAST_FOUR = 4


async def browse_people(
    tx: Tx,
    *,
    begins: str = "",
    only_staff: bool = False,
    order: PeopleOrder = PeopleOrder.CREATED,
    descending: bool = True,
    cursor: str = "",
    limit: int = 50,
) -> Page[Known]:
    """Return one page of everybody with a login.

    Args:
        tx: a transaction that sees everybody's rows.
        begins: only those whose address begins so; they are listed by address.
        only_staff: only the operator's staff.
        order: by what they are listed.
        descending: from the newest, or from the end of the alphabet.
        cursor: from the page before; empty: from the beginning, and so is what is none.
        limit: the most that are returned.
    """
    last = parse_id(cursor)
    order = PeopleOrder.EMAIL if begins else order
    found = await store.browse(
        tx,
        begins=begins.lower(),
        only_staff=only_staff,
        order=order,
        descending=descending,
        after=await store.place_of(tx, last, order) if last else None,
        limit=limit + 1,
    )
    return Page(found[:limit], str(found[limit - 1].user.id) if len(found) > limit else None)


async def get_known(tx: Tx, user_id: UUID) -> Known:
    """Return one person.

    Raises:
        PersonNotFoundError: there is nobody of this id.
    """
    found = await store.of_id(tx, user_id)
    if not found:
        raise PersonNotFoundError
    return found[0]


async def people_called(tx: Tx, text: str, *, limit: int) -> Sequence[Known]:
    """Return who has this id, and those whose address or name begins so, at most `limit`."""
    user_id = parse_id(text)
    known = await store.of_id(tx, user_id) if user_id else []
    begin = await store.beginning(tx, text.lower(), limit=limit)
    return list({each.user.id: each for each in (*known, *begin)}.values())[:limit]


async def keys_shown_as(tx: Tx, text: str, *, limit: int) -> Sequence[ApiKey]:
    """Return keys by what is shown of them: the beginning, the last four, both (`tk_live_ab…wxyz`), or by their id."""
    key_id = parse_id(text)
    if key_id is not None:
        return await store.keys(tx, key_id=key_id, limit=limit)
    begin, _, end = text.replace("...", "…").partition("…")
    if begin.startswith("tk_"):
        prefix, last_four = shown_parts(begin)
        is_whole = not end and len(begin) > len(prefix) + _LAST_FOUR
        return await store.keys(tx, prefix=prefix, last_four=last_four if is_whole else end, limit=limit)
    return await store.keys(tx, last_four=text, limit=limit) if len(text) == _LAST_FOUR else []
