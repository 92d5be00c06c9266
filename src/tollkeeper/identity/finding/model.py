"""Values of finding people."""

from dataclasses import dataclass
from enum import StrEnum

from tollkeeper.identity.model import User
from tollkeeper.identity.staff import StaffRole


class PeopleOrder(StrEnum):
    """How people are listed."""

    CREATED = "created"
    EMAIL = "email"
    NAME = "name"


@dataclass(frozen=True, slots=True)
class Known:
    """A person in a list. `role`: among the staff; None: they are none."""

    user: User
    role: StaffRole | None
