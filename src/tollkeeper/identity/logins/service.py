"""Use cases of logins."""

from collections.abc import Sequence
from dataclasses import replace
from uuid import UUID

from tollkeeper.identity.guessing import Device, remember_device
from tollkeeper.identity.model import User
from tollkeeper.identity.service import close_login, close_session
from tollkeeper.infra import Tx
from tollkeeper.kit import Actor, ActorKind
from tollkeeper.notify import send_mail

from . import store
from .model import Login, LoginNotFoundError
from .naming import device_name, place_of


async def list_logins(tx: Tx, user_id: UUID, actor: Actor | None = None) -> Sequence[Login]:
    """Return where somebody is logged in, the caller's own login first, then the one used last."""
    own = await _own(tx, actor)
    found = [*await store.sessions_of(tx, user_id), *await store.lone_families_of(tx, user_id)]
    marked = [replace(each, is_current=each.id == own) for each in found]
    return sorted(marked, key=lambda each: (not each.is_current, -each.last_seen_at.timestamp()))


async def note_arrival(tx: Tx, user: User, device: Device, *, sent_token: bool) -> None:
    """Know the device of somebody who has just logged in, and tell them by mail when it is a new one.

    `sent_token` says whether the device brought its cookie itself.
    """
    if await remember_device(tx, user.id, device, sent_token=sent_token):
        await send_mail(
            tx,
            to=user.email,
            template="new_device",
            name=user.name,
            device=device_name(device.user_agent),
            ip=device.ip,
            place=place_of(tx.runtime, device.ip),
            at=tx.now.isoformat(),
        )


async def close_login_of_person(tx: Tx, user_id: UUID, login_id: UUID) -> None:
    """End one login of somebody's.

    Raises:
        LoginNotFoundError: they have no such login.
    """
    if all(each.id != login_id for each in await list_logins(tx, user_id)):
        raise LoginNotFoundError
    await close_session(tx, login_id)
    await close_login(tx, login_id)


async def close_logins(tx: Tx, user_id: UUID, *, keep: Actor | None = None) -> int:
    """End every login of somebody's but the one `keep` calls with; return how many ended."""
    ending = [each for each in await list_logins(tx, user_id, keep) if not each.is_current]
    for each in ending:
        await close_session(tx, each.id)
        await close_login(tx, each.id)
    return len(ending)


async def _own(tx: Tx, actor: Actor | None) -> UUID | None:
    if actor is None or actor.credential_id is None:
        return None
    if actor.kind is ActorKind.SESSION:
        return actor.credential_id
    if actor.kind is ActorKind.TOKEN:
        return await store.session_of_family(tx, actor.credential_id) or actor.credential_id
    return None
