"""Values of notify: a mail that is wanted, and what can go wrong."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from tollkeeper.kit import UnavailableError


@dataclass(frozen=True, slots=True)
class Mail:
    """One mail to one person, not yet put into words. `data` is what its template is filled with: JSON values."""

    id: UUID
    to: str
    template: str
    data: dict[str, Any]
    wanted_at: datetime


class MailUnavailableError(UnavailableError):
    """The mail server does not answer, or takes no mail at the moment."""

    code = "mail_unavailable"
    title = "The mail server takes no mail at the moment"
