"""The pages of the trail: an organization's, and what a person did themselves."""

from dataclasses import replace
from datetime import timedelta
from urllib.parse import urlencode

from fastapi import APIRouter, Request
from starlette.responses import Response

from tollkeeper.infra import Runtime, RuntimeDep, Sought
from tollkeeper.kit import Actor, InvalidInputError, Permission, parse_id
from tollkeeper.orgs import read_trail
from tollkeeper.web.ui import FormState, day_of, empty_form, page, refused_form, trail_rows

from .person import PersonDep, load_viewer
from .trail_views import AREAS

router = APIRouter()

SHOWN = 50
_TYPED = ("area", "from", "to")


@router.get("/audit")
async def audit_page(request: Request, runtime: RuntimeDep, actor: PersonDep) -> Response:
    """What was done in the organization."""
    actor.must(Permission.AUDIT_READ)
    return await _show(request, runtime, actor, Sought(organization_id=actor.own_organization()), "/audit")


@router.get("/activity")
async def activity_page(request: Request, runtime: RuntimeDep, actor: PersonDep) -> Response:
    """What the person did, and what was done to their account."""
    return await _show(request, runtime, actor, Sought(person=actor.user_id), "/activity")


async def _show(request: Request, runtime: Runtime, actor: Actor, whose: Sought, home: str) -> Response:
    sent = {name: request.query_params.get(name, "") for name in (*_TYPED, "cursor")}
    form, wanted, status = _read(sent, whose)
    async with runtime.transaction() as tx:
        viewer = await load_viewer(tx, actor)
        found = await read_trail(tx, wanted, cursor=parse_id(sent["cursor"]), limit=SHOWN)
    kept = {name: value for name, value in sent.items() if value and name != "cursor"}
    older = urlencode({**kept, "cursor": found.next_cursor}) if found.next_cursor else ""
    return page(
        request,
        "portal/trail.html",
        status=status,
        viewer=viewer,
        banners=[],
        home=home,
        form=form,
        areas=AREAS,
        rows=trail_rows(found.data),
        older=older,
        is_first=not sent["cursor"],
        is_filtered=bool(kept),
        exported=_exported(wanted) if home == "/audit" else "",
    )


def _read(sent: dict[str, str], whose: Sought) -> tuple[FormState, Sought, int]:
    """Return the form, what is looked for, and the status: what was typed wrong is said beside it, and left out."""
    try:
        since, until = day_of("from", sent["from"]), day_of("to", sent["to"])
    except InvalidInputError as error:
        return refused_form(sent, _TYPED, error), whose, 422
    action = sent["area"] if sent["area"] in {each.key for each in AREAS} else ""
    wanted = replace(whose, action=action or None, since=since, until=until and until + timedelta(days=1))
    return empty_form(**{name: sent[name] for name in _TYPED}), wanted, 200


def _exported(wanted: Sought) -> str:
    """Return where the same is had as a file."""
    moments = {name: at.isoformat() for name, at in (("from", wanted.since), ("to", wanted.until)) if at}
    query = ({"action": wanted.action} if wanted.action else {}) | moments
    return f"/api/audit/export?{urlencode(query)}"
