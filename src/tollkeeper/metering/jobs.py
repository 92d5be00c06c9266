"""Background work of metering."""

from datetime import datetime
from typing import Any
from uuid import UUID

from tollkeeper.infra import Tx, job

from . import service
from .model import ThresholdReached


@job("metering.prepare_partitions", cron="17 3 * * *")
async def prepare_partitions(tx: Tx) -> None:
    """Keep partitions ready for the coming months."""
    await service.prepare_partitions(tx)


@job("metering.announce_threshold")
async def announce_threshold(tx: Tx, **crossing: Any) -> None:
    """Tell the other floors of a threshold; the job was made in the transaction that counted the usage."""
    crossing |= {name: datetime.fromisoformat(crossing[name]) for name in ("period_start", "at")}
    await tx.emit(ThresholdReached(**{**crossing, "organization_id": UUID(crossing["organization_id"])}))
