"""Background work of metering."""

from tollkeeper.infra import Tx, job

from . import service


@job("metering.prepare_partitions", cron="17 3 * * *")
async def prepare_partitions(tx: Tx) -> None:
    """Keep partitions ready for the coming months."""
    await service.prepare_partitions(tx)
