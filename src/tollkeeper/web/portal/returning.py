"""Coming back after the subscription is over. What it costs is shown before it is done."""

from fastapi import APIRouter, Request
from starlette.responses import Response

from tollkeeper.billing import (
    Buyer,
    last_ended,
    list_of_organization,
    preview_reactivation,
    provider_transaction,
    reactivate,
)
from tollkeeper.catalog import load_catalogue
from tollkeeper.infra import RuntimeDep, Tx
from tollkeeper.kit import Actor, Permission, TollkeeperError
from tollkeeper.web.ui import base_url_of, exact, go, leave, read_form, toast

from .billing import show_billing
from .confirming import Question, ask, rows_of
from .person import PersonDep, load_viewer

router = APIRouter()

TEXT = (
    "It begins anew now with as many seats as before, without add-ons, discount or trial. It is charged to the payment "
    "method that is kept; without one you pay on the next page."
)


@router.get("/billing/reactivate")
async def reactivate_page(request: Request, runtime: RuntimeDep, actor: PersonDep) -> Response:
    """Show what coming back to the last plan costs."""
    actor.must(Permission.BILLING_MANAGE)
    try:
        async with provider_transaction(runtime) as tx:
            return ask(request, await load_viewer(tx, actor), await _question(tx, actor))
    except TollkeeperError as error:
        return await show_billing(request, runtime, actor, failure=error)


async def _question(tx: Tx, actor: Actor) -> Question:
    cost = (await preview_reactivation(tx, actor.own_organization())).cost
    last = last_ended(await list_of_organization(tx, actor.own_organization()))
    plan = (await load_catalogue(tx)).plans[last.plan].name if last and last.plan else "your plan"
    return Question(
        title=f"Come back to {plan}",
        text=TEXT,
        rows=rows_of(cost),
        total_words="Due now",
        total=exact(cost.due_now),
        action="/billing/reactivate",
        button=f"Pay {exact(cost.due_now)} and come back",
        back="Not now",
        fields={"due": str(cost.due_now.amount)},
    )


@router.post("/billing/reactivate")
async def reactivate_form(request: Request, runtime: RuntimeDep, actor: PersonDep) -> Response:
    """Begin the last plan anew, or lead to the page on which it is paid. Sent twice, it begins once.

    Where it costs something else by now, ask anew.
    """
    actor.must(Permission.BILLING_MANAGE)
    fields = await read_form(request)
    base = base_url_of(request)
    try:
        async with provider_transaction(runtime) as tx:
            viewer, question = await load_viewer(tx, actor), await _question(tx, actor)
            if question.fields["due"] != fields.get("due"):
                return ask(request, viewer, question)
            opened = await reactivate(
                tx,
                Buyer(actor.own_organization(), viewer.organization, viewer.email),
                success_url=f"{base}/checkout/return?session_id={{CHECKOUT_SESSION_ID}}",
                cancel_url=f"{base}/checkout/cancelled",
            )
    except TollkeeperError as error:
        return await show_billing(request, runtime, actor, failure=error)
    if opened is None:
        return toast(request, go("/billing"), "Your plan is back.")
    return leave(request, opened.url, "payment")
