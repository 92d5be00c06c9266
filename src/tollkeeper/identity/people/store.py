"""Every SQL statement of what people say of themselves."""

from collections.abc import Collection, Mapping, Sequence
from uuid import UUID

from sqlalchemy import Boolean, delete, func, select, true
from sqlalchemy.dialects import postgresql

from tollkeeper.identity.erasing import account_deletions
from tollkeeper.identity.model import User
from tollkeeper.identity.store import USER
from tollkeeper.identity.tables import users
from tollkeeper.infra import Tx

from .model import Notification, Picture, Portrait, Preferences, Theme
from .tables import user_pictures, user_preferences


async def preferences(tx: Tx, user_id: UUID) -> Preferences | None:
    """Return what the person chose; None when they never did."""
    row = (await tx.connection.execute(select(user_preferences).where(user_preferences.c.user_id == user_id))).first()
    return None if row is None else _preferences(row.theme, row.language, row.notifications)


def _preferences(theme: str, language: str, notifications: Mapping[str, bool]) -> Preferences:
    known = {sort: notifications[sort] for sort in Notification if sort in notifications}
    return Preferences(Theme(theme), language, known)


async def portrait(tx: Tx, user_id: UUID) -> Portrait | None:
    """Return what every page shows of a person, in one go; the picture itself is not read."""
    chosen, leaving = user_preferences.c, account_deletions.c.due_at
    shows = user_pictures.c.user_id.is_not(None).label("shows")
    query = (
        select(*USER, chosen.theme, chosen.language, chosen.notifications, shows, leaving)
        .outerjoin(user_preferences, chosen.user_id == users.c.id)
        .outerjoin(user_pictures, user_pictures.c.user_id == users.c.id)
        .outerjoin(account_deletions, account_deletions.c.user_id == users.c.id)
        .where(users.c.id == user_id)
    )
    row = (await tx.connection.execute(query)).first()
    if row is None:
        return None
    user = User(**{each.name: getattr(row, each.name) for each in USER})
    preferences = _preferences(row.theme, row.language, row.notifications) if row.theme else Preferences()
    return Portrait(user, preferences, row.shows, row.due_at)


async def save_preferences(tx: Tx, user_id: UUID, chosen: Preferences) -> None:
    """Keep what the person chose."""
    values = {
        "theme": chosen.theme,
        "language": chosen.language,
        "notifications": dict(chosen.notifications),
        "changed_at": tx.now,
    }
    statement = postgresql.insert(user_preferences).values(user_id=user_id, **values)
    await tx.connection.execute(statement.on_conflict_do_update(index_elements=["user_id"], set_=values))


async def addressees(tx: Tx, user_ids: Collection[UUID], sort: Notification | None) -> Sequence[tuple[str, str]]:
    """Return name and proved address of those of these people who want such messages; None: of all."""
    chosen = user_preferences.c.notifications[sort.value].astext.cast(Boolean) if sort else true()
    statement = (
        select(users.c.name, users.c.email)
        .outerjoin(user_preferences, user_preferences.c.user_id == users.c.id)
        .where(users.c.id.in_(user_ids), users.c.verified_at.is_not(None), func.coalesce(chosen, true()))
        .order_by(users.c.id)
    )
    return [(row.name, row.email) for row in await tx.connection.execute(statement)]


async def picture(tx: Tx, user_id: UUID) -> Picture | None:
    """Return the person's picture; None when there is none."""
    row = (await tx.connection.execute(select(user_pictures).where(user_pictures.c.user_id == user_id))).first()
    return Picture(row.content, row.changed_at) if row else None


async def save_picture(tx: Tx, user_id: UUID, content: bytes) -> None:
    """Keep the person's picture in place of the one before."""
    values = {"content": content, "changed_at": tx.now}
    statement = postgresql.insert(user_pictures).values(user_id=user_id, **values)
    await tx.connection.execute(statement.on_conflict_do_update(index_elements=["user_id"], set_=values))


async def remove_picture(tx: Tx, user_id: UUID) -> bool:
    """Delete the person's picture; False when there was none."""
    gone = await tx.connection.execute(
        delete(user_pictures).where(user_pictures.c.user_id == user_id).returning(user_pictures.c.user_id)
    )
    return gone.first() is not None
