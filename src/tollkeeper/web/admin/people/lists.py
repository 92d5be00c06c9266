"""Lists of everybody: organizations and people."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from fastapi import APIRouter, Request
from starlette.responses import Response

from tollkeeper.catalog import plan_names
from tollkeeper.gate import find_standings, organizations_on
from tollkeeper.identity.finding import PeopleOrder, browse_people
from tollkeeper.infra import RuntimeDep, Tx
from tollkeeper.kit import Page, parse_id
from tollkeeper.orgs import Organization
from tollkeeper.orgs.finding import OrganizationOrder, browse_organizations, organizations_of_ids
from tollkeeper.web.admin.guard import StaffDep
from tollkeeper.web.admin.showing import show
from tollkeeper.web.ui import Asked, Column, Filter, Option, Table

from .addresses import ORGANIZATIONS, PEOPLE

router = APIRouter()

SHOWN = 50
_BEGINS = "Begins with"

_ORGANIZATION = (
    Column("name", "Organization", sorts=True),
    Column("plan", "Plan"),
    Column("external_id", "External id"),
    Column("created", "Since", sorts=True),
)
LISTED_PEOPLE = Table(
    path=PEOPLE,
    columns=(
        Column("email", "E-mail", sorts=True),
        Column("name", "Name", sorts=True),
        Column("created", "Since", sorts=True),
    ),
    filters=(
        Filter("q", "E-mail", hint=_BEGINS),
        Filter("who", "Who", (Option("", "Everybody"), Option("staff", "Staff"))),
    ),
    order="-created",
)


@dataclass(frozen=True, slots=True)
class OrganizationRow:
    """An organization in the list."""

    id: UUID
    name: str
    plan: str
    external_id: str
    is_suspended: bool
    created_at: datetime


@router.get(ORGANIZATIONS)
async def organizations_page(request: Request, runtime: RuntimeDep, viewer: StaffDep) -> Response:
    """List organizations."""
    async with runtime.transaction(of_all=True) as tx:
        names = await plan_names(tx)
        listed = _listed_organizations(names)
        asked = as_listed(listed.read(request.query_params), "name")
        if only := {"plan": asked["plan"]} if asked["plan"] else {}:  # a list of its own, in one order
            asked = replace(asked, order="created", descending=True, filters=dict.fromkeys(asked.filters, "") | only)
        found = await (_of_plan(tx, asked) if asked["plan"] else _asked_for(tx, asked))
        plans = {key: each.plan for key, each in (await find_standings(tx, [each.id for each in found.data])).items()}
    rows = [_row(each, plans, names) for each in found.data]
    table = listed.shown(asked, next_cursor=found.next_cursor)
    return show(request, viewer, "people/organizations.html", table=table, rows=rows)


def _listed_organizations(plans: Mapping[str, str]) -> Table:
    bought = tuple(Option(key, name) for key, name in plans.items())
    return Table(
        path=ORGANIZATIONS,
        columns=_ORGANIZATION,
        filters=(
            Filter("q", "Name", hint=_BEGINS),
            Filter("state", "State", (Option("", "All"), Option("suspended", "Suspended"))),
            Filter("plan", "Plan bought", (Option("", "Any"), *bought)),
        ),
        order="-created",
    )


async def _asked_for(tx: Tx, asked: Asked) -> Page[Organization]:
    return await browse_organizations(
        tx,
        begins=asked["q"],
        only_suspended=asked["state"] == "suspended",
        order=OrganizationOrder(asked.order),
        descending=asked.descending,
        cursor=asked.cursor,
        limit=SHOWN,
    )


async def _of_plan(tx: Tx, asked: Asked) -> Page[Organization]:
    """Return those on a plan, newest first: other filters and orders go by lists of their own."""
    ids = await organizations_on(tx, asked["plan"], before=parse_id(asked.cursor), limit=SHOWN + 1)
    known = await organizations_of_ids(tx, ids[:SHOWN])
    found = [known[each] for each in ids[:SHOWN] if each in known]
    return Page(found, str(ids[SHOWN - 1]) if len(ids) > SHOWN else None)


def as_listed(asked: Asked, by: str) -> Asked:
    """Return what a list can do of what was asked: those that begin somehow stand in the order of that, column `by`."""
    return replace(asked, order=by, descending=False) if asked["q"] and asked.order != by else asked


@router.get(PEOPLE)
async def people_page(request: Request, runtime: RuntimeDep, viewer: StaffDep) -> Response:
    """List people."""
    asked = as_listed(LISTED_PEOPLE.read(request.query_params), "email")
    async with runtime.transaction(of_all=True) as tx:
        found = await browse_people(
            tx,
            begins=asked["q"],
            only_staff=asked["who"] == "staff",
            order=PeopleOrder(asked.order),
            descending=asked.descending,
            cursor=asked.cursor,
            limit=SHOWN,
        )
    table = LISTED_PEOPLE.shown(asked, next_cursor=found.next_cursor)
    return show(request, viewer, "people/people.html", table=table, rows=found.data)


def _row(found: Organization, plans: Mapping[UUID, str | None], names: Mapping[str, str]) -> OrganizationRow:
    plan = plans.get(found.id)
    return OrganizationRow(
        id=found.id,
        name=found.name,
        plan=names.get(plan, plan) if plan else "",
        external_id=found.external_id or "",
        is_suspended=found.suspended_at is not None,
        created_at=found.created_at,
    )
