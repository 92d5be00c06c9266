"""Stripe's invoices and credit notes read into our words, in present shapes and in those before 2025."""

from collections.abc import Mapping
from typing import Any

from .model import (
    Address,
    BilledTo,
    CreditNoteLine,
    CreditNoteState,
    Discount,
    InvoiceLine,
    InvoiceState,
    LineKind,
    PrintedTaxId,
    Tax,
    Term,
)
from .stripe_read_parts import Json, ident, mapping, moment, time

USAGE = "tollkeeper_usage"
"""Metadata on invoice items that charge for usage."""


def subscription_of(body: Json) -> str | None:
    """Return the subscription of an invoice or checkout; before 2025 it stood at the top of invoices, too."""
    parent = mapping(mapping(body.get("parent")).get("subscription_details"))
    return ident(parent.get("subscription")) or ident(body.get("subscription"))


def invoice(body: Json) -> InvoiceState:
    """Read an invoice with the lines that came with it."""
    listed = mapping(body.get("lines"))
    turned = mapping(body.get("status_transitions"))
    total, created = body.get("total") or 0, body["created"]
    discounts = _discounts(body.get("total_discount_amounts"))
    return InvoiceState(
        id=body["id"],
        customer_id=ident(body.get("customer")) or "",
        subscription_id=subscription_of(body),
        number=body.get("number"),
        status=str(body.get("status") or "draft"),
        reason=body.get("billing_reason"),
        currency=body["currency"],
        subtotal=body.get("subtotal") or 0,
        tax=_tax_sum(body),
        total=total,
        amount_due=body.get("amount_due") or 0,
        amount_paid=body.get("amount_paid") or 0,
        amount_remaining=body.get("amount_remaining") or 0,
        attempt_count=body.get("attempt_count") or 0,
        created_at=moment(created),
        period_start=time(body.get("period_start")),
        period_end=time(body.get("period_end")),
        due_at=time(body.get("due_date")),
        paid_at=time(turned.get("paid_at")),
        next_attempt_at=time(body.get("next_payment_attempt")),
        page_url=body.get("hosted_invoice_url"),
        pdf_url=body.get("invoice_pdf"),
        lines=tuple(invoice_line(line, made_at=created) for line in listed.get("data") or []),
        discount_total=sum(each.amount for each in discounts),
        discounts=discounts,
        taxes=taxes(body),
        starting_balance=body.get("starting_balance") or 0,
        ending_balance=body.get("ending_balance"),
        credited_before_payment=body.get("pre_payment_credit_notes_amount") or 0,
        credited_after_payment=body.get("post_payment_credit_notes_amount") or 0,
        billed_to=_billed_to(body),
        memo=body.get("description"),
        finalized_at=time(turned.get("finalized_at")),
        voided_at=time(turned.get("voided_at")),
        whole=not listed.get("has_more"),
    )


def invoice_line(body: Json, *, made_at: int | None = None) -> InvoiceLine:
    """Read one line of an invoice; `made_at` is when the invoice was made, in seconds, None when that is not known."""
    period, parent = mapping(body.get("period")), mapping(body.get("parent"))
    details = mapping(parent.get("subscription_item_details") or parent.get("invoice_item_details"))
    pricing, price = mapping(body.get("pricing")), body.get("price")
    proration = bool(details.get("proration") or body.get("proration"))
    # Nothing is an amount, too: the SDK reads it as a number, lists are read as text, and both are the same line.
    told = (each.get("unit_amount_decimal") for each in (pricing, mapping(price)))
    unit = next((each for each in told if each is not None), None)
    return InvoiceLine(
        description=body.get("description") or "",
        amount=body["amount"],
        quantity=body.get("quantity"),
        period_start=time(period.get("start")),
        period_end=time(period.get("end")),
        proration=proration,
        provider_price=ident(mapping(pricing.get("price_details")).get("price")) or ident(price),
        kind=LineKind.PRORATION if proration else _kind(body, made_at),
        unit_amount=None if unit is None else str(unit),
        discounts=_discounts(body.get("discount_amounts")),
        taxes=taxes(body),
        provider_id=body.get("id"),
        provider_item=ident(details.get("invoice_item") or body.get("invoice_item")),
    )


def _kind(body: Json, made_at: int | None) -> LineKind:
    """Tell a period of a plan from usage: that of a metered price is billed when its period is over."""
    if USAGE in mapping(body.get("metadata")):
        return LineKind.USAGE
    parent = mapping(body.get("parent"))
    item = mapping(parent.get("subscription_item_details"))
    # Before 2025 the line said so itself.
    if not (item and not item.get("invoice_item")) and body.get("type") != "subscription":
        return LineKind.OTHER
    metered = mapping(mapping(body.get("price")).get("recurring")).get("usage_type") == "metered"
    end = mapping(body.get("period")).get("end")
    over = made_at is not None and isinstance(end, int) and end <= made_at
    return LineKind.USAGE if metered or over else LineKind.PLAN


def taxes(body: Json) -> tuple[Tax, ...]:
    """Read the taxes of an invoice, a line or a credit note: under one of the names they have had."""
    names = ("total_taxes", "taxes", "total_tax_amounts", "tax_amounts")
    found: Any = next((body[name] for name in names if body.get(name)), ())
    return tuple(_tax(mapping(each)) for each in found)


def _tax(body: Json) -> Tax:
    details = mapping(body.get("tax_rate_details"))
    return Tax(
        amount=body.get("amount") or 0,
        taxable=body.get("taxable_amount"),
        inclusive=body.get("tax_behavior") == "inclusive" or bool(body.get("inclusive")),
        rate=ident(details.get("tax_rate")) or ident(body.get("tax_rate")),
        reason=body.get("taxability_reason"),
    )


def _tax_sum(body: Json) -> int:
    """Return all tax of an invoice or credit note, on top or inside; old ones may tell nothing but the sum."""
    without, said = body.get("total_excluding_tax"), body.get("tax")
    if isinstance(without, int):
        return int(body.get("total") or 0) - without
    return said if isinstance(said, int) else sum(each.amount for each in taxes(body))


def _discounts(found: Any) -> tuple[Discount, ...]:
    pairs = [(ident(mapping(each).get("discount")), mapping(each).get("amount") or 0) for each in found or ()]
    return tuple(Discount(amount, name) for name, amount in pairs if name is not None)


def _billed_to(body: Json) -> BilledTo:
    return BilledTo(
        name=body.get("customer_name"),
        email=body.get("customer_email"),
        address=address(body.get("customer_address")),
        tax_ids=tuple(
            PrintedTaxId(str(each["type"]), str(each["value"]))
            for each in body.get("customer_tax_ids") or ()
            if each.get("value")
        ),
        tax_exempt=body.get("customer_tax_exempt"),
    )


def address(body: Any) -> Address | None:
    """Read a postal address; None when none is known."""
    parts = {name: mapping(body).get(name) or None for name in Address.__slots__}
    return Address(**parts) if any(parts.values()) else None


def discount_terms(body: Json) -> list[Term]:
    """Read what the discounts of an invoice are called, as far as they were expanded."""
    totals = [mapping(each).get("discount") for each in body.get("total_discount_amounts") or ()]
    found = {str(each["id"]): each for each in [*totals, body.get("discount")] if isinstance(each, Mapping)}
    return [_discount_term(each) for each in found.values()]


def _discount_term(body: Json) -> Term:
    # Before clover the coupon stood in the discount itself.
    coupon = mapping(mapping(body.get("source")).get("coupon") or body.get("coupon"))
    share, code = coupon.get("percent_off"), mapping(body.get("promotion_code")).get("code")
    name = coupon.get("name") or code or coupon.get("id") or "Discount"
    return Term(str(body["id"]), str(name), None if share is None else f"{share:g}", code=code)


def tax_term(body: Json) -> Term:
    """Read a tax rate."""
    share = body.get("percentage")
    return Term(
        str(body["id"]),
        body.get("display_name") or "Tax",
        None if share is None else f"{float(share):g}",
        body.get("jurisdiction") or body.get("state"),
        body.get("country"),
    )


def credit_note(body: Json) -> CreditNoteState:
    """Read a credit note. Before clover its one refund stood as `refund`, without the amount."""
    total = body.get("total") or 0
    after = body.get("post_payment_amount")
    if after is None:
        after = 0 if body.get("type") == "pre_payment" else total
    refunded = sum(mapping(each).get("amount_refunded") or 0 for each in body.get("refunds") or ())
    outside = body.get("out_of_band_amount") or 0
    if body.get("refund") and not refunded:
        refunded = after - outside
    return CreditNoteState(
        id=body["id"],
        invoice_id=ident(body.get("invoice")) or "",
        customer_id=ident(body.get("customer")) or "",
        number=body["number"],
        status=str(body["status"]),
        reason=body.get("reason"),
        memo=body.get("memo"),
        currency=body["currency"],
        subtotal=body.get("subtotal") or 0,
        tax=_tax_sum(body),
        total=total,
        before_payment=total - after,
        after_payment=after,
        refunded=refunded,
        credited=max(0, after - refunded - outside),
        outside=outside,
        issued_at=moment(body["created"]),
        voided_at=time(body.get("voided_at")),
        pdf_url=body.get("pdf"),
        lines=tuple(
            CreditNoteLine(line.get("description") or "", line.get("amount") or 0, line.get("quantity"))
            for line in mapping(body.get("lines")).get("data") or ()
        ),
    )
