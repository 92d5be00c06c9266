"""Money that goes back: credit notes, refunds that fail or wait, disputes, and a customer's balance."""

from typing import Any

import pytest
import stripe

from .conftest import Shop, wait_until

DAY = 86_400


def paid(shop: Shop, card: str = "pm_card_visa", amount: int = 900) -> stripe.PaymentIntent:
    return shop.v1.payment_intents.create(
        {"amount": amount, "currency": "usd", "payment_method": card, "confirm": True}
    )


def invoice(shop: Shop, *, open_: bool) -> stripe.Invoice:
    customer = shop.customer(None if open_ else "pm_card_visa")
    shop.v1.invoice_items.create({"customer": customer.id, "amount": 2500, "currency": "usd"})
    wanted: Any = {"customer": customer.id, "pending_invoice_items_behavior": "include"}
    made = shop.v1.invoices.finalize_invoice(shop.v1.invoices.create(wanted).id)
    return made if open_ else shop.v1.invoices.pay(made.id)


def test_a_credit_note_refunds_a_paid_invoice(shop: Shop) -> None:
    billed = invoice(shop, open_=False)
    note = shop.v1.credit_notes.create({"invoice": billed.id, "amount": 500, "refund_amount": 500})
    assert (note.total, note.type, note.post_payment_amount) == (500, "post_payment", 500)
    assert shop.v1.refunds.retrieve(str(note.refunds[0].refund)).amount == 500
    assert shop.v1.invoices.retrieve(billed.id).post_payment_credit_notes_amount == 500
    with pytest.raises(stripe.InvalidRequestError, match="more than what can be credited"):
        shop.v1.credit_notes.create({"invoice": billed.id, "amount": 2001})
    with pytest.raises(stripe.InvalidRequestError, match="must equal"):
        shop.v1.credit_notes.create({"invoice": billed.id, "amount": 100, "refund_amount": 50})


def test_a_credit_note_on_the_balance_pays_the_next_invoice(shop: Shop) -> None:
    billed = invoice(shop, open_=False)
    line = billed.lines.data[0].id
    shown = shop.v1.credit_notes.preview(
        {"invoice": billed.id, "lines": [{"type": "invoice_line_item", "invoice_line_item": line}]}
    )
    assert shown.total == 2500
    note = shop.v1.credit_notes.create({"invoice": billed.id, "amount": 700, "credit_amount": 700})
    customer = str(billed.customer)
    assert shop.v1.customers.retrieve(customer).balance == -700
    entries = shop.v1.customers.balance_transactions.list(customer).data
    assert [(entry.amount, entry.type, entry.credit_note) for entry in entries] == [(-700, "credit_note", note.id)]
    shop.v1.customers.balance_transactions.create(customer, {"amount": 200, "currency": "usd"})
    shop.v1.invoice_items.create({"customer": customer, "amount": 600, "currency": "usd"})
    wanted: Any = {"customer": customer, "pending_invoice_items_behavior": "include"}
    following = shop.v1.invoices.finalize_invoice(shop.v1.invoices.create(wanted).id)
    assert (following.amount_due, following.ending_balance) == (100, 0)
    newest = shop.v1.customers.balance_transactions.list(customer).data[0]
    assert (newest.amount, newest.type, newest.ending_balance) == (500, "applied_to_invoice", 0)


def test_a_credit_note_lowers_an_open_invoice_until_it_is_voided(shop: Shop) -> None:
    billed = invoice(shop, open_=True)
    note = shop.v1.credit_notes.create({"invoice": billed.id, "amount": 500})
    assert shop.v1.invoices.retrieve(billed.id).amount_remaining == 2000
    assert shop.v1.credit_notes.void_credit_note(note.id).status == "void"
    assert shop.v1.invoices.retrieve(billed.id).amount_remaining == 2500
    shop.v1.credit_notes.create({"invoice": billed.id, "amount": 2500})
    assert shop.v1.invoices.retrieve(billed.id).status == "paid"
    assert shop.events_of(note.id) == ["credit_note.created", "credit_note.voided"]


def test_a_refund_can_come_back_or_take_its_time(own_shop: Shop) -> None:
    failing = own_shop.v1.refunds.create({"payment_intent": paid(own_shop, "pm_card_refundFail").id})
    waiting = own_shop.v1.refunds.create({"payment_intent": paid(own_shop, "pm_card_pendingRefund").id})
    assert (failing.status, waiting.status) == ("succeeded", "pending")
    own_shop.twin.advance(60)
    failed = own_shop.v1.refunds.retrieve(failing.id)
    assert (failed.status, failed.failure_reason) == ("failed", "expired_or_canceled_card")
    assert own_shop.v1.charges.retrieve(str(failing.charge)).amount_refunded == 0
    assert own_shop.v1.refunds.retrieve(waiting.id).status == "succeeded"
    assert own_shop.events_of(failing.id)[-1] == "refund.failed"


def disputed(shop: Shop, card: str) -> Any:
    found = shop.v1.disputes.list({"payment_intent": paid(shop, card).id}).data
    assert len(found) == 1
    return found[0]


@pytest.mark.parametrize(("words", "end"), [("winning_evidence", "won"), ("losing_evidence", "lost")])
def test_the_evidence_decides_a_dispute(shop: Shop, words: str, end: str) -> None:
    dispute = disputed(shop, "pm_card_createDispute")
    assert (dispute.status, dispute.balance_transactions[0].net) == ("needs_response", -900 - 1500)
    assert shop.v1.charges.retrieve(dispute.charge).disputed is True
    draft = shop.v1.disputes.update(dispute.id, {"evidence": {"uncategorized_text": words}, "submit": False})
    assert draft.status == "needs_response"
    sent = shop.v1.disputes.update(dispute.id, {"evidence": {"uncategorized_text": words}})
    assert sent.status == "under_review"
    wait_until(lambda: shop.v1.disputes.retrieve(dispute.id).status == end)
    told = shop.events_of(dispute.id)
    assert told[:2] == ["charge.dispute.created", "charge.dispute.funds_withdrawn"]
    assert told[-1] == "charge.dispute.closed"
    assert ("charge.dispute.funds_reinstated" in told) == (end == "won")


def test_an_inquiry_takes_no_money_until_it_is_escalated(shop: Shop) -> None:
    dispute = disputed(shop, "pm_card_createDisputeInquiry")
    assert (dispute.status, dispute.balance_transactions) == ("warning_needs_response", [])
    evidence: Any = {"uncategorized_text": "escalate_inquiry_evidence"}
    assert shop.v1.disputes.update(dispute.id, {"evidence": evidence}).status == "warning_under_review"
    wait_until(lambda: shop.v1.disputes.retrieve(dispute.id).status == "needs_response")
    assert shop.v1.disputes.close(dispute.id).status == "lost"
    closed = disputed(shop, "pm_card_createDisputeInquiry")
    assert shop.v1.disputes.close(closed.id).status == "warning_closed"


def test_a_dispute_without_an_answer_is_lost_at_its_deadline(own_shop: Shop) -> None:
    dispute = disputed(own_shop, "pm_card_createDisputeProductNotReceived")
    assert dispute.reason == "product_not_received"
    own_shop.twin.advance(10 * DAY)
    after = own_shop.v1.disputes.retrieve(dispute.id)
    assert (after.status, after.evidence_details.past_due) == ("lost", True)
