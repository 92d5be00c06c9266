"""Background work of identity."""

from datetime import timedelta

import structlog

from tollkeeper.infra import Job, Tx, job

from . import exports, mailed, store
from .factors import forget_ended_proofs
from .guessing import forget_old

log = structlog.get_logger(__name__)

# So long a secret rotated out is answered with "expired" rather than "unknown": the mistake is easier to find.
_REMEMBER_SECRETS = timedelta(days=30)


@job("identity.forget_ended", cron="17 * * * *")
async def forget_ended(tx: Tx) -> None:
    """Delete sessions, logins and rotated secrets that can never be used again."""
    idle_since = tx.now - tx.runtime.settings.session_idle
    removed = {
        "sessions": await store.remove_ended_sessions(tx, expired_by=tx.now, idle_since=idle_since),
        "logins": await store.remove_ended_families(tx, tx.now),
        "secrets": await store.remove_old_secrets(tx, tx.now - _REMEMBER_SECRETS),
        **await forget_ended_proofs(tx),
        "links": await mailed.forget_links(tx),
        **await forget_old(tx),
    }
    log.info("ended credentials forgotten", **removed)


jobs: list[Job] = [*exports.jobs, *mailed.jobs, forget_ended]
