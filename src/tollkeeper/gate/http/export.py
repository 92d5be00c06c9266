"""Recorded usage as a file."""

from collections.abc import AsyncIterator, Generator
from contextlib import closing
from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import AwareDatetime
from starlette.concurrency import run_in_threadpool
from starlette.responses import StreamingResponse

from tollkeeper.gate.history import meter_of
from tollkeeper.gate.schemas import MAX_FEATURE
from tollkeeper.gate.service import Gate
from tollkeeper.infra import ActorDep, RuntimeDep, TxDep
from tollkeeper.kit import Permission
from tollkeeper.metering import ExportFormat, Wanted, export_events

from .usage import CustomerQuery, history_span, without

router = APIRouter()

_FILE: dict[str, Any] = {"schema": {"type": "string", "format": "binary"}}
RESPONSES = without(402) | {
    200: {
        "description": "The events that count, one a row, as a file.",
        "content": {each.media_type: _FILE for each in ExportFormat},
    }
}


@router.get("/export", response_class=StreamingResponse, responses=RESPONSES)
async def export(
    *,
    actor: ActorDep,
    runtime: RuntimeDep,
    tx: TxDep,
    customer: CustomerQuery = None,
    feature: Annotated[str | None, Query(min_length=1, max_length=MAX_FEATURE)] = None,
    start: Annotated[AwareDatetime | None, Query(alias="from")] = None,
    end: Annotated[AwareDatetime | None, Query(alias="to")] = None,
    file_format: Annotated[ExportFormat, Query(alias="format")] = ExportFormat.CSV,
) -> StreamingResponse:
    """The events that count, as a stream; operators who name no customer get those of all.

    Corrected events are there once, as they count now; voided ones are not. The last 30 days unless told otherwise.
    """
    actor.must(Permission.USAGE_READ)
    whose = None
    if customer is not None or not actor.is_operator:
        whose = await runtime.part(Gate).organization_of(actor, customer)
    span = history_span(start, end, tx.now)
    wanted = Wanted(span.start, span.end, whose, await meter_of(tx, feature) if feature else None)
    pieces = export_events(runtime.database, wanted, file_format)
    first = await run_in_threadpool(next, pieces)  # what is wrong is told before the answer begins
    name = f"usage-{span.start:%Y%m%d}-{span.end:%Y%m%d}.{file_format}"
    return StreamingResponse(
        _streamed(first, pieces),
        media_type=file_format.media_type,
        headers={"content-disposition": f'attachment; filename="{name}"'},
    )


async def _streamed(first: bytes, pieces: Generator[bytes]) -> AsyncIterator[bytes]:
    with closing(pieces):
        yield first
        while piece := await run_in_threadpool(next, pieces, b""):
            yield piece
