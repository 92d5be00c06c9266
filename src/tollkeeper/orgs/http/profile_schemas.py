"""What the API takes and answers about the caller's own settings, exports and leaving."""

from collections.abc import Sequence
from datetime import datetime
from typing import Literal, Self
from uuid import UUID

from pydantic import BaseModel, Field

from tollkeeper.identity import Deletion, Export, Notification, Preferences, Theme

from .schemas import Body, Text


class PreferencesBody(Body):
    """What to change; what is left out stays as it is."""

    theme: Theme | None = None
    language: Text | None = Field(
        None, description="What you read best, a language tag. Where there are no words in it, they are English."
    )
    notifications: dict[Notification, bool] | None = Field(
        None, description="Which sorts of messages you want. What keeps the account safe is sent in any case."
    )


class PreferencesOut(BaseModel):
    """How a person wants to be treated."""

    theme: Theme
    language: str
    notifications: dict[Notification, bool]

    @classmethod
    def of(cls, chosen: Preferences) -> Self:
        """Show preferences, every sort of message named."""
        wanted = {sort: chosen.wants(sort) for sort in Notification}
        return cls(theme=chosen.theme, language=chosen.language, notifications=wanted)


class ExportOut(BaseModel):
    """What the caller asked to be told of themselves: a zip of JSON files, to be fetched until `expires_at`."""

    id: UUID
    status: Literal["pending", "ready"]
    requested_at: datetime
    ready_at: datetime | None
    expires_at: datetime

    @classmethod
    def of(cls, export: Export) -> Self:
        """Show an export."""
        return cls(
            id=export.id,
            status="pending" if export.ready_at is None else "ready",
            requested_at=export.requested_at,
            ready_at=export.ready_at,
            expires_at=export.expires_at,
        )


class ExportList(BaseModel):
    """The caller's exports, newest first."""

    data: list[ExportOut]
    next_cursor: None = None

    @classmethod
    def of(cls, exports: Sequence[Export]) -> Self:
        """Show exports."""
        return cls(data=[ExportOut.of(each) for each in exports])


class DeletionOut(BaseModel):
    """Whether the caller asked to be deleted; until `due_at` they can take it back. Both null: they did not."""

    requested_at: datetime | None = None
    due_at: datetime | None = None

    @classmethod
    def of(cls, wish: Deletion | None) -> Self:
        """Show a wish to be deleted, or that there is none."""
        return cls(requested_at=wish.requested_at, due_at=wish.due_at) if wish else cls()
