"""The command line: `tollkeeper serve`, `worker`, `migrate`, `seed`, `plans apply`, `keys create-operator`, `doctor`.

Owns: commands and their words, the processes of a server, the local services a newcomer has not set up.
Does not own: what any command does to the data; that is wiring and the floors below.
Invariants: an expected failure is a line and a hint on stderr and exit code 1, wrong usage is 2, never a traceback.
"""

import gc

# Hundreds of modules are imported, and stay. Looking through them for garbage every seven hundred objects takes a third
# of the time of a start.
gc.set_threshold(50_000, 50, 100)

from .app import app as main  # noqa: E402 - after the line that makes it cheap

__all__ = ["main"]
