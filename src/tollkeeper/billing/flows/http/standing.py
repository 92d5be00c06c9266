"""The answer of every address that tells how a subscription is afterwards."""

from tollkeeper.billing.flows import service
from tollkeeper.billing.subscriptions import status
from tollkeeper.infra import Tx
from tollkeeper.orgs import Organization

from .access import intervals
from .status_schemas import StatusOut


async def shown_status(tx: Tx, organization: Organization) -> StatusOut:
    """Return the plan that may be used now, the subscription behind it, and where its payments stand."""
    found = await status(tx, organization.id, created_at=organization.created_at)
    return StatusOut.of(found, await service.payment_standing(tx, found.subscription), await intervals(tx))
