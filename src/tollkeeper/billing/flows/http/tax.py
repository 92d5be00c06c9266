"""The addresses of billing details and tax ids."""

from typing import Annotated

from fastapi import APIRouter, Path

from tollkeeper.billing.flows import service
from tollkeeper.infra import ActorDep
from tollkeeper.kit import ForbiddenError

from .access import CustomerQuery, ProviderTxDep, buyer_of, manager, reader
from .tax_schemas import DetailsIn, DetailsOut, TaxIdIn, TaxIdOut, TaxIdsOut

router = APIRouter(prefix="/billing", tags=["billing"])

TaxIdPath = Annotated[str, Path(max_length=100, pattern=r"^[A-Za-z0-9_]+$")]


@router.get("/details")
async def get_details(actor: ActorDep, tx: ProviderTxDep, customer: CustomerQuery = None) -> DetailsOut:
    """Tell whom invoices are made out to, and whether tax is charged."""
    organization = await reader(tx, actor, customer)
    return DetailsOut.of(await service.billing_details(tx, organization.id, name=organization.name))


@router.patch("/details")
async def patch_details(body: DetailsIn, actor: ActorDep, tx: ProviderTxDep) -> DetailsOut:
    """Change whom coming invoices are made out to. Invoices that are final stay as they are."""
    organization = await manager(tx, actor, body.customer)
    if body.tax_exempt is not None and not actor.is_operator:
        raise ForbiddenError("Only an operator decides whether tax is charged.")
    buyer = await buyer_of(tx, actor, organization)
    return DetailsOut.of(await service.change_details(tx, buyer, body.change()))


@router.get("/tax-ids")
async def get_tax_ids(actor: ActorDep, tx: ProviderTxDep, customer: CustomerQuery = None) -> TaxIdsOut:
    """List tax ids, newest first, each with what came of verifying it."""
    organization = await reader(tx, actor, customer)
    return TaxIdsOut(data=[TaxIdOut.of(each) for each in await service.list_tax_ids(tx, organization.id)])


@router.post("/tax-ids", status_code=201)
async def post_tax_id(body: TaxIdIn, actor: ActorDep, tx: ProviderTxDep) -> TaxIdOut:
    """Add a tax id to coming invoices. One that is there already is not added twice."""
    organization = await manager(tx, actor, body.customer)
    buyer = await buyer_of(tx, actor, organization)
    return TaxIdOut.of(await service.add_tax_id(tx, buyer, body.type, body.value))


@router.delete("/tax-ids/{tax_id}", status_code=204)
async def delete_tax_id(tax_id: TaxIdPath, actor: ActorDep, tx: ProviderTxDep, customer: CustomerQuery = None) -> None:
    """Take a tax id off coming invoices."""
    organization = await manager(tx, actor, customer)
    await service.remove_tax_id(tx, organization.id, tax_id)
