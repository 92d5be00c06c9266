"""Background work of metering."""

from datetime import datetime
from typing import Any
from uuid import UUID

import structlog

from tollkeeper.infra import Tx, job

from . import service
from .checks import BEGINNING, verify_piece
from .model import ThresholdReached
from .retention import drop_oldest

log = structlog.get_logger(__name__)


@job("metering.prepare_partitions", cron="17 3 * * *")
async def prepare_partitions(tx: Tx) -> None:
    """Keep partitions ready for the coming months."""
    await service.prepare_partitions(tx)


@job("metering.drop_old_events", cron="43 3 * * *")
async def drop_old_events(tx: Tx, after: str | None = None) -> None:
    """Drop months of events that were kept long enough, piece by piece."""
    if go_on := await drop_oldest(tx, UUID(after) if after else None):
        await tx.defer(drop_old_events, lock="metering.drop_old_events", after=str(go_on))


@job("metering.verify_usage", cron="13 4 * * *")
async def verify_nightly(tx: Tx, organization_id: str | None = None, meter_id: int = 0) -> None:
    """Check that counters, usage by the hour and events say the same, piece by piece; what does not is logged."""
    checked = await verify_piece(tx, (UUID(organization_id), meter_id) if organization_id else BEGINNING)
    for finding in checked.findings:
        log.error("usage disagrees", finding=finding)
    if checked.end:
        organization, meter = checked.end
        lock = "metering.verify_usage"
        await tx.defer(verify_nightly, lock=lock, organization_id=str(organization), meter_id=meter)


@job("metering.announce_threshold")
async def announce_threshold(tx: Tx, **crossing: Any) -> None:
    """Tell the other floors of a threshold; the job was made in the transaction that counted the usage."""
    crossing |= {name: datetime.fromisoformat(crossing[name]) for name in ("period_start", "at")}
    await tx.emit(ThresholdReached(**{**crossing, "organization_id": UUID(crossing["organization_id"])}))
