"""A promotion code on a running subscription, put on and taken off. The invoice it makes is shown before."""

from fastapi import APIRouter, Request
from starlette.responses import Response

from tollkeeper.billing import (
    PreviewedChange,
    apply_promotion,
    preview_promotion,
    provider_transaction,
    remove_promotion,
    status,
)
from tollkeeper.catalog import PromotionCodeError
from tollkeeper.infra import Runtime, RuntimeDep
from tollkeeper.kit import Actor, Permission, TollkeeperError, new_id
from tollkeeper.web.ui import exact, go, read_form, toast

from .billing import show_billing
from .billing_views import discount_words
from .confirming import Question, ask, once_of, rows_of
from .person import PersonDep, load_viewer

router = APIRouter()


@router.get("/billing/promotion")
async def promotion_page(request: Request, runtime: RuntimeDep, actor: PersonDep, promotion_code: str = "") -> Response:
    """Show the next invoice with a promotion code; what is wrong with the code stands beside its field."""
    actor.must(Permission.BILLING_MANAGE)
    return await _show(request, runtime, actor, promotion_code.strip())


@router.get("/billing/promotion/remove")
async def remove_page(request: Request, runtime: RuntimeDep, actor: PersonDep) -> Response:
    """Show the next invoice without what lowers it now."""
    actor.must(Permission.BILLING_MANAGE)
    return await _show(request, runtime, actor, None)


async def _show(request: Request, runtime: Runtime, actor: Actor, code: str | None) -> Response:
    try:
        if code == "":
            raise PromotionCodeError("Type in a code.")
        async with provider_transaction(runtime) as tx:
            viewer = await load_viewer(tx, actor)
            organization = viewer.home
            standing = await status(tx, organization.id, created_at=organization.created_at)
            preview = await preview_promotion(tx, organization.id, code)
    except TollkeeperError as error:
        return await show_billing(request, runtime, actor, code=code or "", failure=error)
    present = discount_words(standing.discount) if standing.discount else ""
    if code is None and not present:
        return go("/billing")
    return ask(request, viewer, _question(code, present, preview))


def _question(code: str | None, present: str, preview: PreviewedChange) -> Question:
    """Return what is asked; `present` says what lowers the invoices now, empty: nothing."""
    coming = preview.coming or preview.cost
    instead = f" It takes the place of {present}." if present else ""
    return Question(
        title=f"Use {code}" if code else "Remove the discount",
        text=f"It lowers your invoices from the next one on. Nothing is charged now.{instead}"
        if code
        else f"{present}. It may not be possible to use its code again.",
        rows=rows_of(coming),
        total_words=f"Next invoice, {preview.effective_at:%-d %b %Y}",
        total=exact(coming.due_now),
        action="/billing/promotion" if code else "/billing/promotion/remove",
        button="Use the code" if code else "Remove it",
        fields={"promotion_code": code, "once": new_id().hex} if code else {},
    )


@router.post("/billing/promotion")
async def promotion_form(request: Request, runtime: RuntimeDep, actor: PersonDep) -> Response:
    """Have the code lower the invoices from the next one on; sent twice, the form uses it once."""
    actor.must(Permission.BILLING_MANAGE)
    fields = await read_form(request)
    code = fields.get("promotion_code", "").strip()
    once = once_of(fields, "promotion", actor)
    try:
        async with provider_transaction(runtime) as tx:
            await apply_promotion(tx, actor.own_organization(), code, idempotency_key=once)
    except TollkeeperError as error:
        return await show_billing(request, runtime, actor, code=code, failure=error)
    return toast(request, go("/billing"), "It lowers your next invoice.")


@router.post("/billing/promotion/remove")
async def remove_form(request: Request, runtime: RuntimeDep, actor: PersonDep) -> Response:
    """Let nothing lower the invoices any more."""
    actor.must(Permission.BILLING_MANAGE)
    await read_form(request)
    try:
        async with provider_transaction(runtime) as tx:
            await remove_promotion(tx, actor.own_organization(), idempotency_key=f"promotion-{new_id()}")
    except TollkeeperError as error:
        return await show_billing(request, runtime, actor, failure=error)
    return toast(request, go("/billing"), "The discount is gone.")
