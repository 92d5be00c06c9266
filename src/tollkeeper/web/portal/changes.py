"""Changing, cancelling and keeping a subscription. What a change costs is shown before it is made."""

from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from urllib.parse import urlencode
from uuid import UUID

from fastapi import APIRouter, Request
from starlette.responses import Response

from tollkeeper.billing import (
    CancelAt,
    Change,
    cancel,
    cancel_change,
    change_plan,
    list_invoices,
    preview_change,
    provider_transaction,
    resume,
    status,
)
from tollkeeper.catalog import Plan, PlanNotFoundError, PromotionCodeError, load_catalogue, takes_codes
from tollkeeper.infra import Runtime, RuntimeDep, Tx
from tollkeeper.kit import Actor, Permission, TollkeeperError, new_id
from tollkeeper.rating import Interval
from tollkeeper.web.ui import amount, chosen_interval, go, page, read_form, toast

from .billing import show_billing
from .billing_views import change_view, pays_in, subscription_view
from .confirming import once_of
from .person import PersonDep, load_viewer

router = APIRouter()


@router.get("/billing/change")
async def change_page(request: Request, runtime: RuntimeDep, actor: PersonDep) -> Response:
    """Show what moving to another plan costs, line by line: `plan`, `interval`, `promotion_code`.

    The page is there at once, the costs when the provider has told them; with `whole` it waits for the provider.
    """
    actor.must(Permission.BILLING_MANAGE)
    if not request.query_params.get("whole"):
        at_once = await _show_at_once(request, runtime, actor)
        if at_once is not None:
            return at_once
    return await _show(request, runtime, actor, request.query_params)


async def _show_at_once(request: Request, runtime: Runtime, actor: Actor) -> Response | None:
    """Show the page without its costs; None: it needs no provider to see that there is nothing to change."""
    fields = request.query_params
    plan, chosen = fields.get("plan", ""), chosen_interval(fields.get("interval", ""))
    async with runtime.transaction() as tx:
        viewer = await load_viewer(tx, actor)
        sold = (await load_catalogue(tx)).plans.get(plan)
        standing = await status(tx, viewer.home.id, created_at=viewer.home.created_at)
        currency = pays_in((await list_invoices(tx, viewer.home.id, limit=1)).data)
    if sold is None or standing.subscription is None or not _price(sold, chosen, currency):
        return None
    return page(
        request,
        "portal/change.html",
        viewer=viewer,
        banners=[],
        plan=sold.name,
        price=_price(sold, chosen, currency),
        whole=whole_page(request),
        change=None,
    )


async def _show(
    request: Request,
    runtime: Runtime,
    actor: Actor,
    fields: Mapping[str, str],
    refused: PromotionCodeError | None = None,
) -> Response:
    """Show what a change costs; with a `refused` code what it costs without, and what is wrong beside the field."""
    plan, chosen = fields.get("plan", ""), chosen_interval(fields.get("interval", ""))
    typed = fields.get("promotion_code", "").strip()
    code = "" if refused else typed
    try:
        async with provider_transaction(runtime) as tx:
            viewer = await load_viewer(tx, actor)
            catalogue = await load_catalogue(tx)
            if plan not in catalogue.plans:
                raise PlanNotFoundError(f"There is no plan {plan!r}.")
            preview = await preview_change(
                tx, actor.own_organization(), Change(plan, chosen, promotion_code=code or None)
            )
            sold = catalogue.plans[plan]
            codes = await takes_codes(tx)
    except PromotionCodeError as error:
        return await _show(request, runtime, actor, fields, error)
    except TollkeeperError as error:
        return await show_billing(request, runtime, actor, interval=chosen.value, failure=error)
    return page(
        request,
        "portal/change.html",
        status=refused.status if refused else 200,
        viewer=viewer,
        banners=[],
        plan=sold.name,
        plan_key=sold.key,
        price=_price(sold, chosen, preview.cost.due_now.currency),
        interval=chosen.value,
        change=change_view(preview),
        takes_codes=codes or bool(typed),
        code=code,
        typed=typed,
        code_error=refused.problems[0].message if refused else "",
        as_of=preview.cost.at.isoformat(),
        once=new_id().hex,
    )


@router.post("/billing/change")
async def change_form(request: Request, runtime: RuntimeDep, actor: PersonDep) -> Response:
    """Move to the plan at once; sent twice, the form changes once."""
    actor.must(Permission.BILLING_MANAGE)
    fields = await read_form(request)
    interval = fields.get("interval", "")
    once = once_of(fields, "change", actor)
    try:
        async with provider_transaction(runtime) as tx:
            await change_plan(
                tx,
                actor.own_organization(),
                Change(
                    fields.get("plan", ""),
                    chosen_interval(interval),
                    as_of=moment_of(fields.get("as_of", "")),
                    promotion_code=fields.get("promotion_code", "").strip() or None,
                ),
                idempotency_key=once,
            )
    except PromotionCodeError as error:
        return await _show(request, runtime, actor, fields, error)
    except TollkeeperError as error:
        return await show_billing(request, runtime, actor, interval=interval, failure=error)
    return toast(request, go("/billing"), "Your plan is changed as you chose.")


@router.post("/billing/change/cancel")
async def cancel_change_form(request: Request, runtime: RuntimeDep, actor: PersonDep) -> Response:
    """Take back a change that was to come when the period ends."""
    return await _change(request, runtime, actor, cancel_change, "The change is taken back.")


@router.get("/billing/cancel")
async def cancel_page(request: Request, runtime: RuntimeDep, actor: PersonDep) -> Response:
    """Ask before a subscription is cancelled."""
    actor.must(Permission.BILLING_MANAGE)
    async with runtime.transaction() as tx:
        viewer = await load_viewer(tx, actor)
        organization = viewer.home
        standing = await status(tx, organization.id, created_at=organization.created_at)
        catalogue = await load_catalogue(tx)
    if standing.subscription is None:
        return go("/billing")
    view, fallback = subscription_view(standing, catalogue), catalogue.default.name
    return page(request, "portal/cancel.html", viewer=viewer, banners=[], subscription=view, fallback=fallback)


@router.post("/billing/cancel")
async def cancel_form(request: Request, runtime: RuntimeDep, actor: PersonDep) -> Response:
    """End the subscription when its period ends."""
    return await _change(
        request,
        runtime,
        actor,
        lambda tx, organization_id: cancel(tx, organization_id, CancelAt.PERIOD_END),
        "It ends with the period that is paid.",
    )


@router.post("/billing/resume")
async def resume_form(request: Request, runtime: RuntimeDep, actor: PersonDep) -> Response:
    """Take back a cancellation that has not happened yet."""
    return await _change(request, runtime, actor, resume, "It goes on as before.")


def whole_page(request: Request) -> str:
    """Return the address of this page as it is once the provider has answered."""
    return f"{request.url.path}?{urlencode({**request.query_params, 'whole': 'yes'})}"


def _price(sold: Plan, interval: Interval, currency: str | None) -> str:
    price = sold.price(interval, currency)
    return f"{amount(price.money)} a {interval.value}" if price else ""


def moment_of(text: str) -> datetime | None:
    """Return the moment a form carries from its preview; None when somebody put something else there."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment if moment.tzinfo is not None else None


async def _change(
    request: Request, runtime: Runtime, actor: Actor, act: Callable[[Tx, UUID], Awaitable[object]], words: str
) -> Response:
    """Do what a confirmed form asks for at the provider, then show where billing stands, or why it was refused."""
    actor.must(Permission.BILLING_MANAGE)
    await read_form(request)
    try:
        async with provider_transaction(runtime) as tx:
            await act(tx, actor.own_organization())
    except TollkeeperError as error:
        return await show_billing(request, runtime, actor, failure=error)
    return toast(request, go("/billing"), words)
