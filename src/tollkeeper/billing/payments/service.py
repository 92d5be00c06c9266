"""Use cases of payments. Callers hold the lock of the customer while they mirror."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import TypeVar
from uuid import UUID

from tollkeeper.billing.customers import Customer, list_customers
from tollkeeper.billing.provider import ChargeState, PaymentMethod, PaymentState, account_of
from tollkeeper.billing.subscriptions import Subscription, list_of_organization, meaning, restore, withhold
from tollkeeper.infra import Runtime, Tx
from tollkeeper.kit import Order, Page, page_of, read_moment, read_moment_or_none, read_number, read_word

from . import rules, store
from .model import (
    Charge,
    Dispute,
    DisputeClosed,
    DisputeEvidenceDue,
    DisputeNotFoundError,
    DisputeOpened,
    PaymentOrder,
    PaymentsOfInvoice,
    Policy,
    Refund,
    RefundFailed,
    RefundMade,
    Stage,
)

WITHHELD = "dispute"

T = TypeVar("T", Charge, Refund, Dispute)
_ORDERS: Mapping[PaymentOrder, Order[Charge | Refund | Dispute]] = {
    PaymentOrder.CREATED: Order(lambda each: (each.created_at, each.id), (read_moment,)),
    PaymentOrder.AMOUNT: Order(
        lambda each: (each.amount.currency, each.amount.amount, each.id), (read_word, read_number)
    ),
    PaymentOrder.DUE: Order(lambda each: (rules.answer_by(each), each.id), (read_moment_or_none,)),
}


def policy_of(runtime: Runtime) -> Policy:
    """Return what disputes do here."""
    return rules.read_policy(runtime.settings.disputes)


async def mirror_payment(tx: Tx, customer: Customer, state: PaymentState) -> Sequence[Subscription]:
    """Make our copy equal to the provider's, tell what is new, and let disputes act on their subscription.

    Returns the subscriptions that the caller has to end now.
    """
    ids = {each.id: await _mirror_charge(tx, customer, each) for each in state.charges}
    for refund in state.refunds:
        before_refund = await store.find_refund(tx, customer, refund.id)
        await _tell_of_refund(tx, before_refund, await store.save_refund(tx, customer, ids[refund.charge_id], refund))
    policy, ending = policy_of(tx.runtime), False
    for dispute in state.disputes:
        before = await store.find_dispute(tx, customer, dispute.id)
        after = await store.save_dispute(tx, customer, ids[dispute.charge_id], dispute, state.subscription_id)
        await _tell_of_dispute(tx, before, after)
        ending = ending or rules.comes_to_end(before, after, policy)
    if not state.disputes or state.subscription_id is None:
        return []
    subscription = await _act(tx, customer, state.subscription_id)
    return [subscription] if ending and subscription is not None and not meaning(subscription.status).over else []


async def forget(tx: Tx, customer: Customer, provider_id: str) -> None:
    """Drop a payment with all that belongs to it, a refund or a dispute that the provider does not know."""
    disputes, gone = await store.delete_unknown(tx, customer, provider_id)
    for target in gone:
        await tx.record(f"{target[0]}.forgotten", target=target, organization_id=customer.organization_id)
    for subscription in {each.subscription for each in disputes if each.subscription is not None}:
        await _act(tx, customer, subscription)


async def release_dispute(tx: Tx, dispute: Dispute) -> None:
    """Let a dispute no longer withhold the plan, whatever comes of it; a second time changes nothing."""
    if dispute.released_at is None:
        await store.note_released(tx, dispute.id)
    for customer in await list_customers(tx, dispute.organization_id):
        if dispute.subscription is not None:
            await _act(tx, customer, dispute.subscription)


async def known_payer(tx: Tx, payment_id: str) -> str | None:
    """Return the provider's id of the customer who made a payment; None when we do not mirror it."""
    return await store.payer(tx, account_of(tx.runtime), payment_id)


async def payments_of_invoice(tx: Tx, organization_id: UUID, invoice: str) -> PaymentsOfInvoice:
    """Return what was paid for an invoice, by its id at the provider, what was given back, and what is disputed."""
    return PaymentsOfInvoice(*await store.of_invoice(tx, account_of(tx.runtime), organization_id, invoice))


async def way_paid(tx: Tx, organization_id: UUID, invoice: str) -> PaymentMethod | None:
    """Return what an invoice, by its id at the provider, was paid with; None: it was not, or nobody knows."""
    return await store.way_paid(tx, account_of(tx.runtime), organization_id, invoice)


async def list_charges(
    tx: Tx,
    organization_id: UUID | None,
    *,
    statuses: Collection[str] = (),
    order: PaymentOrder = PaymentOrder.CREATED,
    descending: bool = True,
    cursor: str | None = None,
    limit: int = 20,
) -> Page[Charge]:
    """Return payments of an organization (None: of all), newest first unless asked otherwise; of these statuses,
    unless none are named.

    Raises:
        InvalidInputError: the cursor is not one of ours, or not one of this order.
    """
    wanted = _wanted(tx, organization_id, statuses, cursor, limit, order=order, descending=descending)
    return _paged(await store.list_charges(tx, wanted), order, limit)


async def list_refunds(
    tx: Tx,
    organization_id: UUID | None,
    *,
    statuses: Collection[str] = (),
    order: PaymentOrder = PaymentOrder.CREATED,
    descending: bool = True,
    cursor: str | None = None,
    limit: int = 20,
) -> Page[Refund]:
    """Return refunds as `list_charges` does payments."""
    wanted = _wanted(tx, organization_id, statuses, cursor, limit, order=order, descending=descending)
    return _paged(await store.list_refunds(tx, wanted), order, limit)


async def list_disputes(
    tx: Tx,
    organization_id: UUID | None,
    *,
    statuses: Collection[str] = (),
    order: PaymentOrder = PaymentOrder.CREATED,
    descending: bool = True,
    cursor: str | None = None,
    limit: int = 20,
) -> Page[Dispute]:
    """Return disputes as `list_charges` does payments."""
    wanted = _wanted(tx, organization_id, statuses, cursor, limit, order=order, descending=descending)
    return _paged(await store.list_disputes(tx, wanted), order, limit)


async def get_dispute(tx: Tx, organization_id: UUID | None, dispute_id: UUID) -> Dispute:
    """Return a dispute of an organization (None: of any).

    Raises:
        DisputeNotFoundError: there is none of this id, or it is somebody else's.
    """
    found = await store.get_dispute(tx, account_of(tx.runtime), organization_id, dispute_id)
    if found is None:
        raise DisputeNotFoundError
    return found


async def remind_of_evidence(tx: Tx) -> int:
    """Tell of each dispute whose deadline is near and that waits for evidence, once; returns how many."""
    until = tx.now + timedelta(days=policy_of(tx.runtime).remind_days)
    found = await store.due_for_reminder(tx, account_of(tx.runtime), until)
    for each in found:
        await store.note_reminded(tx, each.id)
        if each.due_at is not None:
            about = {"organization_id": each.organization_id, "dispute_id": each.id}
            await tx.emit(DisputeEvidenceDue(**about, deadline=each.due_at))
    return len(found)


async def next_due(tx: Tx, after: datetime) -> datetime | None:
    """Return the first moment later than `after` at which a dispute's reminder or deadline comes due."""
    return await store.next_due(tx, after, timedelta(days=policy_of(tx.runtime).remind_days))


async def _act(tx: Tx, customer: Customer, provider_subscription: str) -> Subscription | None:
    """Withhold a subscription's plan, or no longer, as all its disputes together have it."""
    mine = await list_of_organization(tx, customer.organization_id)
    found = next((each for each in mine if each.provider_id == provider_subscription), None)
    if found is None:
        return None
    disputes = await store.disputes_of(tx, customer, provider_subscription)
    holds = rules.withholds(disputes, policy_of(tx.runtime))
    if holds is not (WITHHELD in (found.withheld or "").split(",")):
        change = withhold if holds else restore
        await change(tx, customer.organization_id, found.id, WITHHELD)
    return found


async def _tell_of_refund(tx: Tx, before: Refund | None, after: Refund) -> None:
    await _record(tx, "refund", before, after)
    ids = {"organization_id": after.organization_id, "refund_id": after.id}
    amount, currency = after.amount.amount, after.amount.currency
    if before is None:
        await tx.emit(RefundMade(**ids, amount=amount, currency=currency, reason=after.reason))
    if after.status in rules.FAILED and (before is None or before.status not in rules.FAILED):
        await tx.emit(RefundFailed(**ids, amount=amount, currency=currency, failure=after.failure_reason))


async def _mirror_charge(tx: Tx, customer: Customer, state: ChargeState) -> UUID:
    before = await store.find_charge(tx, customer, state.id)
    after = await store.save_charge(tx, customer, state)
    await _record(tx, "payment", before, after)
    return after.id


async def _record(tx: Tx, kind: str, before: T | None, after: T) -> None:
    """Write down that the provider tells another status, or of something new."""
    was, is_now = before.status if before else None, after.status
    if was != is_now:
        told = {"status": is_now, "amount": after.amount.amount, "currency": after.amount.currency}
        await tx.record(
            f"{kind}.changed",
            target=(kind, after.id),
            organization_id=after.organization_id,
            before={"status": was},
            after=told,
        )


async def _tell_of_dispute(tx: Tx, before: Dispute | None, after: Dispute) -> None:
    await _record(tx, "dispute", before, after)
    ids = {"organization_id": after.organization_id, "dispute_id": after.id}
    amount, currency = after.amount.amount, after.amount.currency
    escalated = before is not None and (before.stage, after.stage) == (Stage.INQUIRY, Stage.OPEN)
    if before is None or escalated:
        opened = DisputeOpened(
            **ids,
            amount=amount,
            currency=currency,
            reason=after.reason,
            inquiry=after.stage is Stage.INQUIRY,
            deadline=after.due_at,
        )
        await tx.emit(opened)
    if after.outcome is not None and (before is None or before.outcome is not after.outcome):
        await tx.emit(DisputeClosed(**ids, amount=amount, currency=currency, outcome=after.outcome.value))


def _paged(found: Sequence[T], order: PaymentOrder, limit: int) -> Page[T]:
    return page_of(found, limit, _ORDERS[order].place)


def _wanted(
    tx: Tx,
    organization_id: UUID | None,
    statuses: Collection[str],
    cursor: str | None,
    limit: int,
    *,
    order: PaymentOrder,
    descending: bool,
) -> store.Wanted:
    # One more than is shown tells whether there is a next page.
    after = _ORDERS[order].after(cursor)
    return store.Wanted(account_of(tx.runtime), organization_id, order, descending, after, limit + 1, statuses)
