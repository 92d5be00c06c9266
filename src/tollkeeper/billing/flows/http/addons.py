"""The addresses of add-ons."""

from fastapi import APIRouter
from starlette.responses import Response

from tollkeeper.billing.flows import service
from tollkeeper.infra import ActorDep, Tx, TxDep
from tollkeeper.infra.idempotency import IdempotencyDep
from tollkeeper.kit import Permission, new_id
from tollkeeper.orgs import Organization, organization_for

from .access import CustomerQuery, ProviderTxDep, manager, reader
from .addons_schemas import AddonChangeIn, HeldAddonsOut
from .schemas import PreviewOut

router = APIRouter(prefix="/subscription/addons", tags=["billing"])


@router.get("")
async def get_addons(actor: ActorDep, tx: TxDep, customer: CustomerQuery = None) -> HeldAddonsOut:
    """List the add-ons that the organization has, and those that go with its plan."""
    return await _listed(tx, await reader(tx, actor, customer))


@router.post("/preview")
async def post_preview(body: AddonChangeIn, actor: ActorDep, tx: ProviderTxDep) -> PreviewOut:
    """Tell what having so many units would cost, line by line, and when it is. Changes nothing."""
    actor.must(Permission.BILLING_READ)
    organization = await organization_for(tx, actor, body.customer)
    return PreviewOut.of(await service.preview_addon(tx, organization.id, body.change()))


@router.post("", response_model=HeldAddonsOut)
async def post_addon(body: AddonChangeIn, actor: ActorDep, tx: ProviderTxDep, once: IdempotencyDep) -> Response:
    """Have so many units of an add-on: more at once, charged by the second; fewer when the period ends."""
    organization = await manager(tx, actor, body.customer)

    async def work() -> HeldAddonsOut:
        key = f"addon-{new_id()}"
        await service.set_addon(tx, organization.id, body.change(), idempotency_key=key)
        return await _listed(tx, organization)

    return await once.run_in(tx, work, status=200)


async def _listed(tx: Tx, organization: Organization) -> HeldAddonsOut:
    return HeldAddonsOut.of(await service.list_addons(tx, organization.id, created_at=organization.created_at))
