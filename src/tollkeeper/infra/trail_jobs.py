"""Background work of the trail."""

import structlog

from .jobs import job
from .runtime import Tx
from .trail import end_of_trail, seal_trail

log = structlog.get_logger(__name__)


@job("infra.seal_trail", cron="* * * * *")
async def seal_what_was_recorded(tx: Tx) -> None:
    """Seal what was recorded. The end of the chain goes to the log, where it can be compared with later."""
    before = await end_of_trail(tx)
    head = await seal_trail(tx)
    if head != before:
        log.info("trail sealed", head=str(head))
