"""Say, field by field, where each recorded event of each API version holds what we keep, and what is only re-fetched.

Run, it prints a table; `tools/build_docs.py` makes a page of it.

Processing an event reads only its subject (marked *) from the body; every other field comes from the provider's answer
in the pinned version. `re-fetched` stands where the body does not hold it at all. STRIPE_RECORDINGS names the folder
with the recordings.
"""

import json
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from tollkeeper.billing.provider import (
    ChargeState,
    CheckoutState,
    CreditNoteState,
    CustomerState,
    DisputeState,
    InvoiceState,
    RefundState,
    SubscriptionState,
    stripe_read_invoices,
    stripe_read_payments,
)
from tollkeeper.billing.provider import stripe_read as read

REFETCHED = "re-fetched"
READERS: Mapping[str, tuple[type[Any], Callable[[Any], Any]]] = {
    "subscription": (SubscriptionState, read.subscription),
    "invoice": (InvoiceState, read.invoice),
    "customer": (CustomerState, read.customer),
    "checkout.session": (CheckoutState, read.checkout),
    "credit_note": (CreditNoteState, stripe_read_invoices.credit_note),
    "charge": (ChargeState, lambda body: stripe_read_payments.charge(body, None)),
    "refund": (RefundState, stripe_read_payments.refund),
    "dispute": (DisputeState, stripe_read_payments.dispute),
}
# Where a field stands, newest shape first; fields not named here are called alike in every version.
PLACES: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "subscription": {
        "customer_id": ("customer",),
        "price": ("items.data.0.price.id", "items.data.0.plan.id", "plan.id"),
        "item_id": ("items.data.0.id",),
        "quantity": ("items.data.0.quantity", "quantity"),
        "period_start": ("items.data.0.current_period_start", "current_period_start"),
        "period_end": ("items.data.0.current_period_end", "current_period_end"),
        "created_at": ("created",),
        "schedule_id": ("schedule",),
    },
    "invoice": {
        "customer_id": ("customer",),
        "subscription_id": ("parent.subscription_details.subscription", "subscription"),
        "created_at": ("created",),
        "due_at": ("due_date",),
        "next_attempt_at": ("next_payment_attempt",),
        "page_url": ("hosted_invoice_url",),
        "pdf_url": ("invoice_pdf",),
        "reason": ("billing_reason",),
    },
    "customer": {"organization_id": ("metadata.organization_id",)},
    "checkout.session": {"customer_id": ("customer",), "subscription_id": ("subscription",)},
    "credit_note": {
        "invoice_id": ("invoice",),
        "customer_id": ("customer",),
        "issued_at": ("created",),
        "after_payment": ("post_payment_amount", "type"),
        "refunded": ("refunds", "refund"),
        "outside": ("out_of_band_amount",),
        "pdf_url": ("pdf",),
    },
    "charge": {
        "intent_id": ("payment_intent",),
        "invoice_id": (),
        "created_at": ("created",),
        "method": ("payment_method_details",),
        "disputed": ("disputed", "dispute"),
    },
    "refund": {"charge_id": ("charge",), "created_at": ("created",), "note": (), "request": ()},
    "dispute": {
        "charge_id": ("charge",),
        "created_at": ("created",),
        "due_at": ("evidence_details.due_by",),
        "has_evidence": ("evidence_details.has_evidence",),
        "past_due": ("evidence_details.past_due",),
        "submissions": ("evidence_details.submission_count",),
        "refundable": ("is_charge_refundable",),
        "withdrawn": ("balance_transactions", "balance_transaction"),
        "fee": ("balance_transactions", "balance_transaction"),
    },
}
SUBJECT = {
    "subscription": {"id", "customer_id"},
    "invoice": {"id", "customer_id", "subscription_id"},
    "customer": {"id"},
    "checkout.session": {"id", "customer_id", "subscription_id"},
    "credit_note": {"id", "customer_id", "invoice_id"},
    "charge": {"id", "intent_id"},
    "refund": {"charge_id"},
    "dispute": {"charge_id"},
}


@dataclass(frozen=True, slots=True)
class Row:
    """One field of one recording. `place` is where the body holds it, or `re-fetched`; `there` is what stands there."""

    recording: str
    version: str
    kind: str
    field: str
    place: str
    there: Any
    value: Any


def rows(folder: Path) -> Iterator[Row]:
    """Every field of every recorded event that speaks of something we mirror."""
    for path in sorted((folder / "fixtures" / "events").glob("*.json")):
        event = json.loads(path.read_text())
        body = (event.get("data") or {}).get("object") or {}
        kind = str(body.get("object"))
        if kind not in READERS or "id" not in body:
            continue
        shape, reader = READERS[kind]
        try:
            state = reader(body)
        except (KeyError, TypeError):  # too old to be read as a whole; its subject is, by other means
            state = None
        for each in fields(shape):
            place, there = _place(kind, each.name, body)
            value = getattr(state, each.name, None)
            yield Row(path.stem, str(event.get("api_version") or "none"), kind, each.name, place, there, value)


def _place(kind: str, name: str, body: Any) -> tuple[str, Any]:
    for place in PLACES[kind].get(name, (name,)):
        found: Any = body
        for step in place.split("."):
            if isinstance(found, list):
                found = found[int(step)] if found else None
            else:
                found = found.get(step) if isinstance(found, Mapping) else None
        if found is not None:
            return place, found
    return REFETCHED, None


def summary(folder: Path) -> list[tuple[str, str, str, str]]:
    """Object, field (* when it is part of the subject), where the body has it, and in which versions; in order."""
    grouped: dict[tuple[str, str, str], set[str]] = {}
    for row in rows(folder):
        mark = "*" if row.field in SUBJECT[row.kind] else ""
        grouped.setdefault((row.kind, row.field + mark, row.place), set()).add(row.version)
    return [(*found, ", ".join(sorted(versions))) for found, versions in sorted(grouped.items())]


def main() -> int:
    """Print the table; 2 without recordings."""
    named = os.environ.get("STRIPE_RECORDINGS")
    if not named:
        print("STRIPE_RECORDINGS must name the folder with the recordings.", file=sys.stderr)
        return 2
    table = Table("Object", "Field", "Where the body has it", "In versions", title="Old shapes, field by field")
    for row in summary(Path(named)):
        table.add_row(*row)
    Console(width=160).print(table)
    return 0


if __name__ == "__main__":
    sys.exit(main())
