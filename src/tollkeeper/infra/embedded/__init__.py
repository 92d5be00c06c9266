"""PostgreSQL without an installation: a server under the data directory, started when needed.

Owns: the cluster in `DATA/postgres`, its locks, its unix socket, the account it runs as.
Does not own: what is in the database, and any server named by `DATABASE_URL`.
Invariants: one server per data directory, whatever number of processes use it; every user holds a shared lock for its
life and the last one out stops the server; a process killed at any moment leaves nothing the next start cannot mend;
nobody but the account that owns the cluster (and root) can reach the socket, so connections need no password.
"""

from .errors import (
    AccountUnusableError,
    BinariesMissingError,
    DataDirectoryUnusableError,
    DataDirectoryVersionError,
    EmbeddedPostgresError,
    InitialisationFailedError,
    StartFailedError,
)
from .server import EmbeddedPostgres

__all__ = [
    "AccountUnusableError",
    "BinariesMissingError",
    "DataDirectoryUnusableError",
    "DataDirectoryVersionError",
    "EmbeddedPostgres",
    "EmbeddedPostgresError",
    "InitialisationFailedError",
    "StartFailedError",
]
