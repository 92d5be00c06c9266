"""Which organization a login acts for: it moves to another, and all of a person's logins in one end together.

Owns: nothing of its own; it works on sessions, logins of programs and keys.
Does not own: whether somebody belongs to an organization (orgs decides before it calls).
Invariants: a login that moves keeps what it proved and when it ends, under a new token, so that nothing learnt before
acts in the other organization.
"""

from .service import close_logins_in, move_session, move_tokens, revoke_keys_made_by, revoke_keys_not_made_by

__all__ = ["close_logins_in", "move_session", "move_tokens", "revoke_keys_made_by", "revoke_keys_not_made_by"]
