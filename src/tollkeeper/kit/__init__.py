"""Pure values every floor speaks in: money, ids, time, who acts, what can go wrong, pages of results.

Owns: the vocabulary. Does not own: any I/O, setting or rule of a domain.
Invariants: nothing here imports Tollkeeper, touches a file, a socket or the system clock (but `SystemClock`).
"""

from .actor import ROLE_PERMISSIONS, Actor, ActorKind, Permission, Role
from .clock import Clock, FixedClock, MovableClock, SystemClock
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
from .ids import new_id, parse_id
from .money import Money
from .pages import Page, page_of, read_cursor

__all__ = [
    "ROLE_PERMISSIONS",
    "Actor",
    "ActorKind",
    "Clock",
    "ConflictError",
    "FieldProblem",
    "FixedClock",
    "ForbiddenError",
    "InvalidInputError",
    "Money",
    "MovableClock",
    "NotFoundError",
    "Page",
    "Permission",
    "Role",
    "SystemClock",
    "TollkeeperError",
    "UnauthenticatedError",
    "UnavailableError",
    "new_id",
    "page_of",
    "parse_id",
    "read_cursor",
]
