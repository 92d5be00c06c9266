"""The billing page: what the plan is, what it costs, the plans on offer, and the invoices."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Self
from uuid import UUID

from fastapi import APIRouter, Request
from starlette.responses import Response

from tollkeeper.billing import (
    Invoice,
    Status,
    addons_beside,
    had_trial,
    list_invoices,
    list_of_organization,
    longest_pause,
    status_of,
)
from tollkeeper.billing.invoices import InvoiceOrder
from tollkeeper.catalog import PromotionCodeError, list_plans, load_catalogue, takes_codes
from tollkeeper.infra import Runtime, RuntimeDep, Tx
from tollkeeper.kit import Actor, InvalidInputError, Page, Permission, TollkeeperError
from tollkeeper.rating import Interval
from tollkeeper.web.ui import Asked, Column, Table, advice, cards, chosen_interval, page, said, saving

from .addon_views import addon_rows
from .billing_views import (
    PlanOffer,
    Way,
    can_cancel,
    can_change,
    discount_words,
    interval_of,
    invoice_rows,
    is_of_addons,
    offers,
    pays_in,
    subscription_view,
)
from .pause_views import pause_view
from .person import PersonDep, load_viewer, may, may_buy
from .standing import METHODS, standing_banners
from .views import Banner

router = APIRouter()

SHOWN_INVOICES = 24
_INVOICES = Table(
    path="/billing",
    columns=(
        Column("number", "Number"),
        Column("issued", "Date", sorts=True),
        Column("state", "Status"),
        Column("total", "Amount", sorts=True, is_number=True),
        Column("open", "Open", quiet=True),
    ),
    order="-issued",
    anchor="invoices",
)
_WAYS_ON: Mapping[str, tuple[str, str, str]] = MappingProxyType(
    {
        "payment_failed": ("Nothing was charged.", METHODS, "Use another payment method"),
        "payment_method_needed": ("Add one, then try again.", METHODS, "Payment methods"),
        "subscription_paused": ("Go on first, then change it.", "/billing/unpause", "Go on"),
        "change_to_come": ("Take that back first, then try again.", "", ""),
        "no_invoice_to_come": ("Keep the plan first, then use the code.", "", ""),
        "not_pausable": ("A plan can be paused while it is active and its period is paid.", "", ""),
    }
)
"""What is said on these pages of an error, by its code, and where its link leads."""


@dataclass(frozen=True, slots=True)
class CodeField:
    """A promotion code as it was typed, and what is wrong with it; empty when nothing is.

    It was typed beside the `plan`; empty: for the plan that runs.
    """

    plan: str = ""
    value: str = ""
    error: str = ""

    @classmethod
    def of(
        cls, failure: TollkeeperError | None, code: str, offered: Sequence[PlanOffer], plan: str, *, runs: bool
    ) -> Self:
        """Return the field as it stands in the card of a plan, or for the plan that `runs`, if there is one."""
        in_card = any(each.card.key == plan and each.way is Way.BUY for each in offered)
        is_there = in_card if plan else runs
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
    asked = _INVOICES.read(request.query_params)
    async with runtime.transaction() as tx:
        viewer = await load_viewer(tx, actor)
        ever = await list_of_organization(tx, viewer.home.id)
        standing = await status_of(tx, ever, created_at=viewer.home.created_at)
        catalogue = await load_catalogue(tx)
        plans, codes = await list_plans(tx), await takes_codes(tx)
        known_trouble = await standing_banners(tx, actor, viewer, standing, catalogue)
        beside = addon_rows(await addons_beside(tx, standing.subscription))
        newest, listed = await _invoices(tx, viewer.home.id, asked)
    bought = interval_of(standing, catalogue)
    chosen = chosen_interval(interval) if interval else bought or Interval.MONTH
    known = wanted if any(plan.key == wanted and plan.prices for plan in plans) else ""
    may_try = not any(had_trial(each.trial_end) for each in ever)
    offered = offers(cards(plans, chosen, currency=pays_in(newest.data)), standing, bought, known, may_try=may_try)
    takes_code = can_cancel(standing) and not _changes(standing)
    typed = CodeField.of(failure, code, offered, known, runs=takes_code)
    return page(
        request,
        "portal/billing.html",
        status=failure.status if failure else 200,
        viewer=viewer,
        banners=[*([failure_banner(failure)] if failure and not typed.error else []), *known_trouble],
        may_manage=may(actor, Permission.BILLING_MANAGE),
        may_buy=may_buy(actor, viewer),
        subscription=subscription_view(standing, catalogue),
        has_portal=standing.subscription is not None or any(each.status != "draft" for each in newest.data),
        can_cancel=can_cancel(standing),
        can_change=can_change(standing),
        pause=pause_view(standing, catalogue, ever, next(iter(newest.data), None), longest_pause(runtime)),
        has_pending=_changes(standing),
        only_addons=standing.subscription is not None and is_of_addons(standing.subscription),
        can_resume=standing.subscription is not None and standing.cancel_at_period_end,
        addons=beside,
        plans=offered,
        takes_codes=codes or bool(typed.error),
        takes_code=takes_code and (codes or bool(typed.error)),
        typed=typed,
        discount=discount_words(standing.discount) if standing.discount else "",
        interval=chosen.value,
        saving=saving(plans),
        wanted=known,
        invoices=invoice_rows(listed.data),
        invoice_pages=_INVOICES.shown(asked, next_cursor=listed.next_cursor),
    )


async def _invoices(tx: Tx, organization_id: UUID, asked: Asked) -> tuple[Page[Invoice], Page[Invoice]]:
    """Return the newest invoices, and those the address asks for."""
    newest = await list_invoices(tx, organization_id, limit=SHOWN_INVOICES)
    if asked.sort == _INVOICES.order and not asked.cursor:
        return newest, newest
    return newest, await list_invoices(
        tx,
        organization_id,
        order=InvoiceOrder(asked.order),
        descending=asked.descending,
        cursor=asked.cursor,
        limit=SHOWN_INVOICES,
    )


def _changes(standing: Status) -> bool:
    return standing.subscription is not None and standing.subscription.pending is not None


def failure_banner(failure: TollkeeperError) -> Banner:
    """Tell what just went wrong, and where on these pages it can be mended: hints speak of the API."""
    happened = said(failure) if failure.detail != failure.title else ""
    if failure.title == InvalidInputError.title:  # nothing but that something was mistyped
        return Banner("bad", happened, advice(failure))
    if failure.code in _WAYS_ON:
        text, href, action = _WAYS_ON[failure.code]
        return Banner("bad", failure.title, f"{happened} {text}".strip(), href, action)
    return Banner("bad", failure.title, happened or advice(failure))
