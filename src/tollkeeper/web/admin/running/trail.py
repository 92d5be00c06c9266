"""The trail over everybody: what was done, by whom and to what, found by any of them."""

from datetime import timedelta
from uuid import UUID

from fastapi import APIRouter, Request
from starlette.responses import Response

from tollkeeper.identity.staff import PersonNotFoundError, find_person
from tollkeeper.infra import RuntimeDep, Sought, Tx
from tollkeeper.kit import InvalidInputError, new_id, parse_id
from tollkeeper.orgs import find_organization, find_organizations, read_trail
from tollkeeper.web.admin.guard import StaffDep
from tollkeeper.web.admin.showing import show
from tollkeeper.web.ui import Asked, Column, Filter, Option, Table, day_of, trail_rows

router = APIRouter()

SHOWN = 50
HOME = "/admin/trail"
AREAS = (
    Option("", "Everything"),
    Option("login.", "Logging in and out"),
    Option("user.", "People"),
    Option("member.", "Members"),
    Option("invitation.", "Invitations"),
    Option("role.", "Roles"),
    Option("key.", "API keys"),
    Option("organization.", "Organizations"),
    Option("subscription.", "Subscriptions"),
    Option("checkout.", "Purchases"),
    Option("invoice.", "Refunds and credit notes"),
    Option("payment_method.", "Payment methods"),
    Option("dispute.", "Disputes"),
    Option("credits.", "Credits"),
    Option("usage.", "Corrected and charged usage"),
    Option("catalogue.", "The catalogue"),
    Option("impersonation.", "Acting as a customer"),
    Option("staff.", "Staff"),
    Option("webhook.", "Webhooks"),
    Option("job.", "Jobs"),
    Option("trail.", "The trail itself"),
)
LISTED = Table(
    path=HOME,
    columns=(Column("what", "What"),),
    filters=(
        Filter("area", "What", AREAS),
        Filter("organization", "Organization", hint="Id or external id"),
        Filter("person", "Person", hint="E-mail or id"),
        Filter("target", "Done to", hint="key 0190…"),
        Filter("request", "Request", hint="Request id"),
        Filter("from", "From", kind="date"),
        Filter("to", "To", kind="date"),
    ),
    order="",
)


@router.get(HOME)
async def trail_page(request: Request, viewer: StaffDep, runtime: RuntimeDep) -> Response:
    """Show what was done, the latest first."""
    asked = LISTED.read(request.query_params)
    async with runtime.transaction(of_all=True) as tx:
        problem, sought = "", Sought()
        try:
            sought = await _sought(tx, asked)
        except InvalidInputError as error:
            problem = error.problems[0].message
        found = await read_trail(tx, sought, cursor=parse_id(asked.cursor), limit=SHOWN)
        concerned = {str(each.record.organization_id) for each in found.data if each.record.organization_id}
        places = {ref: each.name for ref, each in (await find_organizations(tx, concerned)).items()}
    return show(
        request,
        viewer,
        "trail.html",
        status=422 if problem else 200,
        table=LISTED.shown(asked, next_cursor=found.next_cursor),
        rows=trail_rows(found.data),
        places=places,
        problem=problem,
    )


async def _sought(tx: Tx, asked: Asked) -> Sought:
    """Return what is looked for. Whom nobody knows is looked for all the same, and nothing is found.

    Raises:
        InvalidInputError: a day is none.
    """
    kind, _, ident = asked["target"].partition(" ")
    until = day_of("to", asked["to"])
    return Sought(
        organization_id=await _organization(tx, asked["organization"]),
        person=await _person(tx, asked["person"]),
        action=asked["area"] or None,
        target_kind=kind or None,
        target_id=ident.strip() or None,
        request_id=asked["request"] or None,
        since=day_of("from", asked["from"]),
        until=until and until + timedelta(days=1),
    )


async def _organization(tx: Tx, typed: str) -> UUID | None:
    if not typed:
        return None
    found = await find_organization(tx, typed)
    # One that is gone is known by its id alone.
    return found.id if found else parse_id(typed) or new_id()


async def _person(tx: Tx, typed: str) -> UUID | None:
    if not typed or (known := parse_id(typed)):
        return known if typed else None
    try:
        return (await find_person(tx, typed)).id
    except (PersonNotFoundError, InvalidInputError):
        return new_id()
