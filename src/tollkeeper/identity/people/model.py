"""Values of what people say of themselves."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from tollkeeper.identity.model import User
from tollkeeper.kit import NotFoundError

MAX_PICTURE = 1024 * 1024
PICTURE_SIDE = 256
PICTURE_TYPE = "image/webp"
PICTURE_KINDS = ("image/png", "image/jpeg", "image/webp")
"""What may be sent; what is kept is PICTURE_TYPE, PICTURE_SIDE pixels high and wide."""


class Theme(StrEnum):
    """How pages look; `system` is as the browser asks."""

    SYSTEM = "system"
    LIGHT = "light"
    DARK = "dark"


class Notification(StrEnum):
    """Sorts of messages a person may do without. What keeps an account safe is sent in any case, and is none."""

    USAGE = "usage"
    """Limits that come near or are reached."""
    BILLING = "billing"
    """Invoices, payments, trials that end."""
    TEAM = "team"
    """Who came and went, and as what."""
    NEWS = "news"
    """What is new, and tips."""


@dataclass(frozen=True, slots=True)
class Preferences:
    """How a person wants to be treated. A sort of message not in `notifications` is wanted."""

    theme: Theme = Theme.SYSTEM
    language: str = "en"
    notifications: Mapping[Notification, bool] = field(default_factory=dict)

    def wants(self, sort: Notification) -> bool:
        """Whether messages of this sort are wanted."""
        return self.notifications.get(sort, True)


@dataclass(frozen=True, slots=True)
class Portrait:
    """What every page shows of who looks at it. `leaving_at` is when they will be deleted; None: they stay."""

    user: User
    preferences: Preferences
    has_picture: bool
    leaving_at: datetime | None


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture of somebody, as `PICTURE_TYPE`."""

    content: bytes
    changed_at: datetime


class PictureNotFoundError(NotFoundError):
    """The person shows no picture."""

    code = "picture_not_found"
    title = "There is no picture"
    hint = "Send one with `POST /api/profile/picture`."
