"""Stripe's charges, refunds and disputes read into our words."""

from typing import Any

from .model import ChargeState, DisputeState, IssuedNote, PaymentMethod, RefundState
from .stripe_read_parts import Json, ident, mapping, moment, time

REASON = "tollkeeper_reason"
NOTE = "tollkeeper_note"
REQUEST = "tollkeeper_request"
"""What we write on refunds and credit notes: why, in our words, and which call it was."""


def charge(body: Json, invoice_id: str | None) -> ChargeState:
    """Read one attempt to collect the payment of this invoice."""
    return ChargeState(
        id=body["id"],
        intent_id=ident(body.get("payment_intent")),
        invoice_id=invoice_id,
        status=str(body["status"]),
        # Of what was only held, nothing but the captured part was paid.
        amount=body["amount_captured"] if body.get("captured") else body["amount"],
        amount_refunded=body["amount_refunded"] if body.get("captured") else 0,
        currency=body["currency"],
        disputed=bool(body.get("disputed")),
        method=_method(body.get("payment_method_details")),
        failure_code=body.get("failure_code"),
        failure_message=body.get("failure_message"),
        created_at=moment(body["created"]),
    )


def _method(body: Any) -> PaymentMethod | None:
    found = mapping(body)
    if not found.get("type"):
        return None
    kind = str(found["type"])
    shown = mapping(found.get(kind))
    brand = shown.get("brand") or shown.get("bank_name")
    return PaymentMethod(kind, brand, shown.get("last4"), shown.get("exp_month"), shown.get("exp_year"))


def refund(body: Json) -> RefundState:
    """Read a refund. The reason we wrote on it goes before the provider's: a credit note's refund has none there."""
    ours = mapping(body.get("metadata"))
    return RefundState(
        id=body["id"],
        charge_id=ident(body.get("charge")) or "",
        status=str(body.get("status") or "pending"),
        amount=body["amount"],
        currency=body["currency"],
        reason=ours.get(REASON) or body.get("reason"),
        note=ours.get(NOTE),
        request=ours.get(REQUEST),
        failure_reason=body.get("failure_reason"),
        created_at=moment(body["created"]),
    )


def dispute(body: Json) -> DisputeState:
    """Read a dispute. Only evidence that is text is read; documents stay at the provider."""
    details, moved = mapping(body.get("evidence_details")), body.get("balance_transactions") or []
    evidence = mapping(body.get("evidence"))
    return DisputeState(
        id=body["id"],
        charge_id=ident(body.get("charge")) or "",
        status=str(body["status"]),
        reason=str(body["reason"]),
        amount=body["amount"],
        currency=body["currency"],
        due_at=time(details.get("due_by")),
        has_evidence=bool(details.get("has_evidence")),
        past_due=bool(details.get("past_due")),
        submissions=details.get("submission_count") or 0,
        refundable=bool(body.get("is_charge_refundable")),
        withdrawn=-sum(each["amount"] for each in moved),
        fee=sum(each["fee"] for each in moved),
        created_at=moment(body["created"]),
        evidence={name: value for name, value in evidence.items() if isinstance(value, str) and value},
    )


def issued_note(body: Json) -> IssuedNote:
    """Read of a credit note what its issuing answers."""
    refunds = [ident(mapping(each).get("refund")) for each in body.get("refunds") or []]
    return IssuedNote(
        id=body["id"],
        number=body["number"],
        status=str(body["status"]),
        total=body["total"],
        currency=body["currency"],
        pdf_url=body.get("pdf"),
        refund_id=refunds[0] if refunds else None,
    )
