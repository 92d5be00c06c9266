"""Invoices as an API. Their life is in `invoicing`, their lines in `invoice_lines`."""

from stripe_twin.core.errors import StripeError, invalid
from stripe_twin.core.json import Json
from stripe_twin.core.kinds import Kind, register
from stripe_twin.core.lists import listing, page, slice_page
from stripe_twin.core.operations import operation, retrieval
from stripe_twin.core.params import (
    boolean,
    choice,
    integer,
    merge_metadata,
    metadata,
    page_params,
    params,
    text,
    time_range,
    unsettable,
)
from stripe_twin.core.store import equals, within
from stripe_twin.core.unit import Unit
from stripe_twin.resources import customers, discounts, invoicing, payment_intents, payment_methods, tax_rates
from stripe_twin.resources.automatic_tax import AUTOMATIC_TAX, of_invoice
from stripe_twin.resources.prices import currency
from stripe_twin.rules.periods import DAY

_FIRST_LINES = 10


def _compose(unit: Unit, invoice: Json) -> Json:
    address = f"{unit.public_url}/invoice/{invoice['id']}" if invoice["number"] else None
    rates = [rate["id"] for rate in invoice.get("_tax_rates", [])]
    lines, url = _shown_lines(invoice), f"/v1/invoices/{invoice['id']}/lines"
    shown = lines[:_FIRST_LINES]
    return {
        **invoice,
        "default_tax_rates": [] if invoice["automatic_tax"]["enabled"] else tax_rates.shown(unit, rates),
        "hosted_invoice_url": address,
        "invoice_pdf": f"{address}?print=1" if address else None,
        "lines": listing(url, shown, has_more=len(lines) > _FIRST_LINES, total=len(lines)),
    }


def _shown_lines(invoice: Json) -> list[Json]:
    return [{name: value for name, value in line.items() if not name.startswith("_")} for line in invoice["_lines"]]


def _payments(unit: Unit, invoice: Json) -> Json:
    found = unit.find("invoice_payment", equals("$.invoice", invoice["id"]))
    return listing("/v1/invoices/payments", [unit.render(payment) for payment in found])


def _confirmation_secret(unit: Unit, invoice: Json) -> Json | None:
    intent = invoicing.intent_of(unit, invoice)
    return {"client_secret": intent["client_secret"], "type": "payment_intent"} if intent else None


register(
    Kind(
        "invoice",
        "invoice",
        compose=_compose,
        includable={"payments": _payments, "confirmation_secret": _confirmation_secret},
        due=invoicing.due,
        on_due=invoicing.when_due,
    )
)

_COLLECTION = choice("charge_automatically", "send_invoice")
_UNSUPPORTED = (
    "account_tax_ids application_fee_amount custom_fields default_source "
    "effective_at issuer number on_behalf_of payment_settings rendering shipping_cost shipping_details transfer_data"
)
_DETAILS = {
    "auto_advance": boolean(),
    "automatic_tax": AUTOMATIC_TAX,
    "automatically_finalizes_at": unsettable(integer(0)),
    "collection_method": _COLLECTION,
    "days_until_due": integer(0),
    "default_payment_method": unsettable(text()),
    "default_tax_rates": tax_rates.RATES,
    "description": unsettable(text()),
    "discounts": discounts.DISCOUNTS,
    "due_date": integer(0),
    "footer": unsettable(text()),
    "metadata": metadata(),
    "statement_descriptor": text(22),
}


@operation(
    "POST",
    "/v1/invoices",
    params(
        customer=text(),
        currency=currency(),
        subscription=text(),
        pending_invoice_items_behavior=choice("exclude", "include"),
        unsupported=f"{_UNSUPPORTED} customer_account from_invoice",
        **_DETAILS,
    ),
)
def create(unit: Unit, args: Json) -> Json:
    """Make a draft invoice."""
    subscription = unit.load("subscription", args["subscription"], "subscription") if "subscription" in args else None
    owner = subscription["customer"] if subscription else args.get("customer")
    if owner is None:
        raise invalid("Missing required param: customer.", param="customer", code="parameter_missing")
    customer = customers.live(unit, owner)
    wanted = subscription is not None or args.get("pending_invoice_items_behavior") == "include"
    lines = invoicing.sweep(unit, owner, subscription["id"] if subscription else None) if wanted else []
    details = {"auto_advance": False, "metadata": {}, **_settings(unit, args, customer)}
    if "metadata" in args:
        details["metadata"] = merge_metadata({}, args["metadata"])
    money = args.get("currency") or (lines[0]["currency"] if lines else customer["currency"] or "usd")
    invoice = invoicing.make(unit, customer, money, lines, "manual", subscription=subscription, details=details)
    invoicing.claim(unit, invoice)
    return unit.render(invoice)


_TURNED = ("automatic_tax", "days_until_due", "default_tax_rates", "discounts", "metadata")


def _settings(unit: Unit, args: Json, customer: Json) -> Json:
    """The invoice's own fields among the parameters; the term of payment becomes a date."""
    taken = {name: args[name] for name in _DETAILS if name in args and name not in _TURNED}
    if "automatic_tax" in args:
        taken["automatic_tax"] = of_invoice(customer, enabled=args["automatic_tax"]["enabled"])
        taken.update(_exempt=None, _tax_rates=[])
    if "default_tax_rates" in args:
        rates = tax_rates.checked(unit, args["default_tax_rates"], "default_tax_rates")
        taken["_tax_rates"] = tax_rates.resolved(unit, rates)
    if "discounts" in args:
        idents = discounts.attach(unit, args["discounts"] or [], customer["id"], args.get("currency"), report=False)
        taken.update(discounts=idents, _discounts=discounts.resolved(unit, idents))
    sent = args.get("collection_method") == "send_invoice"
    if "days_until_due" in args:
        taken["due_date"] = unit.now + args["days_until_due"] * DAY
    if sent and "due_date" not in taken:
        raise invalid(
            "You must pass either `days_until_due` or `due_date` when `collection_method` is `send_invoice`.",
            param="days_until_due",
        )
    if taken.get("default_payment_method"):
        unit.load("payment_method", taken["default_payment_method"], "default_payment_method")
    return taken


retrieval("invoice", "/v1/invoices/{ident}", params())


@operation("POST", "/v1/invoices/{ident}", params(unsupported=_UNSUPPORTED, **_DETAILS))
def update(unit: Unit, args: Json, ident: str) -> Json:
    """Change an invoice; little of it once it is final."""
    invoice = unit.load("invoice", ident)
    editable_later = {"auto_advance", "default_payment_method", "description", "metadata", "footer"}
    if invoice["status"] != "draft" and set(args) - editable_later:
        raise invalid("Finalized invoices can't be updated in this way.", code="invoice_not_editable")
    before = unit.render(invoice)
    customer = unit.load("customer", invoice["customer"])
    invoice.update(_settings(unit, args, customer))
    if invoice["status"] == "draft":
        invoicing.place(unit, invoice, customer)
        invoicing.total(invoice)
    if "metadata" in args:
        invoice["metadata"] = merge_metadata(invoice["metadata"], args["metadata"])
    unit.updated("invoice.updated", invoice, before)
    return unit.render(invoice)


@operation("DELETE", "/v1/invoices/{ident}", params())
def delete(unit: Unit, _: Json, ident: str) -> Json:
    """Delete a draft that belongs to no subscription."""
    invoice = unit.load("invoice", ident)
    if invoice["status"] != "draft" or invoice["parent"]:
        raise invalid("You can only delete draft invoices that belong to no subscription.", code="invoice_not_editable")
    unit.store.remove(ident)
    unit.emit("invoice.deleted", invoice)
    return {"id": ident, "object": "invoice", "deleted": True}


@operation(
    "GET",
    "/v1/invoices",
    page_params(
        customer=text(),
        subscription=text(),
        status=choice("draft", "open", "paid", "uncollectible", "void"),
        collection_method=_COLLECTION,
        created=time_range(),
        due_date=time_range(),
        unsupported="customer_account",
    ),
)
def index(unit: Unit, args: Json) -> Json:
    """List invoices."""
    filters = [equals(f"$.{name}", args[name]) for name in ("customer", "status", "collection_method") if name in args]
    if "subscription" in args:
        filters.append(equals("$.parent.subscription_details.subscription", args["subscription"]))
    if "due_date" in args:
        filters.append(within("$.due_date", args["due_date"]))
    return page(unit, "invoice", "/v1/invoices", args, *filters)


@operation("GET", "/v1/invoices/{ident}/lines", page_params())
def lines(unit: Unit, args: Json, ident: str) -> Json:
    """List the lines of an invoice."""
    invoice = unit.load("invoice", ident)
    return slice_page(f"/v1/invoices/{ident}/lines", _shown_lines(invoice), args)


@operation("POST", "/v1/invoices/{ident}/finalize", params(auto_advance=boolean()))
def finalize(unit: Unit, args: Json, ident: str) -> Json:
    """Make a draft final."""
    invoice = unit.load("invoice", ident)
    if invoice["status"] != "draft":
        raise invalid("This invoice is already finalized, you can't re-finalize a non-draft invoice.")
    invoice["auto_advance"] = args.get("auto_advance", invoice["auto_advance"])
    invoicing.finalize(unit, invoice)
    return unit.render(unit.load("invoice", ident))


@operation(
    "POST",
    "/v1/invoices/{ident}/pay",
    params(
        off_session=boolean(),
        paid_out_of_band=boolean(),
        payment_method=text(),
        unsupported="forgive mandate source",
    ),
)
def pay(unit: Unit, args: Json, ident: str) -> Json:
    """Pay an invoice by card, or note that it was paid elsewhere."""
    invoice = unit.load("invoice", ident)
    if invoice["status"] in ("paid", "void"):
        raise invalid(f"Invoice is already {invoice['status'].replace('void', 'voided')}", code="invoice_not_editable")
    if invoice["status"] == "draft":
        invoicing.finalize(unit, invoice)
        invoice = unit.load("invoice", ident)
    if invoice["status"] == "paid":
        return unit.render(invoice)
    if args.get("paid_out_of_band"):
        payment = invoicing.payment_of(unit, invoice)
        if payment:
            invoicing.settle(unit, invoice, payment)
        return unit.render(invoice)
    return _pay_by_card(unit, invoice, args)


def _pay_by_card(unit: Unit, invoice: Json, args: Json) -> Json:
    if "payment_method" in args:
        method: Json | None = payment_methods.usable(unit, args["payment_method"], invoice["customer"])
    else:
        method = invoicing.method_for(unit, invoice)
    if method is None:
        raise invalid(
            "There is no `default_payment_method` set on this Customer or Invoice. Please either supply a "
            "`payment_method`, "
            "or set a default payment method on the customer."
        )
    invoice = invoicing.collect(unit, invoice, method, off_session=args.get("off_session", True))
    raise_refusal(unit, invoice)
    return unit.render(invoice)


def raise_refusal(unit: Unit, invoice: Json) -> None:
    """Stripe's 402 when the last attempt on the invoice was refused or waits for the buyer; what happened stays."""
    intent = invoicing.intent_of(unit, invoice)
    if intent and intent["last_payment_error"]:
        raise payment_intents.refusal_of(unit, intent)
    if intent and intent["status"] == "requires_action":
        raise StripeError(
            402,
            "card_error",
            "This payment requires additional user action before it can be completed successfully. Payment can be "
            "completed "
            "using the PaymentIntent associated with the invoice.",
            code="invoice_payment_intent_requires_action",
            extra={"payment_intent": unit.render(intent)},
            keep=True,
        )


@operation("POST", "/v1/invoices/{ident}/void", params())
def void(unit: Unit, _: Json, ident: str) -> Json:
    """Void an invoice that is not paid, or a draft of its own."""
    invoice = unit.load("invoice", ident)
    if invoice["status"] == "draft" and not invoice["parent"]:
        invoicing.close(unit, invoice, "void")
        return unit.render(invoice)
    if invoice["status"] not in ("open", "uncollectible"):
        raise invalid(
            f"You can only void open or uncollectible invoices. This invoice's status is {invoice['status']}."
        )
    invoicing.close(unit, invoice, "void")
    return unit.render(invoice)


@operation("POST", "/v1/invoices/{ident}/mark_uncollectible", params())
def mark_uncollectible(unit: Unit, _: Json, ident: str) -> Json:
    """Write an open invoice off."""
    invoice = unit.load("invoice", ident)
    if invoice["status"] != "open":
        raise invalid(f"You can only mark open invoices uncollectible. This invoice's status is {invoice['status']}.")
    invoicing.close(unit, invoice, "uncollectible")
    return unit.render(invoice)


@operation("POST", "/v1/invoices/{ident}/send", params())
def send(unit: Unit, _: Json, ident: str) -> Json:
    """Send an invoice that is paid on receipt of it."""
    invoice = unit.load("invoice", ident)
    if invoice["collection_method"] != "send_invoice":
        raise invalid("You can only send invoices whose collection_method is send_invoice.")
    if invoice["status"] == "draft":
        invoicing.finalize(unit, invoice)
        invoice = unit.load("invoice", ident)
    unit.emit("invoice.sent", invoice)
    return unit.render(invoice)
