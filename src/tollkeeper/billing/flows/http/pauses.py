"""The addresses of pauses, and of coming back after the subscription is over."""

from typing import Annotated

from fastapi import APIRouter, Request
from pydantic import AwareDatetime, BaseModel, Field
from starlette.responses import Response

from tollkeeper.billing.flows import service
from tollkeeper.infra import ActorDep
from tollkeeper.infra.idempotency import IdempotencyDep
from tollkeeper.kit import MAX_URL, Permission, new_id
from tollkeeper.orgs import organization_for

from .access import ProviderTxDep, buyer_of, manager, page_after
from .routes import CANCEL_PAGE, RETURN_PAGE
from .schemas import PreviewOut, ResumeIn
from .standing import shown_status
from .status_schemas import StatusOut

router = APIRouter(prefix="/subscription", tags=["billing"])


class PauseIn(ResumeIn):
    """When the subscription goes on by itself."""

    until: Annotated[
        AwareDatetime | None,
        Field(description="left out: as long as may be; for operators until it is taken back"),
    ] = None


class ReactivateIn(ResumeIn):
    """Where to send the buyer afterwards, if it takes a hosted page."""

    success_url: Annotated[str, Field(max_length=MAX_URL)] | None = None
    cancel_url: Annotated[str, Field(max_length=MAX_URL)] | None = None


class ReactivatedOut(BaseModel):
    """How the subscription is now; or, where no payment method is kept, the page on which the plan can be bought.

    One of the two is null.
    """

    subscription: StatusOut | None
    checkout_url: str | None


@router.post("/pause")
async def post_pause(actor: ActorDep, tx: ProviderTxDep, body: PauseIn | None = None) -> StatusOut:
    """Let the subscription rest: nothing is owed, and the plan is not given, until it goes on."""
    wish = body or PauseIn()
    organization = await manager(tx, actor, wish.customer)
    until = wish.until.replace(microsecond=0) if wish.until else None
    await service.pause(tx, organization.id, until, by_operator=actor.is_operator)
    return await shown_status(tx, organization)


@router.post("/unpause")
async def post_unpause(actor: ActorDep, tx: ProviderTxDep, body: ResumeIn | None = None) -> StatusOut:
    """Go on after a pause: in a paid period at no charge, else a new period begins and is charged at once."""
    organization = await manager(tx, actor, body.customer if body else None)
    key = f"unpause-{new_id()}"
    await service.unpause(tx, organization.id, by_operator=actor.is_operator, idempotency_key=key)
    return await shown_status(tx, organization)


@router.post("/unpause/preview")
async def post_unpause_preview(actor: ActorDep, tx: ProviderTxDep, body: ResumeIn | None = None) -> PreviewOut:
    """Tell what going on would cost, line by line: nothing in a paid period, else a new one. Changes nothing."""
    actor.must(Permission.BILLING_READ)
    organization = await organization_for(tx, actor, body.customer if body else None)
    return PreviewOut.of(await service.preview_unpause(tx, organization.id, by_operator=actor.is_operator))


@router.post("/reactivate/preview")
async def post_reactivate_preview(actor: ActorDep, tx: ProviderTxDep, body: ResumeIn | None = None) -> PreviewOut:
    """Tell what coming back to the plan would cost, line by line. Changes nothing."""
    actor.must(Permission.BILLING_READ)
    organization = await organization_for(tx, actor, body.customer if body else None)
    return PreviewOut.of(await service.preview_reactivation(tx, organization.id))


@router.post("/reactivate", response_model=ReactivatedOut)
async def post_reactivate(
    request: Request,
    actor: ActorDep,
    tx: ProviderTxDep,
    once: IdempotencyDep,
    *,
    body: ReactivateIn | None = None,
) -> Response:
    """Begin the plan anew after the subscription is over, charged at once to the payment method that is kept."""
    wish = body or ReactivateIn()
    organization = await manager(tx, actor, wish.customer)
    success_url = page_after(request, actor, wish.success_url, field="success_url", default=RETURN_PAGE)
    cancel_url = page_after(request, actor, wish.cancel_url, field="cancel_url", default=CANCEL_PAGE)

    async def work() -> ReactivatedOut:
        buyer = await buyer_of(tx, actor, organization)
        page = await service.reactivate(tx, buyer, success_url=success_url, cancel_url=cancel_url)
        if page is not None:
            return ReactivatedOut(subscription=None, checkout_url=page.url)
        return ReactivatedOut(subscription=await shown_status(tx, organization), checkout_url=None)

    return await once.run_in(tx, work, status=200)
