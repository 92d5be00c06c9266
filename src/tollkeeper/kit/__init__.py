"""Pure values every floor speaks in: money, ids, time, who acts, what can go wrong, pages of results.

Owns: the vocabulary. Does not own: any I/O, setting or rule of a domain.
Invariants: nothing here imports Tollkeeper, touches a file, a socket or the system clock (but `SystemClock`).
"""

from .actor import ROLE_PERMISSIONS, Actor, ActorKind, Permission, Role
from .clock import Clock, FixedClock, MovableClock, SystemClock
from .colour import READABLE, Colour
from .errors import (
    ConflictError,
    FieldProblem,
    ForbiddenError,
    InvalidInputError,
    NotFoundError,
    TollkeeperError,
    UnauthenticatedError,
    UnavailableError,
)
from .ids import id_or, moment_of, new_id, parse_id
from .money import Money
from .pages import (
    Order,
    Page,
    page_by_id,
    page_of,
    read_cursor,
    read_moment,
    read_moment_or_none,
    read_number,
    read_word,
)
from .redirects import MAX_URL, own_path, return_url

__all__ = [
    "MAX_URL",
    "READABLE",
    "ROLE_PERMISSIONS",
    "Actor",
    "ActorKind",
    "Clock",
    "Colour",
    "ConflictError",
    "FieldProblem",
    "FixedClock",
    "ForbiddenError",
    "InvalidInputError",
    "Money",
    "MovableClock",
    "NotFoundError",
    "Order",
    "Page",
    "Permission",
    "Role",
    "SystemClock",
    "TollkeeperError",
    "UnauthenticatedError",
    "UnavailableError",
    "id_or",
    "moment_of",
    "new_id",
    "own_path",
    "page_by_id",
    "page_of",
    "parse_id",
    "read_cursor",
    "read_moment",
    "read_moment_or_none",
    "read_number",
    "read_word",
    "return_url",
]
