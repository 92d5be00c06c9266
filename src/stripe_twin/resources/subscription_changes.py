"""Changing what is subscribed to in the middle of a period: credits, charges, and when they are billed."""

from dataclasses import dataclass, replace
from decimal import Decimal

from stripe_twin.core.errors import StripeError, invalid
from stripe_twin.core.json import Json
from stripe_twin.core.params import merge_metadata
from stripe_twin.core.store import equals
from stripe_twin.core.unit import Unit
from stripe_twin.resources import discounts, invoice_lines, invoices, invoicing
from stripe_twin.resources.subscribing import (
    ENDED,
    WantedItem,
    add_item,
    bill,
    item_period,
    items_of,
    note_period,
    recurring_price,
)
from stripe_twin.rules.amounts import cost, share, whole
from stripe_twin.rules.pricing import covers, net, percent


@dataclass(frozen=True)
class Terms:
    """How a change is billed. `behavior` and `payment` are Stripe's proration_behavior and payment_behavior."""

    behavior: str = "create_prorations"
    payment: str = "allow_incomplete"
    moment: int | None = None
    restart: bool = False
    off_session: bool = False


@dataclass(frozen=True)
class _Move:
    """One change under way: the anchor periods count from, the moment parts are taken at, whether none are billed."""

    anchor: int
    moment: int
    restart: bool
    silent: bool


def change(unit: Unit, subscription: Json, wanted: list[Json], terms: Terms) -> Json | None:
    """Apply the wanted items (`id`, `price`, `quantity`, `deleted`) and save the subscription.

    The caller reports the change and then collects the draft returned, None when nothing is billed now.
    """
    if subscription["status"] in ENDED:
        raise invalid("A canceled subscription can only update its cancellation_details and metadata.")
    if _begins_to_cost(unit, subscription, wanted):
        terms = replace(terms, restart=True)
    anchor = unit.now if terms.restart else subscription["billing_cycle_anchor"]
    silent = terms.behavior == "none" or subscription["status"] == "trialing"
    move = _Move(anchor, terms.moment or unit.now, terms.restart, silent)
    by_id = {entry["id"]: entry for entry in wanted if "id" in entry}
    lines: list[Json] = []
    for item in items_of(unit, subscription):
        entry = by_id.pop(item["id"], {})
        if entry or terms.restart:
            lines += _change_item(unit, subscription, item, entry, move)
    if by_id:
        ident = next(iter(by_id))
        raise invalid(f"No such subscription item: '{ident}'", param="items[0][id]", code="resource_missing")
    for entry in wanted:
        if "id" not in entry:
            lines += _add(unit, subscription, entry, move)
    if not items_of(unit, subscription):
        raise invalid("A subscription must have at least one active plan.")
    subscription["billing_cycle_anchor"] = anchor
    note_period(unit, subscription)
    if terms.behavior != "always_invoice" and not terms.restart:
        return None
    lines = [*invoicing.sweep(unit, subscription["customer"], subscription["id"]), *lines]
    return bill(unit, subscription, lines, "subscription_update") if lines else None


def _begins_to_cost(unit: Unit, subscription: Json, wanted: list[Json]) -> bool:
    """Whether what cost nothing now costs something: its billing period begins with the change."""
    old = [unit.load("price", item["_price"]) for item in items_of(unit, subscription)]
    new = [recurring_price(unit, entry["price"], "items[0][price]") for entry in wanted if "price" in entry]
    free = all(price["unit_amount"] == 0 and price["billing_scheme"] == "per_unit" for price in old)
    return subscription["status"] == "active" and free and any(price["unit_amount"] for price in new)


def _change_item(unit: Unit, subscription: Json, item: Json, entry: Json, move: _Move) -> list[Json]:
    """Credit the rest of the old, take the new, charge the rest of it; the full lines when the cycle restarts."""
    old = unit.load("price", item["_price"])
    new = recurring_price(unit, entry["price"], "items[0][price]") if "price" in entry else old
    quantity = entry.get("quantity", item["quantity"])
    same = new["id"] == old["id"] and quantity == item["quantity"] and not entry.get("deleted")
    if "metadata" in entry:
        item["metadata"] = merge_metadata(item["metadata"], entry["metadata"])
        unit.save(item)
    if same and not move.restart:
        return []
    if not move.silent:
        prorate(unit, subscription, item, old, moment=move.moment, credit=True)
    if entry.get("deleted"):
        unit.store.remove(item["id"])
        return []
    item.update(_price=new["id"], quantity=quantity)
    if subscription["status"] != "trialing" or move.restart:
        begin, finish = item_period(new, move.anchor, unit.now)
        item.update(current_period_start=begin, current_period_end=finish)
    unit.save(item)
    if move.restart:
        period = (item["current_period_start"], item["current_period_end"])
        return [invoice_lines.of_subscription_item(unit, subscription, item, period)]
    if not move.silent:
        prorate(unit, subscription, item, new, moment=move.moment, credit=False)
    return []


def _add(unit: Unit, subscription: Json, entry: Json, move: _Move) -> list[Json]:
    """Take a new item up; its full line when the cycle restarts, else a charge for the rest of the period."""
    if "price" not in entry:
        raise invalid("Missing required param: items[0][price].", param="items[0][price]", code="parameter_missing")
    price = recurring_price(unit, entry["price"], "items[0][price]")
    if any(item["_price"] == price["id"] for item in items_of(unit, subscription)):
        raise invalid(
            f"Cannot add multiple subscription items with the same plan: {price['id']}", param="items[0][price]"
        )
    period = item_period(price, move.anchor, unit.now)
    if subscription["status"] == "trialing" and not move.restart:
        period = (unit.now, subscription["trial_end"])
    quantity = None if price["recurring"]["usage_type"] == "metered" else entry.get("quantity", 1)
    wanted = WantedItem(price=price, quantity=quantity, metadata=merge_metadata({}, entry.get("metadata")))
    item = add_item(unit, subscription["id"], wanted, period)
    if move.restart:
        return [invoice_lines.of_subscription_item(unit, subscription, item, period)]
    if not move.silent:
        prorate(unit, subscription, item, price, moment=move.moment, credit=False)
    return []


def prorate(unit: Unit, subscription: Json, item: Json, price: Json, *, moment: int, credit: bool) -> None:
    """Leave what the rest of the item's period is worth for the next invoice: a credit, or a charge."""
    start, finish = item["current_period_start"], item["current_period_end"]
    if price["recurring"]["usage_type"] == "metered" or finish <= moment:
        return
    full = cost(price, item["quantity"])
    worth = _paid_part(unit, subscription, item, full) if credit else _discounted(unit, subscription, price, full)
    if not credit:
        item["_charged"] = {"full": full, "worth": worth, "period": {"start": start, "end": finish}}
        unit.save(item)
    amount = share(worth, moment, start, finish)
    signed = -amount if credit else amount
    if credit and amount == 0:
        return
    invoice_lines.proration(unit, subscription, item, price, amount=signed, period=(moment, finish))


def _discounted(unit: Unit, subscription: Json, price: Json, full: int) -> int:
    """The full amount less the percentages in force; fixed amounts come off whole invoices, not off parts."""
    customer = unit.load("customer", subscription["customer"])
    held = subscription["discounts"] or ([customer["_discount"]] if customer.get("_discount") else [])
    line = {"amount": full, "discountable": True, "pricing": {"price_details": {"product": price["product"]}}}
    worth = full
    for discount in discounts.resolved(unit, held):
        if discount["percent_off"] is not None and covers({**discount}, line):
            worth -= percent(worth, discount["percent_off"])
    return worth


def _paid_part(unit: Unit, subscription: Json, item: Json, full: int) -> int:
    """What of the full amount was asked for, after discounts: by the last change within the running period, else when
    that was billed.
    """
    period = {"start": item["current_period_start"], "end": item["current_period_end"]}
    changed = item.get("_charged")
    if changed and changed["period"] == period and changed["full"]:
        return whole(Decimal(full) * changed["worth"] / changed["full"])
    of_it = equals("$.parent.subscription_details.subscription", subscription["id"])
    for invoice in unit.find("invoice", of_it, limit=12):
        for line in invoice["_lines"]:
            details = (line["parent"] or {}).get("subscription_item_details") or {}
            billed = details.get("subscription_item") == item["id"] and not details["proration"]
            if billed and line["period"] == period and line["amount"] > 0:
                return whole(Decimal(full) * net(line) / line["amount"])
    return full


def pay_now(unit: Unit, subscription: Json, invoice: Json, terms: Terms) -> None:
    """Finalize and, unless the buyer is to do it, try to be paid; error_if_incomplete undoes everything by raising."""
    invoicing.finalize(unit, invoice)
    invoice = unit.load("invoice", invoice["id"])
    automatic = subscription["collection_method"] == "charge_automatically" and terms.payment != "default_incomplete"
    if invoice["status"] == "open" and automatic:
        method = invoicing.method_for(unit, invoice)
        invoice = invoicing.collect(unit, invoice, method, off_session=terms.off_session)
    if terms.payment == "error_if_incomplete" and invoice["status"] != "paid":
        try:
            invoices.raise_refusal(unit, invoice)
        except StripeError as error:
            error.keep = False
            raise
