"""Changing the plan of an organization: choosing, seeing what it costs, confirming."""

from collections.abc import Mapping
from uuid import UUID

from fastapi import APIRouter, Request
from starlette.responses import Response

from tollkeeper.billing import Change, ChangeAt, change_plan, preview_change, provider_transaction
from tollkeeper.catalog import Plan, Price, load_catalogue
from tollkeeper.infra import RuntimeDep, Tx
from tollkeeper.kit import FieldProblem, InvalidInputError, TollkeeperError, new_id
from tollkeeper.orgs import Organization, get_organization
from tollkeeper.rating import Interval
from tollkeeper.web.admin.guard import AdminDep
from tollkeeper.web.admin.showing import Asking, Typed, ask
from tollkeeper.web.portal import rows_of
from tollkeeper.web.ui import amount, exact, read_form, refused_form

from .acts import answer, home_of, once_of, show_ask
from .addresses import ORGANIZATION, organization_meant

router = APIRouter()

_SPLIT = "/"


async def _ask_which(tx: Tx, organization: Organization) -> Asking:
    plans = (await load_catalogue(tx)).plans.values()
    sold = [(plan, price) for plan in plans for price in plan.prices if price.active]
    return Asking(
        title=f"Change the plan of {organization.name}",
        text="You see what it costs before anything happens.",
        action=home_of(organization) + "/plan/preview",
        button="See what it costs",
        back=home_of(organization),
        typed=(
            Typed(
                "to",
                "Plan",
                "select",
                choices=tuple(
                    (f"{plan.key}{_SPLIT}{price.interval.value}", _offered(plan, price)) for plan, price in sold
                ),
            ),
            Typed(
                "at",
                "When",
                "select",
                choices=(
                    ("", "As customers change: up at once, down at the period's end"),
                    (ChangeAt.NOW.value, "At once"),
                    (ChangeAt.PERIOD_END.value, "When the period ends"),
                ),
            ),
        ),
    )


def _offered(plan: Plan, price: Price) -> str:
    return f"{plan.name}, {amount(price.money)} a {price.interval.value}"


@router.get(ORGANIZATION + "/plan")
async def plan_page(request: Request, runtime: RuntimeDep, viewer: AdminDep, organization_id: str) -> Response:
    """Ask which plan it is to be."""
    return await show_ask(request, runtime, viewer, organization_meant(organization_id), _ask_which)


@router.post(ORGANIZATION + "/plan/preview")
async def preview_form(request: Request, runtime: RuntimeDep, viewer: AdminDep, organization_id: str) -> Response:
    """Show what the change costs, and ask."""
    fields = await read_form(request)
    whom = organization_meant(organization_id)
    try:
        async with provider_transaction(runtime) as tx:
            asking = await _ask_sure(tx, whom, fields)
    except TollkeeperError as error:
        async with runtime.transaction(of_all=True) as tx:
            asking = await _ask_which(tx, await get_organization(tx, whom))
        form = refused_form(fields, ["to", "at"], error)
        return ask(request, viewer, asking, form=form, status=error.status)
    return ask(request, viewer, asking)


async def _ask_sure(tx: Tx, whom: UUID, fields: Mapping[str, str]) -> Asking:
    organization = await get_organization(tx, whom)
    change = _change(fields)
    preview = await preview_change(tx, whom, change)
    plan = (await load_catalogue(tx)).plans[change.plan or ""]
    at_once = preview.at is ChangeAt.NOW
    due = "Due now" if at_once else "Due now, before the change"
    return Asking(
        title=f"Change {organization.name} to {plan.name}",
        text="It changes at once, and what is due is collected now."
        if at_once
        else f"It changes on {preview.effective_at:%-d %b %Y}.",
        action=home_of(organization) + "/plan",
        button=f"Change to {plan.name}",
        back=home_of(organization),
        rows=(*rows_of(preview.cost), (due, exact(preview.cost.due_now))),
        hidden={"to": fields["to"], "at": fields.get("at", ""), "once": new_id().hex},
    )


@router.post(ORGANIZATION + "/plan")
async def change_form(request: Request, runtime: RuntimeDep, viewer: AdminDep, organization_id: str) -> Response:
    """Change the plan; sent twice, the form changes once."""
    whom = organization_meant(organization_id)

    async def done(fields: Mapping[str, str]) -> str:
        change = _change(fields)
        async with provider_transaction(runtime) as tx:
            await change_plan(tx, whom, change, idempotency_key=once_of(fields, "plan", whom))
        return (
            "The plan is changed." if change.at is not ChangeAt.PERIOD_END else "The plan changes at the period's end."
        )

    return await answer(request, runtime, viewer, whom, asked=_ask_which, done=done)


def _change(fields: Mapping[str, str]) -> Change:
    plan, _, interval = fields.get("to", "").partition(_SPLIT)
    at = fields.get("at", "")
    if interval not in set(Interval) or not plan or "\x00" in plan:
        raise InvalidInputError([FieldProblem("to", "Choose a plan")])
    if at and at not in set(ChangeAt):
        raise InvalidInputError([FieldProblem("at", "Choose when")])
    return Change(plan, Interval(interval), at=ChangeAt(at) if at else None)
