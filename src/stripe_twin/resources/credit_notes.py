"""Credit notes: what an invoice asked too much. Before payment they lower it, after it they give money back."""

from stripe_twin.core import ids
from stripe_twin.core.errors import invalid
from stripe_twin.core.json import Json
from stripe_twin.core.kinds import Kind, register
from stripe_twin.core.lists import listing, page, slice_page
from stripe_twin.core.operations import operation, retrieval
from stripe_twin.core.params import (
    array,
    choice,
    integer,
    merge_metadata,
    metadata,
    obj,
    page_params,
    params,
    pick,
    required,
    text,
    time_range,
)
from stripe_twin.core.store import equals
from stripe_twin.core.unit import Unit
from stripe_twin.resources import customer_balance, invoicing, refunds
from stripe_twin.rules.amounts import money


def _lines(note: Json) -> str:
    return f"/v1/credit_notes/{note['id']}/lines"


register(
    Kind(
        "credit_note",
        "credit note",
        compose=lambda unit, note: {
            **note,
            "lines": listing(_lines(note), note["_lines"][:10], total=len(note["_lines"])),
            "pdf": f"{unit.public_url}/invoice/{note['invoice']}?print=1",
        },
    )
)

_LINE = obj(
    type=required(choice("custom_line_item", "invoice_line_item")),
    amount=integer(0),
    description=text(),
    invoice_line_item=text(),
    quantity=integer(1),
    unit_amount=integer(0),
    unsupported="metadata tax_amounts tax_rates unit_amount_decimal",
)
_WANTED = {
    "invoice": required(text()),
    "amount": integer(1),
    "credit_amount": integer(0),
    "lines": array(_LINE),
    "memo": text(),
    "metadata": metadata(),
    "out_of_band_amount": integer(0),
    "reason": choice("duplicate", "fraudulent", "order_change", "product_unsatisfactory"),
    "refund_amount": integer(0),
    "email_type": choice("credit_note", "none"),
}
_UNSUPPORTED = "effective_at refunds shipping_cost"


@operation("POST", "/v1/credit_notes", params(unsupported=_UNSUPPORTED, **_WANTED))
def create(unit: Unit, args: Json) -> Json:
    """Issue a credit note and do what it says."""
    return unit.render(issue(unit, args))


@operation("GET", "/v1/credit_notes/preview", params(unsupported=_UNSUPPORTED, **_WANTED))
def preview(unit: Unit, args: Json) -> Json:
    """What a credit note would be; nothing is kept."""
    invoice = _credited(unit, args)
    return unit.render(_note(unit, invoice, args, _credit_lines(invoice, args)))


def issue(unit: Unit, args: Json) -> Json:
    """The new note, with the invoice, the refund and the customer's balance as it leaves them."""
    invoice = _credited(unit, args)
    note = _note(unit, invoice, args, _credit_lines(invoice, args))
    before = unit.render(invoice)
    if invoice["status"] == "open":
        _lower(unit, invoice, note["total"])
        unit.updated("invoice.updated", invoice, before)
    else:
        _give_back(unit, invoice, note, args)
        invoice["post_payment_credit_notes_amount"] += note["total"]
        unit.updated("invoice.updated", invoice, before)
    unit.save(note)
    unit.emit("credit_note.created", note)
    if invoice["status"] == "open" and invoice["amount_remaining"] == 0:
        invoicing.settle_without_payment(unit, invoice)
    return note


def _credited(unit: Unit, args: Json) -> Json:
    invoice = unit.load("invoice", args["invoice"], "invoice")
    if invoice["status"] not in ("open", "paid"):
        raise invalid(
            f"You can only create a credit note for an open or paid invoice; this one is {invoice['status']}.",
            param="invoice",
        )
    return invoice


def _credit_lines(invoice: Json, args: Json) -> list[Json]:
    if ("amount" in args) == ("lines" in args):
        raise invalid("You must specify one of `amount` or `lines`.", param="amount")
    if "amount" in args:
        return [_line("custom_line_item", args["amount"], "Credit", quantity=1)]
    made = []
    for place, entry in enumerate(args["lines"]):
        if entry["type"] == "custom_line_item":
            amount = entry.get("unit_amount", 0) * entry.get("quantity", 1)
            made.append(_line(entry["type"], amount, entry.get("description"), quantity=entry.get("quantity", 1)))
        else:
            made.append(_of_invoice_line(invoice, entry, place))
    return made


def _of_invoice_line(invoice: Json, entry: Json, place: int) -> Json:
    """A line of the invoice, or a part of it, with its share of discount and tax."""
    found = next((line for line in invoice["_lines"] if line["id"] == entry.get("invoice_line_item")), None)
    if found is None:
        where = f"lines[{place}][invoice_line_item]"
        raise invalid(f"No such invoice line item: '{entry.get('invoice_line_item')}'", param=where)
    full = found["amount"]
    amount = entry.get("amount", full * entry.get("quantity", found["quantity"]) // max(1, found["quantity"]))
    if not 0 <= amount <= full:
        raise invalid("A line cannot be credited by more than its amount.", param=f"lines[{place}][amount]")

    def part(whole: int) -> int:
        return (2 * whole * amount + full) // (2 * full) if full else 0

    off = [{**each, "amount": part(each["amount"])} for each in found["discount_amounts"]]
    taxes = [
        {**tax, "amount": part(tax["amount"]), "taxable_amount": part(tax["taxable_amount"])} for tax in found["taxes"]
    ]
    line = _line(entry["type"], amount, found["description"], quantity=entry.get("quantity"))
    discount = sum(each["amount"] for each in off)
    line.update(invoice_line_item=found["id"], discount_amounts=off, discount_amount=discount, taxes=taxes)
    return line


def _line(kind: str, amount: int, description: str | None, *, quantity: int | None) -> Json:
    return {
        "id": ids.long("cnli"),
        "object": "credit_note_line_item",
        "amount": amount,
        "description": description,
        "discount_amount": 0,
        "discount_amounts": [],
        "invoice_line_item": None,
        "livemode": False,
        "metadata": {},
        "pretax_credit_amounts": [],
        "quantity": quantity,
        "tax_rates": [],
        "taxes": [],
        "type": kind,
        "unit_amount": amount // quantity if quantity else None,
        "unit_amount_decimal": str(amount // quantity) if quantity else None,
    }


def _note(unit: Unit, invoice: Json, args: Json, lines: list[Json]) -> Json:
    earlier = unit.of("credit_note", invoice=invoice["id"])
    subtotal = sum(line["amount"] for line in lines)
    discount = sum(line["discount_amount"] for line in lines)
    taxes = [tax for line in lines for tax in line["taxes"]]
    added = sum(tax["amount"] for tax in taxes if tax["tax_behavior"] == "exclusive")
    inside = sum(tax["amount"] for tax in taxes if tax["tax_behavior"] == "inclusive")
    total = subtotal - discount + added
    is_open = invoice["status"] == "open"
    credited = sum(note["total"] for note in earlier if note["status"] == "issued")
    left = invoice["amount_remaining"] if is_open else invoice["total"] - credited
    if total > left:
        raise invalid(
            f"The credit note amount ({money(total, invoice['currency'])}) is more than what can be credited on this "
            f"invoice ({money(left, invoice['currency'])}).",
            param="amount",
        )
    return {
        "id": ids.long("cn"),
        "object": "credit_note",
        "amount": total,
        "amount_shipping": 0,
        "created": unit.now,
        "currency": invoice["currency"],
        "customer": invoice["customer"],
        "customer_account": None,
        "customer_balance_transaction": None,
        "discount_amount": discount,
        "discount_amounts": [each for line in lines for each in line["discount_amounts"]],
        "effective_at": unit.now,
        "invoice": invoice["id"],
        "livemode": False,
        "memo": args.get("memo"),
        "metadata": merge_metadata({}, args.get("metadata")),
        "number": f"{invoice['number']}-CN-{len(earlier) + 1:02}",
        "out_of_band_amount": args.get("out_of_band_amount"),
        "post_payment_amount": 0 if is_open else total,
        "pre_payment_amount": total if is_open else 0,
        "pretax_credit_amounts": [],
        "reason": args.get("reason"),
        "refunds": [],
        "shipping_cost": None,
        "status": "issued",
        "subtotal": subtotal,
        "subtotal_excluding_tax": subtotal - inside,
        "total": total,
        "total_excluding_tax": total - added - inside,
        "total_taxes": taxes,
        "type": "pre_payment" if is_open else "post_payment",
        "voided_at": None,
        "_lines": lines,
    }


def _lower(unit: Unit, invoice: Json, amount: int) -> None:
    """An open invoice asks for so much less (or more again, when negative)."""
    invoice["pre_payment_credit_notes_amount"] += amount
    invoice.update(amount_due=invoice["amount_due"] - amount, amount_remaining=invoice["amount_remaining"] - amount)
    payment, intent = invoicing.payment_of(unit, invoice), invoicing.intent_of(unit, invoice)
    if payment and intent:
        unit.save({**payment, "amount_requested": invoice["amount_remaining"]})
        unit.save({**intent, "amount": max(1, invoice["amount_remaining"])})


def _give_back(unit: Unit, invoice: Json, note: Json, args: Json) -> None:
    """A paid invoice: refund, credit to the balance, money outside; what is not named goes to the balance."""
    named = pick(args, "refund_amount", "credit_amount", "out_of_band_amount")
    if named and sum(named.values()) != note["total"]:
        raise invalid(
            "The sum of `refund_amount`, `credit_amount` and `out_of_band_amount` must equal the credit note's total.",
            param=next(iter(named)),
        )
    if named.get("refund_amount"):
        intent = invoicing.intent_of(unit, invoice)
        charge = unit.store.get((intent or {}).get("latest_charge") or "", "charge")
        if charge is None:
            raise invalid("This invoice has no payment that could be refunded.", param="refund_amount")
        refund = refunds.make(unit, charge, named["refund_amount"], {})
        note["refunds"] = [
            {
                "amount_refunded": refund["amount"],
                "payment_record_refund": None,
                "refund": refund["id"],
                "type": "refund",
            }
        ]
    credit = named.get("credit_amount", 0) if named else note["total"]
    if credit:
        entry = customer_balance.change(
            unit,
            invoice["customer"],
            -credit,
            "credit_note",
            invoice["currency"],
            credit_note=note["id"],
            invoice=invoice["id"],
        )
        note["customer_balance_transaction"] = entry["id"]


retrieval("credit_note", "/v1/credit_notes/{ident}", params())


@operation("POST", "/v1/credit_notes/{ident}", params(memo=text(), metadata=metadata()))
def update(unit: Unit, args: Json, ident: str) -> Json:
    """Change the words of a note."""
    note = unit.load("credit_note", ident)
    before = unit.render(note)
    if "metadata" in args:
        args["metadata"] = merge_metadata(note["metadata"], args["metadata"])
    note.update(args)
    unit.updated("credit_note.updated", note, before)
    return unit.render(note)


@operation("POST", "/v1/credit_notes/{ident}/void", params())
def void(unit: Unit, _: Json, ident: str) -> Json:
    """Take a note on an open invoice back."""
    note = unit.load("credit_note", ident)
    invoice = unit.load("invoice", note["invoice"])
    if note["status"] == "void" or note["type"] != "pre_payment" or invoice["status"] != "open":
        raise invalid("You can only void an issued credit note of an open invoice.", code="invoice_not_editable")
    before = unit.render(invoice)
    _lower(unit, invoice, -note["total"])
    unit.updated("invoice.updated", invoice, before)
    note.update(status="void", voided_at=unit.now)
    unit.save(note)
    unit.emit("credit_note.voided", note)
    return unit.render(note)


@operation("GET", "/v1/credit_notes/{ident}/lines", page_params())
def its_lines(unit: Unit, args: Json, ident: str) -> Json:
    """List the lines of a note."""
    note = unit.load("credit_note", ident)
    return slice_page(_lines(note), note["_lines"], args)


@operation("GET", "/v1/credit_notes", page_params(customer=text(), invoice=text(), created=time_range()))
def index(unit: Unit, args: Json) -> Json:
    """List notes."""
    filters = [equals(f"$.{name}", args[name]) for name in ("customer", "invoice") if name in args]
    return page(unit, "credit_note", "/v1/credit_notes", args, *filters)
