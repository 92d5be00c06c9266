"""Every SQL statement about how the parts of the service were."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import TYPE_CHECKING

from sqlalchemy import RowMapping, delete, select, text
from sqlalchemy.dialects.postgresql import distinct_on, insert

from .model import Span
from .tables import UPTIME_SPANS

if TYPE_CHECKING:
    from tollkeeper.infra.runtime import Tx

_LOCK = 0x7570_7469_6D65  # "uptime", read as a number


async def has_turn(tx: "Tx") -> bool:
    """Whether this transaction may write now; False while another one does."""
    return bool((await tx.connection.execute(text("select pg_try_advisory_xact_lock(:key)"), {"key": _LOCK})).scalar())


async def newest(tx: "Tx") -> dict[str, Span]:
    """Return the last span of every part, by its name."""
    spans = UPTIME_SPANS.c
    query = select(UPTIME_SPANS).ext(distinct_on(spans.part)).order_by(spans.part, spans.until.desc(), spans.id.desc())
    return {row["part"]: _span(row) for row in (await tx.connection.execute(query)).mappings()}


async def save(tx: "Tx", spans: Iterable[Span]) -> None:
    """Write spans that are new or became longer."""
    for span in spans:
        fresh = insert(UPTIME_SPANS).values(**asdict(span))
        longer = fresh.on_conflict_do_update(index_elements=["id"], set_={"until": span.until})
        await tx.connection.execute(longer)


async def since(tx: "Tx", moment: datetime, *, limit: int) -> Sequence[Span]:
    """Return the spans that reach beyond a moment, the oldest first; of more than `limit` the newest."""
    spans = UPTIME_SPANS.c
    query = select(UPTIME_SPANS).where(spans.until > moment).order_by(spans.until.desc(), spans.id.desc()).limit(limit)
    return [_span(row) for row in reversed((await tx.connection.execute(query)).mappings().all())]


async def forget(tx: "Tx", before: datetime) -> int:
    """Delete what was over before a moment; returns how many spans that were."""
    return (await tx.connection.execute(delete(UPTIME_SPANS).where(UPTIME_SPANS.c.until < before))).rowcount


def _span(row: RowMapping) -> Span:
    return Span(**row)
