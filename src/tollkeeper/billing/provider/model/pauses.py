"""Pauses of collecting, and payments that are neither made nor failed yet."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class PauseBehavior(StrEnum):
    """What becomes of the invoices that fall into a pause."""

    VOID = "void"
    """They are void: nothing is owed for that time, and the plan is not given for it."""
    KEEP_AS_DRAFT = "keep_as_draft"
    """They wait and are collected later; the plan stays."""
    MARK_UNCOLLECTIBLE = "mark_uncollectible"
    """They are given up: the plan stays, as a present."""


@dataclass(frozen=True, slots=True)
class Pause:
    """Collecting rests. `behavior`: a `PauseBehavior` or a word invented later. `until` None: until taken back."""

    behavior: str
    until: datetime | None


class PaymentProgress(StrEnum):
    """Where the payment of an open invoice stands."""

    WAITING = "waiting"
    """Nothing is under way; it is tried again later, or never."""
    PROCESSING = "processing"
    """The money is on its way, as from a bank account: days may pass before it arrives or comes back."""
    REQUIRES_ACTION = "requires_action"
    """The customer has to confirm it."""
