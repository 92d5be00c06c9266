"""Giving money back: refunds of what was paid, credit notes for what was asked. The provider does it, we mirror it."""

import hashlib
from collections.abc import Sequence
from dataclasses import asdict
from uuid import UUID

from tollkeeper.billing.invoices import get_invoice
from tollkeeper.billing.payments import (
    CreditOrder,
    InvoiceNotCreditableError,
    NothingToRefundError,
    PaymentDisputedError,
    Refund,
    RefundOrder,
    is_blocked,
    payments_of_invoice,
    refundable,
)
from tollkeeper.billing.provider import (
    CancelAt,
    CreditNoteState,
    CreditReason,
    CreditTo,
    CreditWish,
    InvoiceState,
    IssuedNote,
    PaymentState,
    RefundReason,
    RefundWish,
    Subject,
    lock,
    provider_of,
)
from tollkeeper.billing.subscriptions import list_of_organization, meaning
from tollkeeper.infra import Tx
from tollkeeper.kit import FieldProblem, InvalidInputError

from .webhooks import synchronise

_PRINTED = {RefundReason.DUPLICATE: CreditReason.DUPLICATE, RefundReason.FRAUDULENT: CreditReason.FRAUDULENT}
"""What a refund's reason is called on a credit note; those not named here have no word there."""


async def refund(
    tx: Tx, organization_id: UUID, invoice_id: UUID, order: RefundOrder, *, key: str | None = None
) -> Sequence[Refund]:
    """Give back what an invoice brought, or a part of it; returns the refunds, one for each payment it takes.

    How much is left is asked for under the customer's lock, so that refunds at the same moment cannot give back more
    than was paid; what a credit note gave to the balance or outside is not given a second time. `key` names the call:
    of calls with one key the provider does one, even if we died in between.

    Raises:
        InvoiceNotFoundError, InvalidInputError: there is no such invoice; `amount` is more than is left.
        NothingToRefundError, PaymentDisputedError: nothing can be given back.
        ProviderStateError: somebody gave it back at the provider at this moment.
    """
    invoice = await _locked(tx, organization_id, invoice_id)
    paid = await _payments(tx, invoice)
    request = _named(invoice.id, order, key) if key else _named(invoice.id, order, _standing(paid))
    if not any(each.request == request for payment in paid for each in payment.refunds):
        await _give_back(tx, organization_id, invoice, paid, order, request)
        await tx.record(
            "invoice.refunded", target=("invoice", invoice_id), organization_id=organization_id, after=asdict(order)
        )
    await _mirror(tx, invoice, paid, cause="refund")
    if order.end_subscription:
        await _end(tx, organization_id, invoice)
    mirrored = await payments_of_invoice(tx, organization_id, invoice.id)
    return [each for each in mirrored.refunds if each.request == request]


async def credit(
    tx: Tx, organization_id: UUID, invoice_id: UUID, order: CreditOrder, *, key: str | None = None
) -> IssuedNote:
    """Issue a credit note: an unpaid invoice asks for less, what a paid one asked too much is credited or given back.

    Raises:
        InvoiceNotFoundError, InvalidInputError: there is no such invoice; it cannot be credited so much, or not there.
        InvoiceNotCreditableError, NothingToRefundError, PaymentDisputedError: it cannot be credited now.
        ProviderStateError: somebody credited it at the provider at this moment.
    """
    provider = provider_of(tx.runtime)
    invoice = await _locked(tx, organization_id, invoice_id)
    paid = await _payments(tx, invoice)
    before = (invoice.credited_before_payment, invoice.credited_after_payment)
    request = _named(invoice.id, order, key) if key else _named(invoice.id, order, before)
    note = await provider.find_credit_note(invoice.id, request) if key else None
    if note is None:
        to = _destination(invoice, order)
        notes = await _notes(tx, invoice)
        if to is CreditTo.REFUND:
            _take(paid, order.amount, kept=_given_otherwise(invoice, notes))
        _check_amount(order.amount, _creditable(invoice) - _refunded_without_note(paid, notes))
        wish = CreditWish(invoice.id, order.amount, order.reason, order.memo, to, request)
        note = await provider.issue_credit_note(wish)
        await tx.record(
            "invoice.credited", target=("invoice", invoice_id), organization_id=organization_id, after=asdict(order)
        )
    await _mirror(tx, invoice, paid, credit_note=note.id, cause="credit note")
    return note


async def _locked(tx: Tx, organization_id: UUID, invoice_id: UUID) -> InvoiceState:
    """Lock the customer of an invoice and return it as the provider has it now."""
    provider = provider_of(tx.runtime)
    ours = await get_invoice(tx, organization_id, invoice_id)
    found = await provider.fetch_invoice(ours.provider_id)
    if found is not None:
        await lock(tx, Subject(customer_id=found.customer_id).lock)
        found = await provider.fetch_invoice(ours.provider_id)
    if found is None:
        raise InvoiceNotCreditableError
    return found


async def _payments(tx: Tx, invoice: InvoiceState) -> Sequence[PaymentState]:
    provider = provider_of(tx.runtime)
    found = [await provider.fetch_payment(each) for each in await provider.payments_of(invoice.id)]
    return [each for each in found if each is not None]


async def _give_back(  # noqa: PLR0917 - whose, of what, how much, and as which call
    tx: Tx,
    organization_id: UUID,
    invoice: InvoiceState,
    paid: Sequence[PaymentState],
    order: RefundOrder,
    request: str,
) -> None:
    provider = provider_of(tx.runtime)
    note = await provider.find_credit_note(invoice.id, request) if order.credit_note else None
    if note is None:
        notes = await _notes(tx, invoice)
        parts = _take(paid, order.amount, kept=_given_otherwise(invoice, notes))
        if not order.credit_note:
            for charge_id, amount in parts:
                wish = RefundWish(charge_id, amount, order.reason, order.note, request, organization_id)
                await provider.refund(wish)
            return
        total = sum(amount for _, amount in parts)
        _check_amount(total, _creditable(invoice) - _refunded_without_note(paid, notes))
        printed = _PRINTED.get(order.reason)
        note = await provider.issue_credit_note(CreditWish(invoice.id, total, printed, None, CreditTo.REFUND, request))
    if note.refund_id is not None:
        await provider.label_refund(note.refund_id, reason=order.reason, note=order.note, request=request)


async def _notes(tx: Tx, invoice: InvoiceState) -> Sequence[CreditNoteState]:
    """Return the credit notes that gave something back."""
    if not invoice.credited_after_payment:
        return ()
    found = await provider_of(tx.runtime).list_credit_notes(invoice.id)
    return [each for each in found if each.status == "issued"]


def _given_otherwise(invoice: InvoiceState, notes: Sequence[CreditNoteState]) -> int:
    """Return how much of what was collected credit notes gave to the balance or outside; first what came from there."""
    from_balance = max(0, invoice.total - invoice.credited_before_payment - invoice.amount_paid)
    return max(0, sum(each.credited + each.outside for each in notes) - from_balance)


def _refunded_without_note(paid: Sequence[PaymentState], notes: Sequence[CreditNoteState]) -> int:
    """Return how much was given back that no credit note tells of."""
    refunded = sum(charge.amount_refunded for payment in paid for charge in payment.charges)
    return max(0, refunded - sum(each.refunded for each in notes))


def _take(paid: Sequence[PaymentState], wanted: int | None, *, kept: int) -> list[tuple[str, int]]:
    """Return how much is to come from which charge; `wanted` None: all that is left, but for what is `kept`."""
    charges = [(charge, payment.disputes) for payment in paid for charge in payment.charges]
    left = [(charge.id, refundable(charge, disputes)) for charge, disputes in charges]
    total = sum(amount for _, amount in left) - kept
    if total <= 0:
        raise PaymentDisputedError if any(is_blocked(*each) for each in charges) else NothingToRefundError
    missing = total if wanted is None else wanted
    _check_amount(missing, total)
    parts = []
    for charge_id, amount in left:
        part = min(missing, amount)
        missing -= part
        if part:
            parts.append((charge_id, part))
    return parts


def _creditable(invoice: InvoiceState) -> int:
    if invoice.status == "open":
        return invoice.amount_remaining
    return invoice.total - invoice.credited_before_payment - invoice.credited_after_payment


def _destination(invoice: InvoiceState, order: CreditOrder) -> CreditTo | None:
    if invoice.status not in {"open", "paid"} or _creditable(invoice) <= 0:
        raise InvoiceNotCreditableError
    if invoice.status == "paid":
        return order.to or CreditTo.BALANCE
    if order.to is not None:
        message = "This invoice is not paid: it asks for less from now on. Leave `to` out."
        raise InvalidInputError([FieldProblem("to", message, "not_paid")])
    return None


def _check_amount(amount: int, left: int) -> None:
    if amount > left:
        raise InvalidInputError([FieldProblem("amount", f"At most {left} is left, in minor units.", "too_large")])


async def _mirror(
    tx: Tx, invoice: InvoiceState, paid: Sequence[PaymentState], *, credit_note: str | None = None, cause: str
) -> None:
    customer = invoice.customer_id
    for payment in paid:
        first = payment.charges[0]
        await synchronise(tx, Subject(customer_id=customer, payment_id=first.intent_id or first.id), cause=cause)
    # A credit note may have paid an open invoice, and so its subscription.
    subscription = invoice.subscription_id if credit_note else None
    whole = Subject(customer, subscription, invoice.id, credit_note_id=credit_note)
    await synchronise(tx, whole, cause=cause)


async def _end(tx: Tx, organization_id: UUID, invoice: InvoiceState) -> None:
    mine = await list_of_organization(tx, organization_id)
    found = next((each for each in mine if each.provider_id == invoice.subscription_id), None)
    if found is not None and not meaning(found.status).over:
        await provider_of(tx.runtime).cancel_subscription(found.provider_id, CancelAt.NOW)
        ended = Subject(customer_id=invoice.customer_id, subscription_id=found.provider_id)
        await synchronise(tx, ended, cause="refunded and ended")


def _standing(paid: Sequence[PaymentState]) -> list[tuple[str, str, int]]:
    """Return everything given back so far: a call without a key is another one after each refund."""
    return sorted((each.id, each.status, each.amount) for payment in paid for each in payment.refunds)


def _named(*parts: object) -> str:
    """Return a name for a call that is the same for the same call, short enough for the provider's notes."""
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:32]
