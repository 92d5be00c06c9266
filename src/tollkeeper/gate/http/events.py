"""The addresses of events, of what they count for, and of calls in bulk."""

import asyncio
from typing import Any

from fastapi import APIRouter, Request
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response

from tollkeeper.gate.events import (
    MAX_EVENTS,
    EventBody,
    TracksBody,
    TrackVerdict,
    UnsupportedContentError,
    from_headers,
    ingest,
    read_events,
    read_tracks,
    track_all,
)
from tollkeeper.gate.model import OverloadedError, UnknownFeatureError
from tollkeeper.gate.service import Gate
from tollkeeper.infra import ActorDep, Runtime, RuntimeDep, TxDep
from tollkeeper.kit import Actor, Permission
from tollkeeper.metering import Aggregation, Meter, Scalar, list_meters

from .usage import PROBLEMS, VerifyBody, verify, without

router = APIRouter(tags=["Events"])
bulk_router = APIRouter(tags=["Usage"])

_EVENT = "application/cloudevents+json"
_EVENTS = "application/cloudevents-batch+json"
_PLAIN = "application/json"
_SCHEMA = EventBody.model_json_schema()
_ARRAY = {"type": "array", "maxItems": MAX_EVENTS, "items": _SCHEMA}

_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            _EVENT: {"schema": _SCHEMA},
            _EVENTS: {"schema": _ARRAY},
            _PLAIN: {"schema": {"anyOf": [_SCHEMA, _ARRAY]}},
        },
    }
}
EVENT_PROBLEMS: dict[int | str, dict[str, Any]] = {
    **PROBLEMS,
    402: {
        "description": "`quota_exceeded`: `refused` names the events that would pass a hard limit; the others count."
    },
    404: {"description": "`unknown_subject`: an event is about no customer, or not the caller's own. Nothing counts."},
    415: {"description": "Events are not read in this form."},
    422: {"description": "Events are wrong, each named in `errors`. Nothing counts."},
}


@router.post("/events", status_code=204, response_class=Response, responses=EVENT_PROBLEMS, openapi_extra=_BODY)
async def events(actor: ActorDep, runtime: RuntimeDep, request: Request) -> None:
    """Take CloudEvents 1.0: one, or up to 1,000 in an array, counted for every feature that takes their type.

    They are decided exactly and on disk when the answer comes. `source` and `id` together are counted once, for ever,
    so that the same call may be sent again whatever its answer was. An event in binary mode (attributes as `ce-`
    headers, data as the body) is taken, too.
    """
    actor.must(Permission.USAGE_WRITE)
    _must_have_room(runtime)
    body = await request.body()
    kind = request.headers.get("content-type", _PLAIN).partition(";")[0].strip().lower()
    if kind not in {_EVENT, _EVENTS, _PLAIN}:
        raise UnsupportedContentError(f"The content type is {kind or 'empty'!r}.")
    array = {_EVENT: False, _EVENTS: True}.get(kind)
    if kind == _PLAIN and "ce-specversion" in request.headers:
        array, body = False, from_headers(request.headers, body)
    await ingest(runtime, actor, read_events(body, array=array))


def _must_have_room(runtime: Runtime) -> None:
    """Refuse before anything is read: under overload, reading what is refused anyway would make it worse."""
    if runtime.part(Gate).counters.arrays.is_full:
        raise OverloadedError(retry_after=1)


class MeterBody(BaseModel):
    """What a metered feature counts. `value` null: each event says 1; `filter` empty: all events of the type count."""

    feature: str
    event_type: str
    aggregation: Aggregation
    unit: str
    value: str | None
    group_by: list[str]
    filter: dict[str, list[Scalar]]

    @classmethod
    def of(cls, meter: Meter) -> "MeterBody":
        """Show a meter."""
        return cls(
            feature=meter.key,
            event_type=meter.event_type,
            aggregation=meter.aggregation,
            unit=meter.unit,
            value=meter.value,
            group_by=list(meter.group_by),
            filter={path: list(values) for path, values in meter.filters.items()},
        )


class MeterList(BaseModel):
    """Every meter, by feature."""

    data: list[MeterBody]
    next_cursor: None = None


@router.get("/meters", responses={code: PROBLEMS[code] for code in (401, 403, 429, 503)})
async def meters(actor: ActorDep, tx: TxDep) -> MeterList:
    """What each metered feature counts: of which events, which property, and what its history can be split by."""
    actor.must(Permission.USAGE_READ)
    return MeterList(data=[MeterBody.of(meter) for meter in await list_meters(tx)])


class TrackVerdicts(BaseModel):
    """What became of each item, in the order they were sent."""

    data: list[TrackVerdict]


_TRACKS = TracksBody.model_json_schema()
_TRACKS["properties"]["items"]["items"] = next(iter(_TRACKS.pop("$defs").values()))


@bulk_router.post(
    "/usage/track/batch",
    responses=without(402) | {404: {"description": "Not answered here: it is said of the item."}},
    openapi_extra={"requestBody": {"required": True, "content": {_PLAIN: {"schema": _TRACKS}}}},
)
async def track_batch(actor: ActorDep, runtime: RuntimeDep, request: Request) -> TrackVerdicts:
    """Use up to 1,000 things in one transaction, each decided in its place and answered for itself."""
    actor.must(Permission.USAGE_WRITE)
    _must_have_room(runtime)
    return TrackVerdicts(data=await track_all(runtime, actor, read_tracks(await request.body())))


class VerifyManyBody(BaseModel):
    """Ask about several keys at once."""

    model_config = ConfigDict(extra="forbid")

    items: list[VerifyBody] = Field(min_length=1, max_length=100)


@bulk_router.post("/keys/verify/batch", tags=["API keys"], responses=without(402))
async def verify_batch(actor: ActorDep, runtime: RuntimeDep, body: VerifyManyBody) -> dict[str, Any]:
    """Tell an operator about several keys at once: in `data`, what each alone would be answered, in order."""
    actor.must(Permission.KEYS_VERIFY)
    return {"data": await asyncio.gather(*(_verified(actor, runtime, item) for item in body.items))}


async def _verified(actor: Actor, runtime: Runtime, item: VerifyBody) -> dict[str, Any]:
    try:
        return await verify(actor, runtime, item)
    except UnknownFeatureError as error:
        return {"valid": False, "code": error.code}
