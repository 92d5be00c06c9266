"""What a checkout session sells."""

from stripe_twin.core import ids
from stripe_twin.core.errors import invalid
from stripe_twin.core.json import Json
from stripe_twin.core.params import array, choice, integer, merge_metadata, metadata, obj, required, text
from stripe_twin.core.unit import Unit
from stripe_twin.resources import automatic_tax, discounts, prices, tax_rates
from stripe_twin.rules.amounts import cost
from stripe_twin.rules.pricing import net, price_lines

_PRICE_DATA = obj(
    currency=required(prices.currency()),
    product=text(),
    product_data=obj(
        name=required(text()),
        description=text(),
        metadata=metadata(),
        images=array(text()),
        tax_code=text(),
        unit_label=text(12),
    ),
    recurring=obj(interval=required(choice(*prices.INTERVALS)), interval_count=integer(1, 1095)),
    tax_behavior=choice("exclusive", "inclusive", "unspecified"),
    unit_amount=integer(0),
    unit_amount_decimal=text(),
)
LINE = obj(
    price=text(),
    price_data=_PRICE_DATA,
    quantity=integer(0, 999_999),
    metadata=metadata(),
    tax_rates=tax_rates.RATES,
    unsupported="adjustable_quantity",
)


def wanted_line(unit: Unit, entry: Json, place: int) -> Json:
    """A line as the session keeps it; `place` is its position, for errors."""
    where = f"line_items[{place}]"
    if ("price" in entry) == ("price_data" in entry):
        raise invalid("You must specify exactly one of `price` or `price_data`.", param=where, code="parameter_missing")
    price = (
        prices.make(unit, entry["price_data"])
        if "price_data" in entry
        else unit.load("price", entry["price"], f"{where}[price]")
    )
    if not price["active"]:
        raise invalid(
            "The price specified is inactive. This field only accepts active prices.", param=f"{where}[price]"
        )
    metered = price["type"] == "recurring" and price["recurring"]["usage_type"] == "metered"
    if "quantity" not in entry and not metered:
        raise invalid("Quantity is required. Add `quantity` to `line_items`.", param=f"{where}[quantity]")
    return {
        "id": ids.long("li"),
        "price": price["id"],
        "quantity": None if metered else entry["quantity"],
        "metadata": merge_metadata({}, entry.get("metadata")),
        "tax_rates": tax_rates.checked(unit, entry.get("tax_rates"), f"{where}[tax_rates]"),
    }


def check_lines(unit: Unit, mode: str, lines: list[Json]) -> None:
    """Refuse lines that do not go together or not with the mode."""
    found = [unit.load("price", line["price"]) for line in lines]
    if len({price["currency"] for price in found}) > 1:
        raise invalid("All prices in a Checkout Session must use the same currency.", param="line_items")
    types = {price["type"] for price in found}
    if mode == "payment" and "recurring" in types:
        raise invalid(
            "You specified `payment` mode but passed a recurring price. Either switch to `subscription` mode or use "
            "only "
            "one-time prices.",
            param="line_items",
        )
    if mode == "subscription" and "recurring" not in types:
        raise invalid("You must provide at least one recurring price in `subscription` mode.", param="line_items")
    if mode == "subscription" and "one_time" in types:
        raise invalid(
            "This test double does not imitate one-time prices in `subscription` mode yet; Stripe itself accepts them.",
            param="line_items",
            code="twin_unsupported_parameter",
        )


def priced(unit: Unit, session: Json) -> tuple[list[Json], Json]:
    """The lines with discounts and taxes worked out, and their sums, as the invoice will have them."""
    lines = []
    for line in session["_lines"]:
        price = unit.load("price", line["price"])
        amount = 0 if price["type"] == "recurring" and session["_trial"] else cost(price, line["quantity"] or 0)
        lines.append(
            {
                "amount": amount,
                "discountable": True,
                "pricing": {"price_details": {"product": price["product"]}},
                "_tax_rates": tax_rates.resolved(unit, line["tax_rates"]),
            }
        )
    currency = unit.load("price", session["_lines"][0]["price"])["currency"]
    wanted = [discounts.foreseen(unit, entry, currency) for entry in session["_wanted_discounts"]]
    return lines, price_lines(lines, wanted, *_taxed(unit, session))


def _taxed(unit: Unit, session: Json) -> tuple[list[Json], str | None]:
    """The rates on the whole, and whether the buyer is exempt; automatic tax goes by what they said of themselves."""
    customer = unit.load("customer", session["customer"]) if session["customer"] else {}
    if not session["automatic_tax"]["enabled"]:
        rates = session["_subscription_data"].get("default_tax_rates") or []
        return tax_rates.resolved(unit, rates), customer.get("tax_exempt")
    said = session["_said"]
    address = said["address"] if said and said["address"]["country"] else customer.get("address")
    held = unit.of("tax_id", customer=session["customer"]) if session["customer"] else []
    typed = [said["tax_id"]] if said.get("tax_id") else []
    return automatic_tax.worked_out(unit, {**customer, "address": address}, [*held, *typed])


def add_up(unit: Unit, session: Json) -> None:
    """Write the sums on the session, as far as it is known who buys."""
    sums = priced(unit, session)[1]
    off = sum(part["amount"] for part in sums["total_discount_amounts"])
    tax = sum(part["amount"] for part in sums["total_taxes"])
    session.update(amount_subtotal=sums["subtotal"], amount_total=sums["total"])
    session["total_details"] = {"amount_discount": off, "amount_shipping": 0, "amount_tax": tax}


def line_items(unit: Unit, session: Json) -> list[Json]:
    """What is bought, as Stripe's `item` objects; nothing where a way to pay is only kept."""
    if not session["_lines"]:
        return []
    shown = []
    for line, amounts in zip(session["_lines"], priced(unit, session)[0], strict=True):
        price = unit.load("price", line["price"])
        added = sum(tax["amount"] for tax in amounts["taxes"] if tax["tax_behavior"] == "exclusive")
        shown.append(
            {
                "id": line["id"],
                "object": "item",
                "adjustable_quantity": None,
                "amount_discount": amounts["amount"] - net(amounts),
                "amount_subtotal": amounts["amount"],
                "amount_tax": sum(tax["amount"] for tax in amounts["taxes"]),
                "amount_total": net(amounts) + added,
                "currency": price["currency"],
                "description": unit.load("product", price["product"])["name"],
                "metadata": line["metadata"],
                "price": unit.render(price),
                "quantity": line["quantity"],
            }
        )
    return shown
