"""What ends in organizations when whoever holds an address takes over the account that was made with it.

Owns: nothing that is kept.
Does not own: that the address was not verified before, and the person's own ways in (identity).
Invariants: nothing that whoever made the account left behind acts for an organization of theirs, or lets anybody into
it; members stay, with the keys they made, since each of them has proved an address of their own or is known.
"""

from tollkeeper.identity.mailed import AccountReclaimed
from tollkeeper.infra import Event, Projection

from .service import on_account_reclaimed

projections: dict[type[Event], Projection] = {AccountReclaimed: on_account_reclaimed}

__all__ = ["projections"]
