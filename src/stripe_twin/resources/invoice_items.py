"""Invoice items: amounts that wait for the next invoice."""

from decimal import Decimal

from stripe_twin.core.errors import invalid
from stripe_twin.core.json import Json
from stripe_twin.core.kinds import Kind, register
from stripe_twin.core.lists import page
from stripe_twin.core.operations import operation, retrieval
from stripe_twin.core.params import (
    boolean,
    integer,
    merge_metadata,
    metadata,
    obj,
    page_params,
    params,
    required,
    text,
    time_range,
    unsettable,
)
from stripe_twin.core.store import Filter, equals, within
from stripe_twin.core.unit import Unit
from stripe_twin.resources import customers, invoice_lines, invoicing, prices
from stripe_twin.resources.prices import currency
from stripe_twin.rules.amounts import cost, whole

register(Kind("invoiceitem", "invoiceitem"))

_PERIOD = obj(start=required(integer(0)), end=required(integer(0)))


@operation(
    "POST",
    "/v1/invoiceitems",
    params(
        customer=required(text()),
        amount=integer(),
        currency=currency(),
        description=text(),
        discountable=boolean(),
        invoice=text(),
        metadata=metadata(),
        period=_PERIOD,
        pricing=obj(price=text()),
        quantity=integer(0),
        subscription=text(),
        unit_amount_decimal=text(),
        unsupported="customer_account discounts price_data quantity_decimal tax_behavior tax_code tax_rates",
    ),
)
def create(unit: Unit, args: Json) -> Json:
    """Make an amount that waits for the next invoice, or goes on a draft."""
    customers.live(unit, args["customer"])
    quantity = args.get("quantity", 1)
    price = unit.load("price", args["pricing"]["price"], "pricing[price]") if args.get("pricing") else None
    invoice = unit.load("invoice", args["invoice"], "invoice") if "invoice" in args else None
    if invoice and invoice["status"] != "draft":
        raise invalid(
            "The invoice is not a draft and cannot take new items.", param="invoice", code="invoice_not_editable"
        )
    period = args.get("period", {"start": unit.now, "end": unit.now})
    if price is None and "amount" in args:
        shown: Json | None = prices.of_amount(
            unit, args["amount"], args.get("currency", "usd"), args.get("description") or "Item"
        )
    else:
        shown = price
    item = invoice_lines.pending(
        unit,
        args["customer"],
        _amount(args, price, quantity),
        price["currency"] if price else args.get("currency", "usd"),
        description=args.get("description"),
        period=(period["start"], period["end"]),
        discountable=args.get("discountable", True),
        metadata=merge_metadata({}, args.get("metadata")),
        pricing=invoice_lines.pricing(shown, shown["unit_amount_decimal"] if shown else None),
        quantity=quantity,
        quantity_decimal=str(quantity),
        _subscription=args.get("subscription"),
    )
    if invoice:
        _add(unit, invoice, item)
    return unit.render(item)


def _amount(args: Json, price: Json | None, quantity: int) -> int:
    if price:
        return cost(price, quantity)
    if "unit_amount_decimal" in args:
        return whole(Decimal(args["unit_amount_decimal"]) * quantity)
    if "amount" not in args:
        raise invalid(
            "You must pass one of amount, pricing or unit_amount_decimal.", param="amount", code="parameter_missing"
        )
    amount: int = args["amount"]
    return amount


def _add(unit: Unit, invoice: Json, item: Json) -> None:
    before = unit.render(invoice)
    item["invoice"] = invoice["id"]
    unit.save(item)
    invoice["_lines"].append({**invoice_lines.of_invoice_item(unit, item), "invoice": invoice["id"]})
    invoicing.total(invoice)
    unit.updated("invoice.updated", invoice, before)


retrieval("invoiceitem", "/v1/invoiceitems/{ident}", params())


@operation(
    "POST", "/v1/invoiceitems/{ident}", params(description=unsettable(text()), metadata=metadata(), amount=integer())
)
def update(unit: Unit, args: Json, ident: str) -> Json:
    """Change an amount that waits."""
    item = _waiting(unit, ident)
    if "metadata" in args:
        args["metadata"] = merge_metadata(item["metadata"], args["metadata"])
    item.update(args)
    item["net_amount"] = item["amount"]
    return unit.render(unit.save(item))


@operation("DELETE", "/v1/invoiceitems/{ident}", params())
def delete(unit: Unit, _: Json, ident: str) -> Json:
    """Drop an amount that waits."""
    item = _waiting(unit, ident)
    unit.store.remove(ident)
    unit.emit("invoiceitem.deleted", item)
    return {"id": ident, "object": "invoiceitem", "deleted": True}


def _waiting(unit: Unit, ident: str) -> Json:
    item = unit.load("invoiceitem", ident)
    if item["invoice"]:
        raise invalid("This invoice item is on an invoice already and cannot be changed.", code="invoice_not_editable")
    return item


@operation(
    "GET", "/v1/invoiceitems", page_params(customer=text(), invoice=text(), pending=boolean(), created=time_range())
)
def index(unit: Unit, args: Json) -> Json:
    """List invoice items."""
    filters = [equals(f"$.{name}", args[name]) for name in ("customer", "invoice") if name in args]
    if "pending" in args:
        filters.append(Filter(f"body ->> '$.invoice' is {'null' if args['pending'] else 'not null'}", ()))
    # Items call the moment they were made their date.
    if "created" in args:
        filters.append(within("$.date", args.pop("created")))
    return page(unit, "invoiceitem", "/v1/invoiceitems", args, *filters)
