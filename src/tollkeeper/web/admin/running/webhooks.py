"""What the payment provider told: the log, one event with its body, and having it worked off again."""

import json
from dataclasses import dataclass

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from tollkeeper.billing import (
    EventNotFoundError,
    EventStatus,
    SoughtEvents,
    find_received,
    job_of_event,
    list_received,
    replay_event,
)
from tollkeeper.infra import RuntimeDep
from tollkeeper.kit import id_or, parse_id
from tollkeeper.web.admin.guard import AdminDep, StaffDep, admin_viewer
from tollkeeper.web.admin.showing import Asking, ask, show
from tollkeeper.web.ui import Asked, Column, Filter, Option, Table, go, read_form, toast

router = APIRouter()

SHOWN = 50
HOME = "/admin/webhooks"
TONES = {
    EventStatus.RECEIVED: "accent",
    EventStatus.PROCESSED: "good",
    EventStatus.IGNORED: "neutral",
    EventStatus.UNMATCHED: "warn",
    EventStatus.FAILED: "bad",
}
AREAS = ("customer.", "checkout.", "invoice.", "payment_intent.", "charge.", "refund.", "credit_note.", "product.")
LISTED = Table(
    path=HOME,
    columns=(
        Column("type", "Event"),
        Column("status", "What became of it"),
        Column("tries", "Tries", is_number=True),
        Column("deliveries", "Came", is_number=True),
        Column("received_at", "Received", sorts=True),
    ),
    filters=(
        Filter(
            "status",
            "State",
            (Option("", "Any"), *(Option(each, each.capitalize()) for each in EventStatus)),
        ),
        Filter("type", "About", (Option("", "Anything"), *(Option(each, each.rstrip(".")) for each in AREAS))),
        Filter("id", "Event", hint="evt_…"),
    ),
    order="-received_at",
)


@dataclass(frozen=True, slots=True)
class Body:
    """An event's body for people: as it was laid out for them, or as it came where it is no JSON. Empty: emptied."""

    text: str
    size: int


@router.get(HOME)
async def webhooks_page(request: Request, viewer: StaffDep, runtime: RuntimeDep) -> Response:
    """Show what came, the latest first unless asked otherwise."""
    asked = LISTED.read(request.query_params)
    async with runtime.transaction(of_all=True) as tx:
        found = await list_received(
            tx, _sought(asked), oldest_first=not asked.descending, cursor=parse_id(asked.cursor), limit=SHOWN
        )
    table = LISTED.shown(asked, next_cursor=found.next_cursor)
    return show(request, viewer, "webhooks.html", table=table, rows=found.data, tones=TONES)


def _sought(asked: Asked) -> SoughtEvents:
    status = EventStatus(asked["status"]) if asked["status"] else None
    return SoughtEvents(status=status, type=asked["type"] or None, provider_id=asked["id"] or None)


@router.get(HOME + "/{event_id}")
async def webhook_page(request: Request, viewer: StaffDep, runtime: RuntimeDep, event_id: str) -> Response:
    """Show one event: its body, and what became of it."""
    async with runtime.transaction(of_all=True) as tx:
        event, subject = await find_received(tx, id_or(event_id, EventNotFoundError))
        job = await job_of_event(tx, event.id)
    return show(
        request,
        viewer,
        "webhook.html",
        event=event,
        subject=subject,
        body=_body(event.body),
        job=job,
        tone=TONES[event.status],
    )


@router.get(HOME + "/{event_id}/replay")
async def replay_page(request: Request, viewer: AdminDep, runtime: RuntimeDep, event_id: str) -> Response:
    """Ask before an event is worked off again."""
    async with runtime.transaction(of_all=True) as tx:
        event, _ = await find_received(tx, id_or(event_id, EventNotFoundError))
    asking = Asking(
        title=f"Replay {event.type}?",
        text="The provider is asked how things stand now, and that is written down. Nothing is charged or sent twice.",
        action=f"{HOME}/{event.id}/replay",
        button="Replay",
        back=f"{HOME}/{event.id}",
        rows=(("Event", event.provider_id), ("What became of it", event.status.value)),
    )
    return ask(request, viewer, asking)


@router.post(HOME + "/{event_id}/replay", dependencies=[Depends(admin_viewer)])
async def replay(request: Request, runtime: RuntimeDep, event_id: str) -> Response:
    """Have an event worked off again."""
    await read_form(request)
    async with runtime.transaction(of_all=True) as tx:
        await replay_event(tx, id_or(event_id, EventNotFoundError))
    return toast(request, go(f"{HOME}/{event_id}"), "It is worked off again.")


def _body(content: bytes) -> Body:
    try:
        text = json.dumps(json.loads(content), indent=2, ensure_ascii=False) if content else ""
    except ValueError:
        text = content.decode("utf-8", "replace")
    return Body(text, len(content))
