"""Forgetting what can never be used again."""

from datetime import timedelta

from tollkeeper.infra import Tx

from . import store

# So long an authenticator app that was begun waits for its first code.
_BEGUN = timedelta(days=1)


async def forget_ended_proofs(tx: Tx) -> dict[str, int]:
    """Delete spent challenges refused by their age, and apps begun and never confirmed; return how many of each."""
    challenges, begun = await store.remove_ended(tx, begun_by=tx.now - _BEGUN)
    return {"challenges": challenges, "begun_totp": begun}
