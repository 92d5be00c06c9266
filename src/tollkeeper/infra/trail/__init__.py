"""The trail: what was done, by whom, from where, written by the transaction that did it.

Owns: the records, their details and the chain of seals. Does not own: what is worth a record; each domain says
`await tx.record(...)` beside what it saves.
Invariants: a record exists exactly if its transaction committed; no secret is in it; rows of the trail and of the chain
are never changed or removed; every record gets its seal once, in the order transactions became visible. Details are
emptied when a person is erased, which leaves a record of its own, and the chain unbroken.
What each time means: `at` is the moment the record's transaction stands for.
"""

from .model import NOBODY, SYSTEM, Fault, Head, Origin, Record, Sought, Verified, acting, current_origin
from .reading import origin_of
from .rules import differences
from .service import (
    count_trail,
    end_of_trail,
    erase_from_trail,
    seal_trail,
    sealing_lag,
    search_trail,
    verify_trail,
    write_down,
)

__all__ = [
    "NOBODY",
    "SYSTEM",
    "Fault",
    "Head",
    "Origin",
    "Record",
    "Sought",
    "Verified",
    "acting",
    "count_trail",
    "current_origin",
    "differences",
    "end_of_trail",
    "erase_from_trail",
    "origin_of",
    "seal_trail",
    "sealing_lag",
    "search_trail",
    "verify_trail",
    "write_down",
]
