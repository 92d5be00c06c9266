"""Invoice previews: the change or the renewal is really done, looked at, and undone."""

from stripe_twin.core.errors import invalid
from stripe_twin.core.json import Json
from stripe_twin.core.operations import operation
from stripe_twin.core.params import array, boolean, choice, first_of, integer, metadata, obj, params, required, text
from stripe_twin.core.unit import Unit
from stripe_twin.resources import customers, discounts, invoicing, tax_rates
from stripe_twin.resources.automatic_tax import AUTOMATIC_TAX, of_subscription
from stripe_twin.resources.prices import currency
from stripe_twin.resources.subscribing import ENDED, WantedItem, recurring_price, schedule_end, start
from stripe_twin.resources.subscription_changes import Terms, change
from stripe_twin.resources.subscription_time import renew
from stripe_twin.resources.subscriptions import BEHAVIOR

_ITEM = obj(
    id=text(),
    price=text(),
    plan=text(),
    quantity=integer(0),
    deleted=boolean(),
    metadata=metadata(),
    unsupported="billing_thresholds clear_usage current_trial discounts price_data tax_rates",
)
_DETAILS = obj(
    items=array(_ITEM),
    billing_cycle_anchor=obj(type=required(choice("now", "unchanged"))),
    cancel_at_period_end=boolean(),
    default_tax_rates=tax_rates.RATES,
    proration_behavior=BEHAVIOR,
    proration_date=integer(0),
    trial_end=first_of(choice("now"), integer(0)),
    unsupported=("billing_mode billing_schedules cancel_at cancel_now metadata pause resume_at start_date"),
)


@operation(
    "POST",
    "/v1/invoices/create_preview",
    params(
        customer=text(),
        subscription=text(),
        subscription_details=_DETAILS,
        currency=currency(),
        automatic_tax=AUTOMATIC_TAX,
        discounts=discounts.DISCOUNTS,
        preview_mode=choice("next", "recurring"),
        unsupported=("customer_account customer_details invoice_items issuer on_behalf_of schedule schedule_details"),
    ),
)
def create_preview(unit: Unit, args: Json) -> Json:
    """What the next invoice would be, with the given changes; nothing is kept."""
    before, now = list(unit.happenings), (unit.now, unit.pinned)
    with unit.store.trial():
        try:
            return _preview(unit, args)
        finally:
            unit.happenings, (unit.now, unit.pinned) = before, now


def _preview(unit: Unit, args: Json) -> Json:
    details = args.get("subscription_details", {})
    if "subscription" in args:
        subscription = unit.load("subscription", args["subscription"], "subscription")
        if "discounts" in args:
            subscription["discounts"] = _discounts(unit, args, subscription)
            unit.save(subscription)
        subscription.update(_taxed(unit, args, unit.load("customer", subscription["customer"])))
        unit.save(subscription)
        invoice = _of_subscription(unit, subscription, details)
    elif "customer" in args and details.get("items"):
        invoice = _of_new(unit, args, details)
    else:
        raise invalid(
            "You must pass `subscription`, or `customer` with `subscription_details[items]`.", param="subscription"
        )
    customer = unit.load("customer", invoice["customer"])
    invoice["starting_balance"] = customer["balance"]
    invoicing.total(invoice)
    shown = unit.render(invoice)
    ident = f"upcoming_{shown['id']}"
    lines = [{**line, "invoice": ident} for line in shown["lines"]["data"]]
    return {**shown, "id": ident, "lines": {**shown["lines"], "data": lines}}


def _discounts(unit: Unit, args: Json, subscription: Json) -> list[str]:
    wanted, owner = args["discounts"] or [], subscription["id"]
    return discounts.attach(unit, wanted, subscription["customer"], subscription["currency"], subscription=owner)


def _of_subscription(unit: Unit, subscription: Json, details: Json) -> Json:
    entries = [_entry(entry) for entry in details.get("items", [])]
    terms = Terms(
        behavior=details.get("proration_behavior", "create_prorations"),
        moment=details.get("proration_date"),
        restart=details.get("billing_cycle_anchor", {}).get("type") == "now" or details.get("trial_end") == "now",
    )
    if subscription["status"] in ENDED:
        raise _none(subscription)
    draft = change(unit, subscription, entries, terms) if entries or terms.restart else None
    if draft:
        return draft
    if details.get("cancel_at_period_end"):
        schedule_end(unit, subscription)
    if subscription["cancel_at"] and subscription["cancel_at"] <= subscription["_period_end"]:
        raise _none(subscription)
    unit.stand_at(subscription["_period_end"])
    return renew(unit, subscription)


def _entry(entry: Json) -> Json:
    taken = {name: value for name, value in entry.items() if name != "plan"}
    return {**taken, "price": entry["plan"]} if "plan" in entry else taken


def _none(subscription: Json) -> Exception:
    return invalid(
        f"No upcoming invoices for customer: {subscription['customer']}", code="invoice_upcoming_none", status=404
    )


def _taxed(unit: Unit, args: Json, customer: Json) -> Json:
    """How tax comes onto the subscription that is looked at, where it is said."""
    taken: Json = {}
    rates = args.get("subscription_details", {}).get("default_tax_rates")
    if rates is not None:
        taken["_tax_rates"] = tax_rates.checked(unit, rates, "subscription_details[default_tax_rates]")
    if "automatic_tax" in args:
        taken["automatic_tax"] = of_subscription(customer, enabled=args["automatic_tax"]["enabled"])
    return taken


def _of_new(unit: Unit, args: Json, details: Json) -> Json:
    customer = customers.live(unit, args["customer"])
    wanted = []
    for place, entry in enumerate(details["items"]):
        ident = entry.get("price") or entry.get("plan") or ""
        price = recurring_price(unit, ident, f"subscription_details[items][{place}][price]")
        metered = price["recurring"]["usage_type"] == "metered"
        wanted.append(WantedItem(price=price, quantity=None if metered else entry.get("quantity", 1), metadata={}))
    trial = details.get("trial_end")
    subscription = start(
        unit,
        customer,
        wanted,
        trial_end=trial if isinstance(trial, int) else None,
        discounted=args.get("discounts") or [],
        details=_taxed(unit, args, customer),
    )
    return unit.load("invoice", subscription["latest_invoice"])
