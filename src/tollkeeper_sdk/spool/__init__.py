"""The spool: usage kept on this machine's disk until the server has it.

Owns: a directory with `spool.db` (SQLite, write-ahead log), `sender.db` (held by the process that sends) and
`dead-letters.jsonl` (what the server will never take, with the reason).
Does not own: what is sent and how (`Replay` is given that).
Invariants: `append` returns after the entry is on disk; concurrent appends share one fsync. An entry leaves only when
the server has answered for it, when it is set aside with a reason, or when the spool is full and told to drop the
oldest. Every entry carries its idempotency key, so sending it twice counts once. Any number of processes and threads
may share a directory on a local disk (not on a network file system); one of them sends at a time.
"""

from .model import DeadLetter, Entry, SpoolError, SpoolFullError, SpoolStats, WhenFull
from .queue import Spool
from .replay import Replay, SendMany, Verdict

__all__ = [
    "DeadLetter",
    "Entry",
    "Replay",
    "SendMany",
    "Spool",
    "SpoolError",
    "SpoolFullError",
    "SpoolStats",
    "Verdict",
    "WhenFull",
]
