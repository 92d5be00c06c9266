"""Pausing a subscription and going on. What going on costs is shown before it is done."""

from fastapi import APIRouter, Request
from starlette.responses import Response

from tollkeeper.billing import (
    longest_pause,
    pause,
    preview_unpause,
    provider_transaction,
    status,
    unpause,
)
from tollkeeper.catalog import load_catalogue
from tollkeeper.infra import Runtime, RuntimeDep, Tx
from tollkeeper.kit import Actor, FieldProblem, ForbiddenError, InvalidInputError, Permission, TollkeeperError, new_id
from tollkeeper.orgs import get_organization
from tollkeeper.web.ui import exact, go, page, read_form, toast

from .billing import show_billing
from .billing_views import plan_bought
from .confirming import Question, ask, once_of, rows_of
from .pause_views import WHO_CAN, day_of, days_of
from .person import PersonDep, load_viewer

router = APIRouter()


@router.get("/billing/pause")
async def pause_page(request: Request, runtime: RuntimeDep, actor: PersonDep) -> Response:
    """Ask until when the subscription is to rest."""
    actor.must(Permission.BILLING_MANAGE)
    return await _show(request, runtime, actor)


async def _show(
    request: Request, runtime: Runtime, actor: Actor, *, typed: str = "", refused: FieldProblem | None = None
) -> Response:
    """Show the form; `refused` is what is wrong with the day that was typed."""
    longest = longest_pause(runtime)
    if longest is None:
        return await show_billing(request, runtime, actor, failure=ForbiddenError(WHO_CAN))
    async with runtime.transaction() as tx:
        viewer = await load_viewer(tx, actor)
        organization = viewer.home
        standing = await status(tx, organization.id, created_at=organization.created_at)
        catalogue = await load_catalogue(tx)
        days = days_of(longest, tx.now)
    if standing.subscription is None or standing.subscription.pause is not None:
        return go("/billing")
    return page(
        request,
        "portal/pause.html",
        status=InvalidInputError.status if refused else 200,
        viewer=viewer,
        banners=[],
        plan=plan_bought(standing, catalogue).name,
        fallback=catalogue.default.name,
        paid_until=standing.current_period_end,
        earliest=days.earliest.isoformat(),
        latest=days.latest.isoformat(),
        bound=days.bound,
        typed=typed or days.suggested.isoformat(),
        error=refused.message if refused else "",
    )


@router.post("/billing/pause")
async def pause_form(request: Request, runtime: RuntimeDep, actor: PersonDep) -> Response:
    """Let the subscription rest until the day that was chosen."""
    actor.must(Permission.BILLING_MANAGE)
    typed = (await read_form(request)).get("until", "").strip()
    try:
        until = day_of(typed)
        async with provider_transaction(runtime) as tx:
            await pause(tx, actor.own_organization(), until, by_operator=False)
    except InvalidInputError as error:
        return await _show(request, runtime, actor, typed=typed, refused=error.problems[0])
    except TollkeeperError as error:
        return await show_billing(request, runtime, actor, failure=error)
    return toast(request, go("/billing"), "Your plan rests.")


@router.get("/billing/unpause")
async def unpause_page(request: Request, runtime: RuntimeDep, actor: PersonDep) -> Response:
    """Show what going on costs."""
    actor.must(Permission.BILLING_MANAGE)
    try:
        async with provider_transaction(runtime) as tx:
            return ask(request, await load_viewer(tx, actor), await _question(tx, actor))
    except TollkeeperError as error:
        return await show_billing(request, runtime, actor, failure=error)


async def _question(tx: Tx, actor: Actor) -> Question:
    organization = await get_organization(tx, actor.own_organization())
    cost = (await preview_unpause(tx, organization.id, by_operator=False)).cost
    standing = await status(tx, organization.id, created_at=organization.created_at)
    plan, due = plan_bought(standing, await load_catalogue(tx)).name, exact(cost.due_now)
    return Question(
        title=f"Go on with {plan}",
        text="A new period begins now and is charged at once."
        if cost.lines
        else f"The present period is paid: nothing is charged, and {plan} is back at once.",
        rows=rows_of(cost),
        total_words="Due now",
        total=due,
        action="/billing/unpause",
        button=f"Pay {due} and go on" if cost.due_now.amount else "Go on",
        back="Not now",
        fields={"once": new_id().hex, "due": str(cost.due_now.amount)},
    )


@router.post("/billing/unpause")
async def unpause_form(request: Request, runtime: RuntimeDep, actor: PersonDep) -> Response:
    """Go on; sent twice, the form charges once. Where it costs something else by now, ask anew."""
    actor.must(Permission.BILLING_MANAGE)
    fields = await read_form(request)
    once = once_of(fields, "unpause", actor)
    try:
        async with provider_transaction(runtime) as tx:
            question = await _question(tx, actor)
            if question.fields["due"] != fields.get("due"):
                return ask(request, await load_viewer(tx, actor), question)
            await unpause(tx, actor.own_organization(), by_operator=False, idempotency_key=once)
    except TollkeeperError as error:
        return await show_billing(request, runtime, actor, failure=error)
    return toast(request, go("/billing"), "Your plan goes on.")
