"""The addresses of ways to pay."""

from typing import Annotated

from fastapi import APIRouter, Path, Request

from tollkeeper.billing.flows import service
from tollkeeper.infra import ActorDep

from .access import BILLING_PAGE, CustomerQuery, ProviderTxDep, manager, page_after, reader
from .methods_schemas import SavedMethodOut, SavedMethodsOut
from .schemas import PortalIn, PortalOut, ResumeIn

router = APIRouter(prefix="/billing/payment-methods", tags=["billing"])

MethodId = Annotated[str, Path(max_length=100, pattern=r"^[A-Za-z0-9_]+$")]


@router.get("")
async def get_methods(actor: ActorDep, tx: ProviderTxDep, customer: CustomerQuery = None) -> SavedMethodsOut:
    """List the ways to pay, the default one first."""
    organization = await reader(tx, actor, customer)
    found = await service.list_payment_methods(tx, organization.id)
    return SavedMethodsOut(data=[SavedMethodOut.of(each) for each in found])


@router.post("")
async def post_method(request: Request, body: PortalIn, actor: ActorDep, tx: ProviderTxDep) -> PortalOut:
    """Open the hosted page on which a way to pay is added. Nothing is charged."""
    organization = await manager(tx, actor, body.customer)
    back = page_after(request, actor, body.return_url, field="return_url", default=BILLING_PAGE)
    return PortalOut(url=await service.add_payment_method(tx, organization.id, success_url=back, cancel_url=back))


@router.post("/{method_id}/default")
async def post_default(
    method_id: MethodId, actor: ActorDep, tx: ProviderTxDep, body: ResumeIn | None = None
) -> SavedMethodsOut:
    """Use this way to pay from now on, for the subscription too."""
    organization = await manager(tx, actor, body.customer if body else None)
    found = await service.make_default(tx, organization.id, method_id)
    return SavedMethodsOut(data=[SavedMethodOut.of(each) for each in found])


@router.delete("/{method_id}", status_code=204)
async def delete_method(
    method_id: MethodId, actor: ActorDep, tx: ProviderTxDep, customer: CustomerQuery = None
) -> None:
    """Forget a way to pay. The one a subscription is paid with stays until another is the default."""
    organization = await manager(tx, actor, customer)
    await service.remove_payment_method(tx, organization.id, method_id)
