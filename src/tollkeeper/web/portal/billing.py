"""The billing page: what the plan is, what it costs, the plans on offer, and the invoices."""

from fastapi import APIRouter, Request
from starlette.responses import Response

from tollkeeper.billing import list_addons, list_invoices, status
from tollkeeper.catalog import list_plans, load_catalogue
from tollkeeper.infra import Runtime, RuntimeDep
from tollkeeper.kit import Actor, Permission, TollkeeperError
from tollkeeper.orgs import get_organization
from tollkeeper.rating import Interval
from tollkeeper.web.ui import cards, chosen_interval, page, saving

from .addon_views import addon_rows
from .billing_views import (
    can_change,
    interval_of,
    invoice_rows,
    is_of_addons,
    offers,
    subscription_view,
)
from .person import PersonDep, load_viewer, may
from .standing import standing_banners
from .views import Banner

router = APIRouter()

SHOWN_INVOICES = 24


@router.get("/billing")
async def billing_page(
    request: Request, runtime: RuntimeDep, actor: PersonDep, interval: str = "", plan: str = ""
) -> Response:
    """Show the plan, the plans on offer, and the invoices."""
    return await show_billing(request, runtime, actor, interval=interval, wanted=plan)


async def show_billing(
    request: Request,
    runtime: Runtime,
    actor: Actor,
    *,
    interval: str = "",
    wanted: str = "",
    failure: TollkeeperError | None = None,
) -> Response:
    """Answer with the billing page; `failure` is what just went wrong, told on top of it."""
    actor.must(Permission.BILLING_READ)
    async with runtime.transaction() as tx:
        viewer = await load_viewer(tx, actor)
        organization = await get_organization(tx, actor.own_organization())
        standing = await status(tx, organization.id, created_at=organization.created_at)
        catalogue = await load_catalogue(tx)
        plans = await list_plans(tx)
        known_trouble = await standing_banners(tx, actor, standing, catalogue)
        beside = addon_rows(await list_addons(tx, organization.id, created_at=organization.created_at))
        invoices = invoice_rows((await list_invoices(tx, organization.id, limit=SHOWN_INVOICES)).data)
    bought = interval_of(standing, catalogue)
    chosen = chosen_interval(interval) if interval else bought or Interval.MONTH
    known = wanted if any(plan.key == wanted and plan.prices for plan in plans) else ""
    trouble = [failure_banner(failure)] if failure else []
    return page(
        request,
        "portal/billing.html",
        status=failure.status if failure else 200,
        viewer=viewer,
        banners=[*trouble, *known_trouble],
        may_manage=may(actor, Permission.BILLING_MANAGE),
        subscription=subscription_view(standing, catalogue),
        has_portal=standing.subscription is not None or bool(invoices),
        can_cancel=can_change(standing),
        has_pending=standing.subscription is not None and standing.subscription.pending is not None,
        only_addons=standing.subscription is not None and is_of_addons(standing.subscription),
        can_resume=standing.subscription is not None and standing.cancel_at_period_end,
        addons=beside,
        plans=offers(cards(plans, chosen), standing, bought, known),
        interval=chosen.value,
        saving=saving(plans),
        wanted=known,
        invoices=invoices,
    )


def failure_banner(failure: TollkeeperError) -> Banner:
    """Tell what just went wrong."""
    return Banner("bad", failure.title, failure.hint if failure.detail == failure.title else failure.detail)
