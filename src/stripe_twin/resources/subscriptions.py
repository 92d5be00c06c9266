"""Subscriptions as an API. Their life is in `subscribing`, changes in mid-period in `subscription_changes`."""

from stripe_twin.core.errors import invalid
from stripe_twin.core.json import Json
from stripe_twin.core.kinds import Kind, register
from stripe_twin.core.lists import listing
from stripe_twin.core.operations import operation, retrieval
from stripe_twin.core.params import (
    array,
    boolean,
    choice,
    first_of,
    integer,
    merge_metadata,
    metadata,
    obj,
    params,
    pick,
    required,
    text,
    unsettable,
)
from stripe_twin.core.unit import Unit
from stripe_twin.resources import (
    automatic_tax,
    customers,
    discounts,
    invoicing,
    payment_methods,
    prices,
    tax_rates,
)
from stripe_twin.resources.pending_updates import try_change
from stripe_twin.resources.subscribing import (
    ENDED,
    TRIAL_SETTINGS,
    WantedItem,
    bill,
    end,
    items_of,
    note_period,
    note_trial,
    recurring_price,
    schedule_end,
    start,
    unschedule_end,
)
from stripe_twin.resources.subscription_changes import Terms, change, pay_now, prorate
from stripe_twin.resources.subscription_time import due, may_bill, pause, usage_lines, when_due
from stripe_twin.rules.periods import DAY


def _compose(unit: Unit, subscription: Json) -> Json:
    items = [unit.render(item) for item in items_of(unit, subscription)]
    url = f"/v1/subscription_items?subscription={subscription['id']}"
    rates = tax_rates.shown(unit, subscription.get("_tax_rates", []))
    return {**subscription, "default_tax_rates": rates, "items": listing(url, items, total=len(items))}


register(Kind("subscription", "subscription", compose=_compose, due=due, on_due=when_due))

_ITEM = {
    "price": text(),
    "plan": text(),
    "quantity": integer(0),
    "metadata": metadata(),
    "tax_rates": tax_rates.RATES,
    "price_data": obj(
        currency=required(prices.currency()),
        product=required(text()),
        recurring=required(prices.RECURRING),
        unit_amount=integer(0),
        unit_amount_decimal=text(),
        tax_behavior=choice("exclusive", "inclusive", "unspecified"),
    ),
}
_ITEM_UNSUPPORTED = "billing_thresholds current_trial discounts clear_usage"
BEHAVIOR = choice("always_invoice", "create_prorations", "none")
PAYMENT = choice("allow_incomplete", "default_incomplete", "error_if_incomplete", "pending_if_incomplete")
_DETAILS = {
    "automatic_tax": automatic_tax.AUTOMATIC_TAX,
    "cancel_at": unsettable(integer(0)),
    "cancel_at_period_end": boolean(),
    "collection_method": choice("charge_automatically", "send_invoice"),
    "days_until_due": integer(0),
    "default_payment_method": unsettable(text()),
    "default_tax_rates": tax_rates.RATES,
    "discounts": discounts.DISCOUNTS,
    "description": unsettable(text(500)),
    "metadata": metadata(),
    "off_session": boolean(),
    "payment_behavior": PAYMENT,
    "payment_settings": obj(
        save_default_payment_method=choice("off", "on_subscription"),
        unsupported="payment_method_options payment_method_types",
    ),
    "proration_behavior": BEHAVIOR,
    "trial_end": first_of(choice("now"), integer(0)),
    "trial_settings": TRIAL_SETTINGS,
}
_UNSUPPORTED = (
    "add_invoice_items application_fee_percent billing_schedules billing_thresholds default_source "
    "invoice_settings on_behalf_of pending_invoice_item_interval transfer_data "
    "trial_from_plan"
)
_BILLING_MODE = obj(type=required(choice("flexible")), unsupported="flexible")


def _price(unit: Unit, entry: Json, where: str) -> Json:
    if "price_data" in entry:
        return prices.make(unit, entry["price_data"])
    ident = entry.get("price") or entry.get("plan")
    if ident is None:
        raise invalid(f"Missing required param: {where}[price].", param=f"{where}[price]", code="parameter_missing")
    return recurring_price(unit, ident, f"{where}[price]")


def _wanted(unit: Unit, entries: list[Json]) -> list[WantedItem]:
    wanted: list[WantedItem] = []
    for place, entry in enumerate(entries):
        price = _price(unit, entry, f"items[{place}]")
        if any(price["id"] == other["price"]["id"] for other in wanted):
            raise invalid(
                f"Cannot add multiple subscription items with the same plan: {price['id']}", param=f"items[{place}]"
            )
        if wanted and wanted[0]["price"]["currency"] != price["currency"]:
            raise invalid("All prices on a subscription must use the same currency.", param=f"items[{place}][price]")
        metered = price["recurring"]["usage_type"] == "metered"
        quantity = None if metered else entry.get("quantity", 1)
        wanted.append(WantedItem(price=price, quantity=quantity, metadata=merge_metadata({}, entry.get("metadata"))))
        wanted[-1]["tax_rates"] = tax_rates.checked(unit, entry.get("tax_rates"), f"items[{place}][tax_rates]")
    return wanted


@operation(
    "POST",
    "/v1/subscriptions",
    params(
        customer=required(text()),
        items=required(array(obj(unsupported=_ITEM_UNSUPPORTED, **_ITEM))),
        currency=prices.currency(),
        trial_period_days=integer(0, 730),
        billing_mode=_BILLING_MODE,
        unsupported=(
            f"{_UNSUPPORTED} backdate_start_date billing_cycle_anchor billing_cycle_anchor_config customer_account"
        ),
        **_DETAILS,
    ),
)
def create(unit: Unit, args: Json) -> Json:
    """Start a subscription and try to be paid for its first period."""
    customer = customers.live(unit, args["customer"])
    details = pick(args, "description", "cancel_at", "cancel_at_period_end")
    details["metadata"] = merge_metadata({}, args.get("metadata"))
    details.update(_collection(args, {}), **_taxing(unit, args, customer))
    if args.get("default_payment_method"):
        details["default_payment_method"] = _method(unit, args["default_payment_method"], customer["id"])
    if "payment_settings" in args:
        blank = {"payment_method_options": None, "payment_method_types": None, "save_default_payment_method": "off"}
        details["payment_settings"] = {**blank, **args["payment_settings"]}
    by_invoice = args.get("collection_method") == "send_invoice"
    subscription = start(
        unit,
        customer,
        _wanted(unit, args["items"]),
        trial_end=_trial_end(unit, args),
        first_status="active" if by_invoice else "incomplete",
        discounted=args.get("discounts") or [],
        details={**details, **({"trial_settings": args["trial_settings"]} if "trial_settings" in args else {})},
    )
    _pay_first(unit, subscription, args)
    return unit.render(unit.load("subscription", subscription["id"]))


def _pay_first(unit: Unit, subscription: Json, args: Json) -> None:
    invoice = unit.load("invoice", subscription["latest_invoice"])
    terms = Terms(payment=args.get("payment_behavior", "allow_incomplete"), off_session=args.get("off_session", False))
    needs_card = invoice["total"] > 0 and subscription["collection_method"] == "charge_automatically"
    if needs_card and terms.payment != "default_incomplete" and invoicing.method_for(unit, invoice) is None:
        raise invalid(
            "This customer has no attached payment source or default payment method. Please consider adding a "
            "default payment "
            "method. For more information, visit "
            "https://stripe.com/docs/billing/subscriptions/payment-methods-setting#payment-method-priority.",
            code="resource_missing",
        )
    pay_now(unit, subscription, invoice, terms)


def _trial_end(unit: Unit, args: Json) -> int | None:
    if args.get("trial_period_days"):
        return unit.now + int(args["trial_period_days"]) * DAY
    moment = args.get("trial_end")
    if moment in (None, "now"):
        return None
    if moment <= unit.now:
        raise invalid("`trial_end` must be in the future, or `now`.", param="trial_end")
    return int(moment)


def _collection(args: Json, current: Json) -> Json:
    taken = pick(args, "collection_method", "days_until_due")
    merged = {**current, **taken}
    if merged.get("collection_method") == "send_invoice" and merged.get("days_until_due") is None:
        raise invalid(
            "You must pass `days_until_due` when `collection_method` is `send_invoice`.", param="days_until_due"
        )
    return taken


def _taxing(unit: Unit, args: Json, customer: Json) -> Json:
    taken: Json = {}
    if "automatic_tax" in args:
        taken["automatic_tax"] = automatic_tax.of_subscription(customer, enabled=args["automatic_tax"]["enabled"])
    if "default_tax_rates" in args:
        taken["_tax_rates"] = tax_rates.checked(unit, args["default_tax_rates"], "default_tax_rates")
    return taken


def _set_discounts(unit: Unit, subscription: Json, entries: list[Json]) -> None:
    """Exactly these from now on; those it had and that are not named go."""
    before, owner = subscription["discounts"], subscription["id"]
    customer, currency = subscription["customer"], subscription["currency"]
    subscription["discounts"] = discounts.attach(unit, entries, customer, currency, subscription=owner)
    for ident in before:
        if ident not in subscription["discounts"]:
            discounts.drop(unit, ident)


def _method(unit: Unit, ident: str, customer: str) -> str:
    method = payment_methods.usable(unit, ident, customer, "default_payment_method")
    if method["customer"] is None:
        payment_methods.attach(unit, method, customer)
    return str(method["id"])


retrieval("subscription", "/v1/subscriptions/{ident}", params())


@operation(
    "POST",
    "/v1/subscriptions/{ident}",
    params(
        items=array(obj(id=text(), deleted=boolean(), unsupported=_ITEM_UNSUPPORTED, **_ITEM)),
        billing_cycle_anchor=obj(type=required(choice("now", "unchanged"))),
        proration_date=integer(0),
        cancellation_details=obj(
            comment=unsettable(text()), feedback=unsettable(text()), unsupported="feedback_option"
        ),
        pause_collection=unsettable(
            obj(behavior=required(choice("keep_as_draft", "mark_uncollectible", "void")), resumes_at=integer(0))
        ),
        unsupported=_UNSUPPORTED,
        **_DETAILS,
    ),
)
def update(unit: Unit, args: Json, ident: str) -> Json:
    """Change a subscription: items, end, card, details."""
    subscription = unit.load("subscription", ident)
    if subscription["status"] in ENDED and set(args) - {"metadata", "cancellation_details"}:
        raise invalid("A canceled subscription can only update its cancellation_details and metadata.")
    before = unit.render(subscription)
    terms = _terms(subscription, args)
    _set_details(unit, subscription, args)
    _set_end(unit, subscription, args)
    entries = [_entry(unit, entry) for entry in args.get("items", [])]
    if terms.payment == "pending_if_incomplete" and (entries or terms.restart):
        return unit.render(try_change(unit, subscription, entries, terms, before))
    ends_trial = subscription["status"] == "trialing" and args.get("trial_end") == "now"
    if ends_trial and not may_bill(unit, subscription):
        subscription["trial_end"] = unit.now
        pause(unit, subscription, before)
        return unit.render(subscription)
    if isinstance(args.get("trial_end"), int):
        _prolong(unit, subscription, args["trial_end"])
    draft = change(unit, subscription, entries, terms) if entries or terms.restart else None
    if ends_trial:
        subscription.update(status="active", trial_end=unit.now, _trial_notice_at=None)
    unit.updated("customer.subscription.updated", subscription, before)
    if draft:
        pay_now(unit, subscription, draft, terms)
    return unit.render(unit.load("subscription", ident))


def _prolong(unit: Unit, subscription: Json, moment: int) -> None:
    """A trial until then, after which periods are counted anew."""
    if moment <= unit.now:
        raise invalid("`trial_end` must be in the future, or `now`.", param="trial_end")
    subscription.update(status="trialing", trial_end=moment, billing_cycle_anchor=moment)
    subscription["trial_start"] = subscription["trial_start"] or unit.now
    for item in items_of(unit, subscription):
        unit.save({**item, "current_period_end": moment})
    note_period(unit, subscription)
    note_trial(unit, subscription)


def _terms(subscription: Json, args: Json) -> Terms:
    ends_trial = subscription["status"] == "trialing" and args.get("trial_end") == "now"
    return Terms(
        behavior=args.get("proration_behavior", "create_prorations"),
        payment=args.get("payment_behavior", "allow_incomplete"),
        moment=args.get("proration_date"),
        restart=ends_trial or args.get("billing_cycle_anchor", {}).get("type") == "now",
        off_session=args.get("off_session", False),
    )


def _entry(unit: Unit, entry: Json) -> Json:
    """A wanted item with its price resolved to an id."""
    taken = {name: value for name, value in entry.items() if name not in ("plan", "price_data")}
    if "price_data" in entry or "plan" in entry:
        taken["price"] = _price(unit, entry, "items[0]")["id"]
    return taken


def _set_details(unit: Unit, subscription: Json, args: Json) -> None:
    subscription.update(pick(args, "description", "trial_settings"))
    subscription.update(_collection(args, subscription))
    subscription.update(_taxing(unit, args, unit.load("customer", subscription["customer"])))
    if "pause_collection" in args:
        wanted = args["pause_collection"]
        subscription["pause_collection"] = {"resumes_at": None, **wanted} if wanted else None
    if "discounts" in args:
        _set_discounts(unit, subscription, args["discounts"] or [])
    if "metadata" in args:
        subscription["metadata"] = merge_metadata(subscription["metadata"], args["metadata"])
    if "default_payment_method" in args:
        chosen = args["default_payment_method"]
        subscription["default_payment_method"] = _method(unit, chosen, subscription["customer"]) if chosen else None
    if "payment_settings" in args:
        subscription["payment_settings"] = {**subscription["payment_settings"], **args["payment_settings"]}
    if "cancellation_details" in args:
        subscription["cancellation_details"] = {**subscription["cancellation_details"], **args["cancellation_details"]}


def _set_end(unit: Unit, subscription: Json, args: Json) -> None:
    if args.get("cancel_at_period_end") and not subscription["cancel_at_period_end"]:
        schedule_end(unit, subscription)
    elif args.get("cancel_at_period_end") is False and subscription["cancel_at_period_end"]:
        unschedule_end(subscription)
    if "cancel_at" in args:
        moment = args["cancel_at"]
        if moment is not None and moment <= unit.now:
            raise invalid("`cancel_at` must be in the future.", param="cancel_at")
        unschedule_end(subscription)
        subscription.update(cancel_at=moment, canceled_at=unit.now if moment else None)


@operation(
    "DELETE",
    "/v1/subscriptions/{ident}",
    params(
        invoice_now=boolean(),
        prorate=boolean(),
        cancellation_details=obj(
            comment=unsettable(text()), feedback=unsettable(text()), unsupported="feedback_option"
        ),
    ),
)
def cancel(unit: Unit, args: Json, ident: str) -> Json:
    """End a subscription now."""
    subscription = unit.load("subscription", ident)
    if subscription["status"] in ENDED:
        raise invalid(f"No such subscription: '{ident}'", param="id", code="resource_missing", status=404)
    return unit.render(cancel_now(unit, subscription, args))


def cancel_now(unit: Unit, subscription: Json, args: Json) -> Json:
    """The subscription after its end; `prorate` credits what is left, `invoice_now` bills what waits."""
    ident = subscription["id"]
    subscription["cancellation_details"] = {
        **subscription["cancellation_details"],
        **args.get("cancellation_details", {}),
    }
    if args.get("prorate"):
        _credit_rest(unit, subscription)
    if args.get("invoice_now"):
        _bill_rest(unit, subscription)
    subscription = unit.load("subscription", ident) | {"cancellation_details": subscription["cancellation_details"]}
    end(unit, subscription, "cancellation_requested")
    return subscription


def _credit_rest(unit: Unit, subscription: Json) -> None:
    for item in items_of(unit, subscription):
        prorate(unit, subscription, item, unit.load("price", item["_price"]), moment=unit.now, credit=True)


def _bill_rest(unit: Unit, subscription: Json) -> None:
    lines = [*usage_lines(unit, subscription), *invoicing.sweep(unit, subscription["customer"], subscription["id"])]
    if lines:
        draft = bill(unit, subscription, lines, "manual")
        pay_now(unit, subscription, draft, Terms(off_session=True))
