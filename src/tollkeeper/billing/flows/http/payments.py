"""The addresses of payments, refunds, credit and disputes."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query
from starlette.responses import Response

from tollkeeper.billing.flows import service
from tollkeeper.billing.payments import get_dispute, list_charges, list_disputes, list_refunds
from tollkeeper.infra import ActorDep, Tx, TxDep
from tollkeeper.infra.idempotency import IdempotencyDep
from tollkeeper.kit import Actor, Permission
from tollkeeper.orgs import organization_for

from .access import CustomerQuery, ProviderTxDep, reader
from .payment_schemas import (
    CreditIn,
    CreditOut,
    DisputeOut,
    DisputesOut,
    EvidenceIn,
    PaymentOut,
    PaymentsOut,
    RefundIn,
    RefundOut,
    RefundsOut,
)
from .schemas import ResumeIn

router = APIRouter(prefix="/billing", tags=["billing"])

Cursor = Annotated[str | None, Query(max_length=200)]
Limit = Annotated[int, Query(ge=1, le=100)]


@router.get("/payments")
async def get_payments(
    actor: ActorDep, tx: TxDep, customer: CustomerQuery = None, cursor: Cursor = None, limit: Limit = 20
) -> PaymentsOut:
    """List payments, tried and done, newest first. Operators see everybody's unless they name a customer."""
    page = await list_charges(tx, await _whose(tx, actor, customer), cursor=cursor, limit=limit)
    return PaymentsOut(data=[PaymentOut.of(each) for each in page.data], next_cursor=page.next_cursor)


@router.get("/refunds")
async def get_refunds(
    actor: ActorDep, tx: TxDep, customer: CustomerQuery = None, cursor: Cursor = None, limit: Limit = 20
) -> RefundsOut:
    """List refunds, newest first. Operators see everybody's unless they name a customer."""
    page = await list_refunds(tx, await _whose(tx, actor, customer), cursor=cursor, limit=limit)
    shown = [RefundOut.of(each, operator=actor.is_operator) for each in page.data]
    return RefundsOut(data=shown, next_cursor=page.next_cursor)


@router.post("/invoices/{invoice_id}/refund", status_code=201, response_model=RefundsOut)
async def post_refund(
    invoice_id: UUID, body: RefundIn, actor: ActorDep, tx: ProviderTxDep, once: IdempotencyDep
) -> Response:
    """Give back what an invoice brought, or a part of it, to where it was paid from. The subscription goes on."""
    actor.must(Permission.BILLING_REFUND)
    organization = await organization_for(tx, actor, body.customer)

    async def work() -> RefundsOut:
        key = f"{once.scope} {once.key}" if once.key else None
        made = await service.refund(tx, organization.id, invoice_id, body.order(), key=key)
        return RefundsOut(data=[RefundOut.of(each, operator=actor.is_operator) for each in made])

    return await once.run_in(tx, work, status=201)


@router.post("/invoices/{invoice_id}/credit", status_code=201, response_model=CreditOut)
async def post_credit(
    invoice_id: UUID, body: CreditIn, actor: ActorDep, tx: ProviderTxDep, once: IdempotencyDep
) -> Response:
    """Issue a credit note: an unpaid invoice asks for less, of a paid one so much is credited or given back."""
    actor.must(Permission.BILLING_REFUND)
    organization = await organization_for(tx, actor, body.customer)

    async def work() -> CreditOut:
        key = f"{once.scope} {once.key}" if once.key else None
        return CreditOut.of(await service.credit(tx, organization.id, invoice_id, body.order(), key=key))

    return await once.run_in(tx, work, status=201)


@router.get("/disputes")
async def get_disputes(
    actor: ActorDep, tx: TxDep, customer: CustomerQuery = None, cursor: Cursor = None, limit: Limit = 20
) -> DisputesOut:
    """List disputes, newest first. Operators see everybody's unless they name a customer."""
    page = await list_disputes(tx, await _whose(tx, actor, customer), cursor=cursor, limit=limit)
    shown = [DisputeOut.of(each, operator=actor.is_operator) for each in page.data]
    return DisputesOut(data=shown, next_cursor=page.next_cursor)


@router.get("/disputes/{dispute_id}")
async def get_one_dispute(dispute_id: UUID, actor: ActorDep, tx: TxDep, customer: CustomerQuery = None) -> DisputeOut:
    """Read one dispute, for operators with the evidence written so far."""
    found = await get_dispute(tx, await _whose(tx, actor, customer), dispute_id)
    return DisputeOut.of(found, operator=actor.is_operator)


@router.post("/disputes/{dispute_id}/evidence")
async def post_evidence(dispute_id: UUID, body: EvidenceIn, actor: ActorDep, tx: ProviderTxDep) -> DisputeOut:
    """Write evidence for the bank, and send it with `submit`; what is not named stays as it was written before."""
    await _answerer(tx, actor, dispute_id, body.customer)
    found = await service.give_evidence(tx, dispute_id, body.fields(), usage_log=body.usage_log, submit=body.submit)
    return DisputeOut.of(found, operator=actor.is_operator)


@router.post("/disputes/{dispute_id}/accept")
async def post_accept(dispute_id: UUID, actor: ActorDep, tx: ProviderTxDep, body: ResumeIn | None = None) -> DisputeOut:
    """Give in: the dispute is lost, and the payment with it."""
    await _answerer(tx, actor, dispute_id, body.customer if body else None)
    return DisputeOut.of(await service.accept_dispute(tx, dispute_id), operator=actor.is_operator)


@router.post("/disputes/{dispute_id}/release")
async def post_release(
    dispute_id: UUID, actor: ActorDep, tx: ProviderTxDep, body: ResumeIn | None = None
) -> DisputeOut:
    """Give the plan back that this dispute withholds, whatever comes of it, as when it was settled otherwise."""
    await _answerer(tx, actor, dispute_id, body.customer if body else None)
    return DisputeOut.of(await service.let_go(tx, dispute_id), operator=actor.is_operator)


async def _whose(tx: Tx, actor: Actor, customer: str | None) -> UUID | None:
    """Return whose things the caller may see: an organization's; everybody's (None) for operators who name none."""
    if actor.is_operator and customer is None:
        actor.must(Permission.BILLING_READ)
        return None
    return (await reader(tx, actor, customer)).id


async def _answerer(tx: Tx, actor: Actor, dispute_id: UUID, customer: str | None) -> None:
    """Let only those answer a dispute who may give money back, and only one they can see, of `customer` if named."""
    actor.must(Permission.BILLING_REFUND)
    await get_dispute(tx, await _whose(tx, actor, customer), dispute_id)
