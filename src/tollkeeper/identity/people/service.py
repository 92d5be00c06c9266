"""Use cases of what people say of themselves."""

from collections.abc import Mapping
from dataclasses import replace
from uuid import UUID

from tollkeeper.infra import Tx
from tollkeeper.kit import UnauthenticatedError

from . import store
from .model import Notification, Picture, PictureNotFoundError, Portrait, Preferences, Theme


async def portrait_of(tx: Tx, user_id: UUID) -> Portrait:
    """Return what every page shows of the person a credential speaks for.

    Raises:
        UnauthenticatedError: the person is gone, so the credential is worth nothing.
    """
    found = await store.portrait(tx, user_id)
    if found is None:
        raise UnauthenticatedError
    return found


async def get_preferences(tx: Tx, user_id: UUID) -> Preferences:
    """Return how the person wants to be treated: what they chose, or the defaults."""
    return await store.preferences(tx, user_id) or Preferences()


async def change_preferences(
    tx: Tx,
    user_id: UUID,
    *,
    theme: Theme | None = None,
    language: str | None = None,
    notifications: Mapping[Notification, bool] | None = None,
) -> Preferences:
    """Change what is given and leave what is None; sorts of messages that are not named stay, too.

    `language` comes out of `check_language_tag`.
    """
    before = await get_preferences(tx, user_id)
    chosen = replace(
        before,
        theme=theme or before.theme,
        language=language or before.language,
        notifications={**before.notifications, **(notifications or {})},
    )
    if chosen != before:
        await store.save_preferences(tx, user_id, chosen)
        await tx.record("preferences.changed", target=("user", user_id), before=_told(before), after=_told(chosen))
    return chosen


def _told(chosen: Preferences) -> dict[str, object]:
    return {"theme": chosen.theme, "language": chosen.language, "notifications": dict(chosen.notifications)}


async def get_picture(tx: Tx, user_id: UUID) -> Picture:
    """Return the person's picture.

    Raises:
        PictureNotFoundError: they show none.
    """
    found = await store.picture(tx, user_id)
    if found is None:
        raise PictureNotFoundError
    return found


async def set_picture(tx: Tx, user_id: UUID, drawn: bytes) -> None:
    """Show this picture from now on; it comes out of `redraw`."""
    await store.save_picture(tx, user_id, drawn)
    await tx.record("picture.changed", target=("user", user_id))


async def remove_picture(tx: Tx, user_id: UUID) -> None:
    """Show no picture any more; showing none already is no error."""
    if await store.remove_picture(tx, user_id):
        await tx.record("picture.removed", target=("user", user_id))
