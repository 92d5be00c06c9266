"""One subscription of anybody: how it stands, what it went through, and what is owed."""

from uuid import UUID

from fastapi import APIRouter, Request
from starlette.responses import Response

from tollkeeper.billing.dunning import find_case
from tollkeeper.billing.subscriptions import history, look_up_subscription
from tollkeeper.catalog import list_prices
from tollkeeper.infra import RuntimeDep
from tollkeeper.web.admin.guard import StaffDep
from tollkeeper.web.admin.showing import show
from tollkeeper.web.portal import SUBSCRIPTION_STATES, way_words

from .list_views import next_of, price_words, state_of
from .lists import SUBSCRIPTIONS
from .naming import names_for

router = APIRouter()


@router.get(SUBSCRIPTIONS + "/{subscription_id}")
async def subscription_page(request: Request, runtime: RuntimeDep, viewer: StaffDep, subscription_id: UUID) -> Response:
    """Show a subscription and its history."""
    async with runtime.transaction(of_all=True) as tx:
        found = await look_up_subscription(tx, subscription_id)
        steps = await history(tx, subscription_id)
        case = await find_case(tx, subscription_id)
        names = await names_for(tx, [found.organization_id], plans=True)
        prices = {each.id: each for each in await list_prices(tx)}
    state, tone = state_of(found)
    words, until = next_of(found)
    return show(
        request,
        viewer,
        "money/subscription.html",
        subscription=found,
        owner=names.owners[found.organization_id],
        plan=names.plan(found.plan),
        pending=names.plan(found.pending.plan) if found.pending else "",
        price=price_words(found, prices),
        state=state,
        tone=tone,
        next_words=words,
        until=until,
        method=way_words(found.payment_method) if found.payment_method else "",
        addons=found.units(),
        case=case,
        steps=list(reversed(steps)),
        states=SUBSCRIPTION_STATES,
        plans=names.plans,
    )
