"""Every statement about the shared clock."""

from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from tollkeeper.infra.runtime import Tx

from .tables import PRODUCT_CLOCK


async def read(tx: Tx) -> timedelta:
    """Return how far the clock was moved; zero when it never was."""
    found: timedelta | None = (await tx.connection.execute(select(PRODUCT_CLOCK.c.ahead))).scalar_one_or_none()
    return found or timedelta()


async def write(tx: Tx, ahead: timedelta, moved_at: datetime) -> None:
    """Note how far the clock is moved."""
    values = {"ahead": ahead, "moved_at": moved_at}
    fresh = insert(PRODUCT_CLOCK).values(id=1, **values)
    await tx.connection.execute(fresh.on_conflict_do_update(index_elements=["id"], set_=values))
