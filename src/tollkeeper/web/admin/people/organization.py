"""The whole story of an organization on one page."""

from dataclasses import dataclass
from uuid import UUID

from fastapi import APIRouter, Request
from starlette.responses import Response

from tollkeeper.billing import Charge, Customer, Invoice, Status, list_invoices, status
from tollkeeper.billing.customers import find_customer
from tollkeeper.billing.payments import list_charges
from tollkeeper.catalog import Catalogue, load_catalogue
from tollkeeper.identity import ApiKey, User, find_users, list_keys
from tollkeeper.infra import Runtime, RuntimeDep, Sought, Tx
from tollkeeper.metering import Grant, list_grants
from tollkeeper.orgs import (
    Note,
    Organization,
    Subject,
    TeamMember,
    Told,
    get_organization,
    list_members,
    list_notes,
    read_trail,
)
from tollkeeper.web.admin.guard import StaffDep, StaffViewer
from tollkeeper.web.admin.showing import show
from tollkeeper.web.portal import (
    CHARGE_STATES,
    INVOICE_STATES,
    key_rows,
    present_of,
    subscription_view,
    way_words,
)
from tollkeeper.web.ui import FormState, empty_form, exact, trail_rows

from .addresses import ORGANIZATION, ORGANIZATIONS, organization_meant

router = APIRouter()

FEW, MANY = 5, 10


@dataclass(frozen=True, slots=True)
class Story:
    """Everything that is told of an organization, from one transaction."""

    organization: Organization
    catalogue: Catalogue
    standing: Status
    customer: Customer | None
    invoices: list[Invoice]
    charges: list[Charge]
    members: list[TeamMember]
    keys: list[ApiKey]
    grants: list[Grant]
    notes: list[Note]
    authors: dict[UUID, User]
    trail: list[Told]


@router.get(ORGANIZATION)
async def organization_page(request: Request, runtime: RuntimeDep, viewer: StaffDep, organization_id: str) -> Response:
    """Show the whole story of an organization."""
    return await show_organization(request, runtime, viewer, organization_meant(organization_id))


async def show_organization(
    request: Request,
    runtime: Runtime,
    viewer: StaffViewer,
    organization_id: UUID,
    *,
    form: FormState | None = None,
    status: int = 200,
) -> Response:
    """Answer with the page of an organization; `form` is that of a note, as it was refused."""
    async with runtime.transaction(of_all=True) as tx:
        story = await _read(tx, organization_id)
        now = tx.now
    present = await present_of(request, organization_id)
    subscription = story.standing.subscription
    names = {each.meter_id: each.feature for each in present.access.allowances.values()}
    return show(
        request,
        viewer,
        "people/organization.html",
        status=status,
        home=f"{ORGANIZATIONS}/{organization_id}",
        story=story,
        organization=story.organization,
        subscription=subscription,
        plan=subscription_view(story.standing, story.catalogue),
        usage=present.lines(story.catalogue, now),
        method=_method(story.customer, story.standing),
        balance=exact(story.customer.balance) if story.customer and story.customer.balance else "",
        keys=key_rows(story.keys, now),
        grants=[(names.get(each.meter_id, ""), each, each.left(now)) for each in story.grants],
        invoice_states=INVOICE_STATES,
        charge_states=CHARGE_STATES,
        trail=trail_rows(story.trail),
        form=form or empty_form("body"),
    )


async def _read(tx: Tx, organization_id: UUID) -> Story:
    organization = await get_organization(tx, organization_id)
    notes = await list_notes(tx, Subject(organization_id=organization_id))
    trail = await read_trail(tx, Sought(organization_id=organization_id), limit=MANY)
    return Story(
        organization=organization,
        catalogue=await load_catalogue(tx),
        standing=await status(tx, organization_id, created_at=organization.created_at),
        customer=await find_customer(tx, organization_id),
        invoices=list((await list_invoices(tx, organization_id, limit=MANY)).data),
        charges=list((await list_charges(tx, organization_id, limit=FEW)).data),
        members=list((await list_members(tx, organization_id, limit=MANY)).data),
        keys=list((await list_keys(tx, organization_id, limit=MANY)).data),
        grants=list((await list_grants(tx, organization_id, limit=FEW)).data),
        notes=list(notes),
        authors=await find_users(tx, {each.author_id for each in notes}),
        trail=list(trail.data),
    )


def _method(customer: Customer | None, standing: Status) -> str:
    own = standing.subscription.payment_method if standing.subscription else None
    used = own or (customer.payment_method if customer else None)
    return way_words(used) if used else ""
