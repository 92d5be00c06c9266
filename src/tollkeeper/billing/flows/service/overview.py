"""What a billing page shows at a glance."""

from datetime import datetime
from uuid import UUID

from tollkeeper.billing.customers import find_customer
from tollkeeper.billing.flows.model import Overview, UsageReport
from tollkeeper.billing.subscriptions import status
from tollkeeper.catalog import load_catalogue
from tollkeeper.infra import Tx

from .coming import next_invoice
from .standing import payment_standing


async def overview(tx: Tx, organization_id: UUID, *, created_at: datetime) -> Overview:
    """Return plan, next charge, balance, payment method and usage, all from our own mirror.

    `created_at` is when the organization was made, as for `status`.
    """
    now = await status(tx, organization_id, created_at=created_at)
    report: UsageReport | None = tx.runtime.parts.get(UsageReport)
    return Overview(
        status=now,
        payment=await payment_standing(tx, now.subscription),
        plan_name=(await load_catalogue(tx)).plans[now.plan].name,
        customer=await find_customer(tx, organization_id),
        next_invoice=await next_invoice(tx, now.subscription),
        usage=await report(tx, organization_id) if report else [],
    )
