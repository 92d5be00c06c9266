"""The billing page: what the plan is, what it costs, the plans on offer, and the invoices."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

from fastapi import APIRouter, Request
from starlette.responses import Response

from tollkeeper.billing import had_trial, list_addons, list_invoices, list_of_organization, status
from tollkeeper.catalog import PromotionCodeError, list_plans, load_catalogue, takes_codes
from tollkeeper.infra import Runtime, RuntimeDep
from tollkeeper.kit import Actor, Permission, TollkeeperError
from tollkeeper.orgs import get_organization
from tollkeeper.rating import Interval
from tollkeeper.web.ui import cards, chosen_interval, page, saving

from .addon_views import addon_rows
from .billing_views import (
    PlanOffer,
    Way,
    can_change,
    discount_words,
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


@dataclass(frozen=True, slots=True)
class CodeField:
    """A promotion code as it was typed, beside which plan, and what is wrong with it; empty when nothing is."""

    plan: str = ""
    value: str = ""
    error: str = ""

    @classmethod
    def of(cls, failure: TollkeeperError | None, code: str, offered: Sequence[PlanOffer], plan: str) -> Self:
        """Return the field as it stands in the card of a plan, if there is one."""
        is_there = any(each.card.key == plan and each.way is Way.BUY for each in offered)
        if not isinstance(failure, PromotionCodeError) or not is_there:
            return cls()
        return cls(plan, code, failure.problems[0].message)


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
    code: str = "",
    failure: TollkeeperError | None = None,
) -> Response:
    """Answer with the billing page; `failure` is what just went wrong, told on top of it.

    What is wrong with the promotion `code` that was typed stands beside its field, in the card of the plan `wanted`.
    """
    actor.must(Permission.BILLING_READ)
    async with runtime.transaction() as tx:
        viewer = await load_viewer(tx, actor)
        organization = await get_organization(tx, actor.own_organization())
        standing = await status(tx, organization.id, created_at=organization.created_at)
        catalogue = await load_catalogue(tx)
        plans = await list_plans(tx)
        codes = await takes_codes(tx)
        may_try = not any(had_trial(each.trial_end) for each in await list_of_organization(tx, organization.id))
        known_trouble = await standing_banners(tx, actor, standing, catalogue)
        beside = addon_rows(await list_addons(tx, organization.id, created_at=organization.created_at))
        invoices = invoice_rows((await list_invoices(tx, organization.id, limit=SHOWN_INVOICES)).data)
    bought = interval_of(standing, catalogue)
    chosen = chosen_interval(interval) if interval else bought or Interval.MONTH
    known = wanted if any(plan.key == wanted and plan.prices for plan in plans) else ""
    offered = offers(cards(plans, chosen), standing, bought, known, may_try=may_try)
    typed = CodeField.of(failure, code, offered, known)
    trouble = [failure_banner(failure)] if failure and not typed.error else []
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
        plans=offered,
        takes_codes=codes or bool(typed.error),
        typed=typed,
        discount=discount_words(standing.discount) if standing.discount else "",
        interval=chosen.value,
        saving=saving(plans),
        wanted=known,
        invoices=invoices,
    )


def failure_banner(failure: TollkeeperError) -> Banner:
    """Tell what just went wrong."""
    return Banner("bad", failure.title, failure.hint if failure.detail == failure.title else failure.detail)
