"""Disputes: a bank takes a payment back, the seller answers with evidence, and one of them wins.

The text of the evidence decides, as in Stripe's test mode: `winning_evidence`, `losing_evidence`, and
`escalate_inquiry_evidence` for an inquiry that becomes a dispute. Without evidence it is lost at its deadline.
"""

from stripe_twin.core import ids
from stripe_twin.core.errors import invalid
from stripe_twin.core.json import Json
from stripe_twin.core.kinds import Kind, register
from stripe_twin.core.lists import page
from stripe_twin.core.operations import operation, retrieval
from stripe_twin.core.params import boolean, merge_metadata, metadata, obj, page_params, params, text, time_range
from stripe_twin.core.store import equals
from stripe_twin.core.unit import Unit
from stripe_twin.resources import payment_intents
from stripe_twin.resources.payment_methods import card_of
from stripe_twin.rules.periods import DAY

_ANSWER_DAYS = 9
_FEE = 1_500
_OPEN = ("needs_response", "warning_needs_response")
_NAMES = (
    "access_activity_log",
    "billing_address",
    "cancellation_policy",
    "cancellation_policy_disclosure",
    "cancellation_rebuttal",
    "customer_communication",
    "customer_email_address",
    "customer_name",
    "customer_purchase_ip",
    "customer_signature",
    "duplicate_charge_documentation",
    "duplicate_charge_explanation",
    "duplicate_charge_id",
    "product_description",
    "receipt",
    "refund_policy",
    "refund_policy_disclosure",
    "refund_refusal_explanation",
    "service_date",
    "service_documentation",
    "shipping_address",
    "shipping_carrier",
    "shipping_date",
    "shipping_documentation",
    "shipping_tracking_number",
    "uncategorized_file",
    "uncategorized_text",
)
_NETWORK = {"fraudulent": "10.4", "product_not_received": "13.1"}


def _due(dispute: Json) -> int | None:
    if dispute["_verdict_at"] is not None:
        return int(dispute["_verdict_at"])
    return int(dispute["evidence_details"]["due_by"]) if dispute["status"] in _OPEN else None


def _when_due(unit: Unit, dispute: Json) -> None:
    """The bank decides, or the deadline passes without an answer."""
    if dispute["_verdict_at"] is None:
        before = unit.render(dispute)
        dispute["evidence_details"] = {**dispute["evidence_details"], "past_due": True}
        _close(unit, dispute, before, _lost(dispute))
        return
    before, words = unit.render(dispute), dispute["evidence"]["uncategorized_text"] or ""
    dispute["_verdict_at"] = None
    if dispute["status"].startswith("warning"):
        if words == "escalate_inquiry_evidence":
            _escalate(unit, dispute, before)
        else:
            _close(unit, dispute, before, "warning_closed")
    elif words == "losing_evidence":
        _close(unit, dispute, before, "lost")
    else:
        _reinstate(unit, dispute)
        _close(unit, dispute, before, "won")


def _lost(dispute: Json) -> str:
    return "warning_closed" if dispute["status"].startswith("warning") else "lost"


register(Kind("dispute", "dispute", due=_due, on_due=_when_due))


def open_for(unit: Unit, intent: Json) -> None:
    """A payment that just succeeded on a card whose holder disputes it."""
    if intent["status"] != "succeeded" or intent["latest_charge"] is None:
        return
    charge = unit.load("charge", intent["latest_charge"])
    method = unit.load("payment_method", charge["payment_method"])
    card = card_of(method) if method["type"] == "card" else None
    if card is None or card.dispute is None or charge["disputed"]:
        return
    dispute = _make(unit, charge, card.dispute, card.brand, inquiry=card.inquiry)
    charge["disputed"] = True
    unit.save(charge)
    if not card.inquiry:
        _move_money(unit, dispute, -charge["amount"], _FEE)
    unit.save(dispute)
    unit.emit("charge.dispute.created", dispute)
    if not card.inquiry:
        unit.emit("charge.dispute.funds_withdrawn", dispute)


payment_intents.SETTLED.append(open_for)


def _make(unit: Unit, charge: Json, reason: str, brand: str, *, inquiry: bool) -> Json:
    evidence: Json = {**dict.fromkeys(_NAMES), "enhanced_evidence": {}}
    evidence["customer_email_address"] = charge["billing_details"]["email"]
    evidence["customer_name"] = charge["billing_details"]["name"]
    code = _NETWORK.get(reason, "10")
    return {
        "id": ids.long("du"),
        "object": "dispute",
        "amount": charge["amount"],
        "balance_transactions": [],
        "charge": charge["id"],
        "created": unit.now,
        "currency": charge["currency"],
        "enhanced_eligibility_types": [],
        "evidence": evidence,
        "evidence_details": {
            "due_by": unit.now + _ANSWER_DAYS * DAY,
            "enhanced_eligibility": {},
            "has_evidence": False,
            "past_due": False,
            "submission_count": 0,
            "submission_method": "manual",
        },
        "is_charge_refundable": inquiry,
        "livemode": False,
        "metadata": {},
        "network_reason_code": code,
        "payment_intent": charge["payment_intent"],
        "payment_method_details": {
            "card": {
                "brand": brand,
                "case_type": "inquiry" if inquiry else "chargeback",
                "network": brand,
                "network_reason_code": code,
            },
            "type": "card",
        },
        "reason": reason,
        "status": "warning_needs_response" if inquiry else "needs_response",
        "_verdict_at": None,
    }


def _move_money(unit: Unit, dispute: Json, amount: int, fee: int) -> None:
    """Money leaves (or comes back to) the seller's balance on account of the dispute."""
    words = "Chargeback withdrawal" if amount < 0 else "Chargeback reversal"
    details = {"amount": fee, "application": None, "currency": dispute["currency"], "type": "stripe_fee"}
    entry = unit.save(
        {
            "id": ids.long("txn"),
            "object": "balance_transaction",
            "amount": amount,
            "available_on": unit.now,
            "balance_type": "payments",
            "created": unit.now,
            "currency": dispute["currency"],
            "description": f"{words} for {dispute['charge']}",
            "exchange_rate": None,
            "fee": fee,
            "fee_details": [{**details, "description": "Dispute fee"}] if fee else [],
            "net": amount - fee,
            "reporting_category": "dispute" if amount < 0 else "dispute_reversal",
            "source": dispute["id"],
            "status": "available",
            "type": "adjustment",
        }
    )
    dispute["balance_transactions"] = [*dispute["balance_transactions"], entry]


def _reinstate(unit: Unit, dispute: Json) -> None:
    _move_money(unit, dispute, dispute["amount"], -_FEE)
    unit.save(dispute)
    unit.emit("charge.dispute.funds_reinstated", dispute)


def _escalate(unit: Unit, dispute: Json, before: Json) -> None:
    dispute.update(status="needs_response", is_charge_refundable=False)
    card = {**dispute["payment_method_details"]["card"], "case_type": "chargeback"}
    dispute["payment_method_details"] = {"card": card, "type": "card"}
    dispute["evidence_details"] = {**dispute["evidence_details"], "due_by": unit.now + _ANSWER_DAYS * DAY}
    _move_money(unit, dispute, -dispute["amount"], _FEE)
    unit.updated("charge.dispute.updated", dispute, before)
    unit.emit("charge.dispute.funds_withdrawn", dispute)


def _close(unit: Unit, dispute: Json, before: Json, status: str) -> None:
    dispute["status"] = status
    unit.save(dispute)
    unit.emit("charge.dispute.closed", dispute, before)


retrieval("dispute", "/v1/disputes/{ident}", params())


@operation(
    "POST",
    "/v1/disputes/{ident}",
    params(
        evidence=obj(unsupported="enhanced_evidence appeal", **{name: text(20_000) for name in _NAMES}),
        metadata=metadata(),
        submit=boolean(),
        unsupported="intended_submission_method",
    ),
)
def update(unit: Unit, args: Json, ident: str) -> Json:
    """Give evidence; it goes to the bank unless `submit` is false, and the bank decides a moment later."""
    dispute = unit.load("dispute", ident)
    before = unit.render(dispute)
    if "metadata" in args:
        dispute["metadata"] = merge_metadata(dispute["metadata"], args["metadata"])
    if "evidence" in args or args.get("submit"):
        _check_open(dispute)
    if "evidence" in args:
        dispute["evidence"] = {**dispute["evidence"], **args["evidence"]}
        dispute["evidence_details"] = {**dispute["evidence_details"], "has_evidence": True}
    if args.get("submit", "evidence" in args):
        _submit(unit, dispute)
    unit.updated("charge.dispute.updated", dispute, before)
    return unit.render(dispute)


def _submit(unit: Unit, dispute: Json) -> None:
    details = dispute["evidence_details"]
    dispute["evidence_details"] = {**details, "submission_count": details["submission_count"] + 1}
    dispute["status"] = "warning_under_review" if dispute["status"].startswith("warning") else "under_review"
    decided = ("winning_evidence", "losing_evidence", "escalate_inquiry_evidence")
    if dispute["evidence"]["uncategorized_text"] in decided:
        dispute["_verdict_at"] = unit.now


def _check_open(dispute: Json) -> None:
    if dispute["status"] not in _OPEN:
        raise invalid(
            f"This dispute is {dispute['status']} and takes no more evidence.", code="dispute_already_submitted"
        )


@operation("POST", "/v1/disputes/{ident}/close", params())
def close(unit: Unit, _: Json, ident: str) -> Json:
    """Give in."""
    dispute = unit.load("dispute", ident)
    if dispute["status"] not in _OPEN:
        raise invalid(f"This dispute is {dispute['status']} and cannot be closed.")
    _close(unit, dispute, unit.render(dispute), _lost(dispute))
    return unit.render(dispute)


@operation("GET", "/v1/disputes", page_params(charge=text(), payment_intent=text(), created=time_range()))
def index(unit: Unit, args: Json) -> Json:
    """List disputes."""
    filters = [equals(f"$.{name}", args[name]) for name in ("charge", "payment_intent") if name in args]
    return page(unit, "dispute", "/v1/disputes", args, *filters)
