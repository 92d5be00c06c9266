"""Telling people by mail of what concerns their money: a trial that ends, a payment that fails."""

from datetime import datetime
from typing import Any
from uuid import UUID

from tollkeeper.catalog import load_catalogue
from tollkeeper.identity import Notification, write_to
from tollkeeper.infra import Job, Tx, job
from tollkeeper.kit import Permission
from tollkeeper.orgs import find_organization, people_who_may

from .dunning import Case, PaymentFailed, find_case
from .invoices import Invoice, get_invoice, invoice_ids
from .subscriptions import SubscriptionNotFoundError, TrialEnding, look_up_subscription

MOST_LINES = 5
"""Of an invoice, in a mail; the rest stands on its page."""


@job("billing.tell_of_trial", queue="billing")
async def tell_of_trial(
    tx: Tx, *, organization_id: str, plan: str | None, trial_end: str, can_be_paid: bool, **_: Any
) -> None:
    """Tell those who manage billing that a trial ends."""
    data = {"plan": await _plan_name(tx, plan), "ends_at": trial_end, "can_be_paid": can_be_paid}
    await _tell(tx, organization_id, "trial_ending", Notification.BILLING, data)


@job("billing.tell_of_failure", queue="billing")
async def tell_of_failure(
    tx: Tx, *, organization_id: str, subscription_id: str, requires_action: bool, page_url: str | None, **_: Any
) -> None:
    """Tell those who manage billing that a payment failed, whatever they chose: the plan hangs on it.

    Nobody is told when the invoice was paid meanwhile.
    """
    try:
        plan = (await look_up_subscription(tx, UUID(subscription_id))).plan
    except SubscriptionNotFoundError:  # gone meanwhile; what is owed may still be
        plan = None
    invoice = await _invoice_of(tx, UUID(organization_id), await find_case(tx, UUID(subscription_id)))
    if invoice is not None and invoice.status == "paid":
        return
    data = {"plan": await _plan_name(tx, plan), "requires_action": requires_action, "page_url": page_url or ""}
    await _tell(tx, organization_id, "payment_failed", None, {**data, **_owed(invoice, tx.now)})


async def _invoice_of(tx: Tx, organization_id: UUID, case: Case | None) -> Invoice | None:
    """Return the invoice that could not be collected; None: it is not mirrored yet."""
    known = await invoice_ids(tx, [case.invoice]) if case is not None and case.invoice else {}
    return await get_invoice(tx, organization_id, next(iter(known.values()))) if known else None


def _owed(invoice: Invoice | None, now: datetime) -> dict[str, Any]:
    """Return what the mail says of an invoice; empty words where it is not known."""
    if invoice is None:
        return {"amount": "", "invoice_id": "", "number": "", "lines": [], "next_try_at": ""}
    again = invoice.next_attempt_at
    return {
        "amount": str(invoice.amount_remaining),
        "invoice_id": str(invoice.id),
        "number": invoice.number or "",
        "lines": [line.description for line in invoice.lines[:MOST_LINES] if line.description],
        "next_try_at": again.isoformat() if again and again > now else "",
    }


async def _tell(tx: Tx, organization_id: str, template: str, sort: Notification | None, data: dict[str, Any]) -> None:
    organization = await find_organization(tx, organization_id)
    if organization is None:  # gone meanwhile
        return
    people = await people_who_may(tx, organization.id, Permission.BILLING_MANAGE)
    await write_to(tx, people, template, sort=sort, organization=organization.name, **data)


async def _plan_name(tx: Tx, key: str | None) -> str:
    plan = (await load_catalogue(tx)).plans.get(key or "")
    return plan.name if plan else "your plan"


jobs: list[Job] = [tell_of_trial, tell_of_failure]
reactions = {TrialEnding: tell_of_trial, PaymentFailed: tell_of_failure}
