"""Background work about how the parts of the service were."""

from .jobs import job
from .runtime import Tx
from .uptime import forget_spans


@job("infra.forget_uptime", cron="51 3 * * *")
async def forget_uptime(tx: Tx) -> None:
    """Delete what is older than the status page shows."""
    await forget_spans(tx)
