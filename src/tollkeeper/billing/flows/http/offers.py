"""The addresses of promotion codes and trials."""

from typing import Annotated

from fastapi import APIRouter
from pydantic import AwareDatetime, Field

from tollkeeper.billing.flows import service
from tollkeeper.infra import ActorDep
from tollkeeper.kit import Actor, ForbiddenError, Permission, new_id
from tollkeeper.orgs import organization_for

from .access import CustomerQuery, ProviderTxDep, manager
from .schemas import PreviewOut, PromotionText, ResumeIn
from .standing import shown_status
from .status_schemas import StatusOut

router = APIRouter(prefix="/subscription", tags=["billing"])


class PromotionIn(ResumeIn):
    """A promotion code as the customer typed it, in either case."""

    code: PromotionText


class PromotionPreviewIn(ResumeIn):
    """A promotion code as the customer typed it; left out: what taking the discount away would come to."""

    code: PromotionText | None = None


class ExtendIn(ResumeIn):
    """When the trial is to end."""

    until: Annotated[AwareDatetime, Field(description="after the present end, at most two years from now")]


@router.post("/promotion")
async def post_promotion(body: PromotionIn, actor: ActorDep, tx: ProviderTxDep) -> StatusOut:
    """Have a promotion code lower the invoices from the next one on, in place of what lowers them now."""
    organization = await manager(tx, actor, body.customer)
    await service.apply_promotion(tx, organization.id, body.code, idempotency_key=f"promotion-{new_id()}")
    return await shown_status(tx, organization)


@router.post("/promotion/preview")
async def post_promotion_preview(body: PromotionPreviewIn, actor: ActorDep, tx: ProviderTxDep) -> PreviewOut:
    """Tell what the next invoice would be with a promotion code, or with nothing that lowers it. Changes nothing."""
    actor.must(Permission.BILLING_READ)
    organization = await organization_for(tx, actor, body.customer)
    return PreviewOut.of(await service.preview_promotion(tx, organization.id, body.code))


@router.delete("/promotion")
async def delete_promotion(actor: ActorDep, tx: ProviderTxDep, customer: CustomerQuery = None) -> StatusOut:
    """Let nothing lower the invoices any more."""
    organization = await manager(tx, actor, customer)
    await service.remove_promotion(tx, organization.id, idempotency_key=f"promotion-{new_id()}")
    return await shown_status(tx, organization)


@router.post("/trial/end")
async def post_trial_end(actor: ActorDep, tx: ProviderTxDep, body: ResumeIn | None = None) -> StatusOut:
    """End the trial now: the first period is collected and begins. Without a way to pay nothing changes."""
    organization = await manager(tx, actor, body.customer if body else None)
    await service.end_trial(tx, organization.id, idempotency_key=f"trial-{new_id()}")
    return await shown_status(tx, organization)


@router.post("/trial/extend")
async def post_trial_extend(body: ExtendIn, actor: ActorDep, tx: ProviderTxDep) -> StatusOut:
    """Have a trial end later; for operators, who name the customer."""
    _must_operate(actor)
    organization = await manager(tx, actor, body.customer)
    until = body.until.replace(microsecond=0)
    await service.extend_trial(tx, organization.id, until, idempotency_key=f"trial-{new_id()}")
    return await shown_status(tx, organization)


@router.post("/trial/resume")
async def post_trial_resume(actor: ActorDep, tx: ProviderTxDep, body: ResumeIn | None = None) -> StatusOut:
    """Go on after a trial that ended without a payment method: the first period is collected and begins."""
    organization = await manager(tx, actor, body.customer if body else None)
    await service.wake_after_trial(tx, organization.id, idempotency_key=f"wake-{new_id()}")
    return await shown_status(tx, organization)


def _must_operate(actor: Actor) -> None:
    if not actor.is_operator:
        raise ForbiddenError("This needs an operator's key.")
