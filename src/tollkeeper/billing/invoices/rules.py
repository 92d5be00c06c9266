"""What an invoice says in words: its sums in order, who it is made out to, notes. Pure; pages and print share it."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from tollkeeper.billing.provider import Address, Discount, InvoiceLine, Tax, Term
from tollkeeper.kit import Money

from .model import Invoice, InvoiceDocument

REVERSE_CHARGE = "Reverse charge: the customer accounts for the tax."
EXEMPT = "The customer is exempt from tax."
_REASONS = {
    "reverse_charge": "reverse charge",
    "customer_exempt": "customer exempt",
    "product_exempt": "exempt",
    "not_collecting": "not collected here",
    "not_subject_to_tax": "not taxed",
    "zero_rated": "zero rated",
}
_TAX_ID_KINDS = {
    "eu_vat": "VAT ID",
    "gb_vat": "VAT ID",
    "ch_vat": "VAT ID",
    "no_vat": "VAT ID",
    "us_ein": "EIN",
    "au_abn": "ABN",
    "ca_bn": "BN",
    "ca_gst_hst": "GST/HST no.",
    "in_gst": "GSTIN",
    "nz_gst": "GST no.",
    "sg_gst": "GST no.",
}


@dataclass(frozen=True, slots=True)
class SumRow:
    """One row of an invoice's sums. `strong` rows are results, the others are what leads to them."""

    label: str
    amount: Money
    strong: bool = False


def sums(document: InvoiceDocument) -> tuple[SumRow, ...]:
    """Return the sums of an invoice in the order they are worked out, from the lines to what is still to pay."""
    invoice, terms = document.invoice, document.terms
    rows = [SumRow("Subtotal", invoice.subtotal)]
    rows += [SumRow(discount_words(each, terms), _of(invoice, -each.amount)) for each in invoice.discounts]
    on_top = [tax for tax in invoice.taxes if not tax.inclusive]
    if on_top:
        rows.append(SumRow("Total without tax", invoice.total - invoice.tax))
    rows += [SumRow(tax_words(tax, terms), _of(invoice, tax.amount)) for tax in on_top]
    rows.append(SumRow("Total", invoice.total, strong=True))
    inside = [tax for tax in invoice.taxes if tax.inclusive]
    rows += [SumRow(f"Included: {tax_words(tax, terms)}", _of(invoice, tax.amount)) for tax in inside]
    return (*rows, *_settled(invoice))


def _settled(invoice: Invoice) -> list[SumRow]:
    """Return what became of the total: balance, credit notes, payment, in turn where there is any of it."""
    rows = []
    if invoice.applied_balance.amount:
        used = invoice.applied_balance.amount > 0
        words = "Credit used" if used else "Earlier balance" if invoice.total.amount >= 0 else "Added to the balance"
        rows.append(SumRow(words, -invoice.applied_balance))
    if invoice.credited_before_payment.amount:
        rows.append(SumRow("Credit notes", -invoice.credited_before_payment))
    rows.append(SumRow("Amount due", invoice.amount_due, strong=True))
    if invoice.amount_paid.amount:
        rows.append(SumRow("Paid", -invoice.amount_paid))
        rows.append(SumRow("Still to pay", invoice.amount_remaining, strong=True))
    if invoice.credited_after_payment.amount:
        rows.append(SumRow("Credited after payment", invoice.credited_after_payment))
    return rows


def _of(invoice: Invoice, amount: int) -> Money:
    return Money(amount, invoice.total.currency)


def discount_words(discount: Discount, terms: Mapping[str, Term]) -> str:
    """Return what a discount is called, with its code and share where it has any."""
    term = terms.get(discount.discount)
    if term is None:
        return "Discount"
    code = f" ({term.code})" if term.code and term.code != term.name else ""
    share = f", {term.percentage} % off" if term.percentage else ""
    return f"Discount: {term.name}{code}{share}"


def tax_words(tax: Tax, terms: Mapping[str, Term]) -> str:
    """Return what a tax is called, with rate, place and the reason where the rate is not the usual one."""
    term = terms.get(tax.rate or "")
    name = term.name if term else "Tax"
    share = f" {term.percentage} %" if term and term.percentage else ""
    place = f" {term.place}" if term and term.place else ""
    reason = _REASONS.get(tax.reason or "")
    return f"{name}{share}{place}" + (f", {reason}" if reason else "")


def rates_of(line: InvoiceLine, terms: Mapping[str, Term]) -> str:
    """Return the tax rates of a line, such as `19 %`; `0 %` where a reason takes the tax away, empty for no tax."""
    shown = []
    for tax in line.taxes:
        term = terms.get(tax.rate or "")
        if tax.reason in _REASONS and tax.amount == 0:
            shown.append("0 %")
        elif term is not None and term.percentage:
            shown.append(f"{term.percentage} %")
    return " + ".join(dict.fromkeys(shown))


def unit_price(line: InvoiceLine, currency: str) -> str:
    """Return the price of one, exact, with at least the currency's usual digits; empty when there is none."""
    if line.unit_amount is None:
        return ""
    digits = Money(0, currency).decimals
    value = Decimal(line.unit_amount) / 10**digits
    exact = format(value.normalize(), "f")
    behind = len(exact.partition(".")[2])
    return f"{value:,.{max(digits, behind)}f}"


def notes(invoice: Invoice) -> tuple[str, ...]:
    """Return what the law or the seller wants said below the sums."""
    found = [REVERSE_CHARGE] if invoice.reverse_charge else []
    if not found and invoice.billed_to.tax_exempt == "exempt":
        found = [EXEMPT]
    return (*found, invoice.memo) if invoice.memo else tuple(found)


def tax_id_words(kind: str) -> str:
    """Return what a kind of tax id is called on paper."""
    return _TAX_ID_KINDS.get(kind, "Tax ID")


def address_lines(address: Address | None) -> tuple[str, ...]:
    """Return a postal address as written below a name."""
    if address is None:
        return ()
    town = " ".join(part for part in (address.postal_code, address.city) if part)
    parts = (address.line1, address.line2, town, address.state, address.country)
    return tuple(part for part in parts if part)
