"""Subscription schedules as an API. What a phase makes of its subscription is in `schedule_phases`."""

from stripe_twin.core import ids
from stripe_twin.core.errors import invalid
from stripe_twin.core.json import Json
from stripe_twin.core.kinds import Kind, register
from stripe_twin.core.lists import page
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
    page_params,
    params,
    required,
    text,
    time_range,
    unsettable,
)
from stripe_twin.core.store import equals
from stripe_twin.core.unit import Unit
from stripe_twin.resources import customers, discounts, schedule_phases, tax_rates
from stripe_twin.resources.automatic_tax import AUTOMATIC_TAX
from stripe_twin.resources.prices import INTERVALS, currency
from stripe_twin.resources.schedule_phases import OVER
from stripe_twin.resources.subscribing import ENDED, items_of
from stripe_twin.resources.subscriptions import BEHAVIOR, cancel_now

register(
    Kind(
        "subscription_schedule",
        "subscription schedule",
        compose=schedule_phases.compose,
        due=schedule_phases.due,
        on_due=schedule_phases.when_due,
    )
)

_COLLECTION = choice("charge_automatically", "send_invoice")
_PHASE = obj(
    items=required(
        array(
            obj(
                price=text(),
                plan=text(),
                quantity=integer(0),
                metadata=metadata(),
                tax_rates=tax_rates.RATES,
                unsupported="billing_thresholds discounts price_data",
            )
        )
    ),
    billing_cycle_anchor=choice("automatic", "phase_start"),
    collection_method=_COLLECTION,
    currency=currency(),
    default_payment_method=text(),
    description=unsettable(text()),
    discounts=discounts.DISCOUNTS,
    duration=obj(interval=required(choice(*INTERVALS)), interval_count=integer(1)),
    end_date=first_of(choice("now"), integer(0)),
    iterations=integer(1),
    metadata=metadata(),
    proration_behavior=BEHAVIOR,
    start_date=first_of(choice("now"), integer(0)),
    trial=boolean(),
    trial_end=first_of(choice("now"), integer(0)),
    automatic_tax=AUTOMATIC_TAX,
    default_tax_rates=tax_rates.RATES,
    unsupported=(
        "add_invoice_items application_fee_percent billing_thresholds invoice_settings on_behalf_of transfer_data"
    ),
)
_SHARED = {
    "default_settings": obj(
        collection_method=_COLLECTION,
        billing_cycle_anchor=choice("automatic", "phase_start"),
        default_payment_method=text(),
        description=unsettable(text()),
        unsupported=(
            "application_fee_percent automatic_tax billing_thresholds invoice_settings on_behalf_of transfer_data"
        ),
    ),
    "end_behavior": choice("cancel", "release"),
    "metadata": metadata(),
    "phases": array(_PHASE),
}
_UNSUPPORTED = "pause_schedules"


@operation(
    "POST",
    "/v1/subscription_schedules",
    params(
        customer=text(),
        from_subscription=text(),
        start_date=first_of(choice("now"), integer(0)),
        billing_mode=obj(type=required(choice("flexible")), unsupported="flexible"),
        unsupported=f"{_UNSUPPORTED} customer_account",
        **_SHARED,
    ),
)
def create(unit: Unit, args: Json) -> Json:
    """Make a schedule, for a subscription that exists or for one that it will start."""
    if "from_subscription" in args:
        return _adopt(unit, args)
    if "customer" not in args or not args.get("phases"):
        raise invalid("You must pass `from_subscription`, or `customer` with `phases`.", param="customer")
    customer = customers.live(unit, args["customer"])
    start = args.get("start_date", unit.now)
    start = unit.now if start == "now" else start
    schedule = _blank(unit, customer, args)
    schedule["_phases"] = schedule_phases.resolve(unit, args["phases"], start)
    unit.save(schedule)
    unit.emit("subscription_schedule.created", schedule)
    if start <= unit.now:
        schedule_phases.begin(unit, schedule)
    return unit.render(unit.load("subscription_schedule", schedule["id"]))


def _adopt(unit: Unit, args: Json) -> Json:
    """One phase: the subscription as it is, until the end of its period."""
    if "phases" in args:
        raise invalid("`phases` cannot be set when `from_subscription` is.", param="phases")
    subscription = unit.load("subscription", args["from_subscription"], "from_subscription")
    if subscription["status"] in ENDED:
        raise invalid("A schedule cannot be made from a subscription that has ended.", param="from_subscription")
    if subscription["schedule"]:
        raise invalid(
            f"You cannot migrate a subscription that is already attached to a schedule: {subscription['schedule']}.",
            param="from_subscription",
        )
    schedule = _blank(unit, unit.load("customer", subscription["customer"]), args)
    items = items_of(unit, subscription)
    wanted = [
        {
            "price": item["_price"],
            "quantity": item["quantity"],
            "metadata": item["metadata"],
            "tax_rates": item["_tax_rates"],
        }
        for item in items
    ]
    start = min(item["current_period_start"] for item in items)
    phase = {"items": wanted, "end_date": subscription["_period_end"], "metadata": subscription["metadata"]}
    phase["default_tax_rates"] = subscription.get("_tax_rates", [])
    phase["automatic_tax"] = {"enabled": subscription["automatic_tax"]["enabled"]}
    schedule["_phases"] = schedule_phases.resolve(unit, [phase], start, on_sale=False)
    schedule["_phases"][0]["trial_end"] = subscription["trial_end"] if subscription["status"] == "trialing" else None
    schedule.update(status="active", subscription=subscription["id"], _current=0)
    unit.save(schedule)
    before = unit.render(subscription)
    subscription["schedule"] = schedule["id"]
    unit.emit("subscription_schedule.created", schedule)
    unit.updated("customer.subscription.updated", subscription, before)
    return unit.render(schedule)


def _blank(unit: Unit, customer: Json, args: Json) -> Json:
    settings = {
        "application_fee_percent": None,
        "automatic_tax": {"disabled_reason": None, "enabled": False, "liability": None},
        "billing_cycle_anchor": "automatic",
        "billing_thresholds": None,
        "collection_method": "charge_automatically",
        "default_payment_method": None,
        "description": None,
        "invoice_settings": {"account_tax_ids": None, "days_until_due": None, "issuer": {"type": "self"}},
        "on_behalf_of": None,
        "transfer_data": None,
    }
    return {
        "id": ids.long("sub_sched"),
        "object": "subscription_schedule",
        "application": None,
        "billing_mode": {"flexible": {"proration_discounts": "included"}, "type": "flexible", "updated_at": unit.now},
        "canceled_at": None,
        "completed_at": None,
        "created": unit.now,
        "customer": customer["id"],
        "customer_account": None,
        "default_settings": {**settings, **args.get("default_settings", {})},
        "end_behavior": args.get("end_behavior", "release"),
        "livemode": False,
        "metadata": merge_metadata({}, args.get("metadata")),
        "pause_schedules": [],
        "released_at": None,
        "released_subscription": None,
        "status": "not_started",
        "subscription": None,
        "test_clock": customer["test_clock"],
        "_phases": [],
        "_current": None,
        "_told": None,
    }


retrieval("subscription_schedule", "/v1/subscription_schedules/{ident}", params())


def _open(unit: Unit, ident: str) -> Json:
    schedule = unit.load("subscription_schedule", ident)
    if schedule["status"] in OVER:
        raise invalid(
            f"You cannot change a subscription schedule that is currently in the `{schedule['status']}` status."
        )
    return schedule


@operation(
    "POST",
    "/v1/subscription_schedules/{ident}",
    params(proration_behavior=BEHAVIOR, unsupported=_UNSUPPORTED, **_SHARED),
)
def update(unit: Unit, args: Json, ident: str) -> Json:
    """Change what comes; the phase that runs keeps its start, and phases that are over cannot change."""
    schedule = _open(unit, ident)
    before = unit.render(schedule)
    if "metadata" in args:
        schedule["metadata"] = merge_metadata(schedule["metadata"], args["metadata"])
    schedule["end_behavior"] = args.get("end_behavior", schedule["end_behavior"])
    schedule["default_settings"] = {**schedule["default_settings"], **args.get("default_settings", {})}
    if "phases" in args:
        schedule_phases.replace_phases(unit, schedule, args["phases"], args.get("proration_behavior"))
    if schedule["subscription"]:
        subscription = unit.load("subscription", schedule["subscription"])
        held = unit.render(subscription)
        schedule_phases.mark_end(schedule, subscription)
        unit.updated("customer.subscription.updated", subscription, held)
    unit.updated("subscription_schedule.updated", schedule, before)
    return unit.render(schedule)


@operation("POST", "/v1/subscription_schedules/{ident}/release", params(preserve_cancel_date=boolean()))
def release(unit: Unit, _: Json, ident: str) -> Json:
    """Leave the subscription as it is, on its own."""
    schedule = _open(unit, ident)
    schedule_phases.release(unit, schedule)
    return unit.render(schedule)


@operation("POST", "/v1/subscription_schedules/{ident}/cancel", params(invoice_now=boolean(), prorate=boolean()))
def cancel(unit: Unit, args: Json, ident: str) -> Json:
    """End the schedule and its subscription now; one that has not begun is aborted."""
    schedule = _open(unit, ident)
    begun, subscription = schedule["status"] != "not_started", schedule["subscription"]
    schedule.update(status="canceled", canceled_at=unit.now)
    unit.save(schedule)
    unit.emit("subscription_schedule.canceled" if begun else "subscription_schedule.aborted", schedule)
    if subscription:
        ending = {"invoice_now": args.get("invoice_now", True), "prorate": args.get("prorate", True)}
        cancel_now(unit, unit.load("subscription", subscription), ending)
    return unit.render(schedule)


@operation(
    "GET",
    "/v1/subscription_schedules",
    page_params(
        customer=text(),
        scheduled=boolean(),
        created=time_range(),
        unsupported="canceled_at completed_at customer_account released_at",
    ),
)
def index(unit: Unit, args: Json) -> Json:
    """List schedules."""
    filters = [equals("$.customer", args["customer"])] if "customer" in args else []
    if args.get("scheduled"):
        filters.append(equals("$.status", "not_started"))
    return page(unit, "subscription_schedule", "/v1/subscription_schedules", args, *filters)
