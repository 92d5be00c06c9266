"""Writing to people about what they may do without, and about what they must know."""

from collections.abc import Collection
from typing import Any
from uuid import UUID

from tollkeeper.infra import Tx
from tollkeeper.notify import send_mail

from . import store
from .model import Notification


async def write_to(tx: Tx, user_ids: Collection[UUID], template: str, *, sort: Notification | None, **data: Any) -> int:
    """Have a mail sent to each of these people who wants mails of this sort; returns how many there are.

    Args:
        tx: the transaction that wants it; it must see these people.
        user_ids: who it concerns. Nobody is written to at an address that was not proved to be theirs.
        template: what is written, with `name` filled in for each.
        sort: what it is about; None: it is sent in any case, whatever they chose.
        data: what else the template is filled with.
    """
    people = await store.addressees(tx, user_ids, sort)
    for name, email in people:
        await send_mail(tx, to=email, template=template, name=name, **data)
    return len(people)
