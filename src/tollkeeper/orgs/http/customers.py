"""Addresses of customers, for the operator's own product."""

from fastapi import APIRouter
from starlette.responses import Response

from tollkeeper.infra import ActorDep, IdempotencyDep, TxDep
from tollkeeper.orgs.service import create_organization, list_organizations, must_be_operator, organization_for

from .schemas import Cursor, CustomerBody, CustomerList, Limit, OrganizationOut, read_cursor

router = APIRouter(prefix="/customers", tags=["Customers"])


@router.post(
    "",
    status_code=201,
    response_model=OrganizationOut,
    responses={409: {"description": "`external_id_taken`"}},
    summary="Create a customer",
)
async def create_customer(body: CustomerBody, tx: TxDep, actor: ActorDep, once: IdempotencyDep) -> Response:
    """Create a customer without members; operators only."""
    must_be_operator(actor)

    async def work() -> OrganizationOut:
        return OrganizationOut.of(await create_organization(tx, body.name, None, body.external_id))

    return await once.run_in(tx, work, status=201)


@router.get("", summary="List customers")
async def list_customers(tx: TxDep, actor: ActorDep, limit: Limit = 50, cursor: Cursor = None) -> CustomerList:
    """List every customer, newest first; operators only."""
    return CustomerList.of(await list_organizations(tx, actor, cursor=read_cursor(cursor), limit=limit))


@router.get("/{customer:path}", responses={404: {"description": "`customer_not_found`"}}, summary="Read a customer")
async def read_customer(customer: str, tx: TxDep, actor: ActorDep) -> OrganizationOut:
    """Return one customer by id or external id; operators only."""
    must_be_operator(actor)
    return OrganizationOut.of(await organization_for(tx, actor, customer))
