"""Background work of metering."""

from datetime import datetime
from typing import Any
from uuid import UUID

from tollkeeper.infra import Tx, job

from . import service
from .model import ThresholdReached
from .retention import drop_oldest


@job("metering.prepare_partitions", cron="17 3 * * *")
async def prepare_partitions(tx: Tx) -> None:
    """Keep partitions ready for the coming months."""
    await service.prepare_partitions(tx)


@job("metering.drop_old_events", cron="43 3 * * *")
async def drop_old_events(tx: Tx, after: str | None = None) -> None:
    """Drop months of events that were kept long enough, piece by piece."""
    if go_on := await drop_oldest(tx, UUID(after) if after else None):
        await tx.defer(drop_old_events, lock="metering.drop_old_events", after=str(go_on))


@job("metering.announce_threshold")
async def announce_threshold(tx: Tx, **crossing: Any) -> None:
    """Tell the other floors of a threshold; the job was made in the transaction that counted the usage."""
    crossing |= {name: datetime.fromisoformat(crossing[name]) for name in ("period_start", "at")}
    await tx.emit(ThresholdReached(**{**crossing, "organization_id": UUID(crossing["organization_id"])}))
