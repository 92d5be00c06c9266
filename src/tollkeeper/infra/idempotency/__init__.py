"""Creating calls that may be sent twice and are done once, by the caller's `Idempotency-Key`
or by what a page put into its form.

Owns: the keys, for a day, with the answers given, encrypted since they may hold a secret.
Does not own: the work done. Invariants: of calls with one key at most one is done and succeeds; a call that failed has
left no key behind. What each time means: `expires_at` is when the same key starts a new call.
"""

from .service import (
    Idempotency,
    IdempotencyAnswerLostError,
    IdempotencyDep,
    IdempotencyInProgressError,
    IdempotencyKeyReusedError,
    forget_idempotency_keys,
    once_for_form,
)
from .tables import idempotency_keys

__all__ = [
    "Idempotency",
    "IdempotencyAnswerLostError",
    "IdempotencyDep",
    "IdempotencyInProgressError",
    "IdempotencyKeyReusedError",
    "forget_idempotency_keys",
    "idempotency_keys",
    "once_for_form",
]
