"""Background work of invitations."""

import structlog

from tollkeeper.infra import Tx, job

from . import store
from .model import KEPT

log = structlog.get_logger(__name__)


@job("orgs.forget_invitations", cron="41 3 * * *")
async def forget_invitations(tx: Tx) -> None:
    """Delete the addresses of people who were invited once and have answered, or never did."""
    log.info("old invitations forgotten", invitations=await store.forget(tx, tx.now - KEPT))
