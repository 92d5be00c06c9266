"""The phases of a schedule: when they begin, what they make of the subscription, what comes after the last.

A phase that begins when a period ends is put in before the renewal, so that the renewal already bills it.
"""

from collections.abc import Sequence

from stripe_twin.core.errors import invalid
from stripe_twin.core.json import Json
from stripe_twin.core.params import merge_metadata
from stripe_twin.core.unit import Unit
from stripe_twin.resources import automatic_tax, discounts, tax_rates
from stripe_twin.resources.subscribing import (
    ENDED,
    ON_END,
    WantedItem,
    add_item,
    end,
    items_of,
    note_period,
    recurring_price,
    start,
)
from stripe_twin.resources.subscription_changes import Terms, change, pay_now
from stripe_twin.resources.subscription_time import BEFORE_RENEWAL
from stripe_twin.rules.periods import DAY, boundary

OVER = ("canceled", "completed", "released")
_NOTICE_SECONDS = 7 * DAY


def resolve(unit: Unit, wanted: Sequence[Json], begin: int, *, on_sale: bool = True) -> list[Json]:
    """The phases with their prices loaded and their dates worked out, each beginning where the one before ended.

    Prices that a call names must be on sale, also where they are those of the running phase: nothing published says
    otherwise, so this is the stricter way. A schedule made from a subscription names none.
    """
    phases: list[Json] = []
    for place, given in enumerate(wanted):
        asked = given.get("start_date")
        first = phases[-1]["end_date"] if phases else (asked if isinstance(asked, int) else begin)
        phase = _phase(unit, given, place, first, on_sale=on_sale)
        if phase["end_date"] <= first:
            raise invalid("A phase must end after it begins.", param=f"phases[{place}][end_date]")
        phases.append(phase)
    return phases


def _phase(unit: Unit, given: Json, place: int, first: int, *, on_sale: bool) -> Json:
    items = []
    for number, entry in enumerate(given["items"]):
        where = f"phases[{place}][items][{number}]"
        price = recurring_price(unit, entry.get("price") or entry.get("plan") or "", f"{where}[price]", on_sale=on_sale)
        metered = price["recurring"]["usage_type"] == "metered"
        items.append(
            {
                "metadata": merge_metadata({}, entry.get("metadata")),
                "price": price["id"],
                "quantity": None if metered else entry.get("quantity", 1),
                "tax_rates": tax_rates.checked(unit, entry.get("tax_rates"), f"{where}[tax_rates]"),
            }
        )
    if not items:
        raise invalid("A phase needs at least one item.", param=f"phases[{place}][items]")
    trial_end = given.get("trial_end")
    last = _end_of(unit, given, items, first)
    return {
        "automatic_tax": given.get("automatic_tax", {}).get("enabled", False),
        "billing_cycle_anchor": given.get("billing_cycle_anchor"),
        "collection_method": given.get("collection_method"),
        "currency": unit.load("price", items[0]["price"])["currency"],
        "default_payment_method": given.get("default_payment_method"),
        "default_tax_rates": tax_rates.checked(
            unit, given.get("default_tax_rates"), f"phases[{place}][default_tax_rates]"
        ),
        "description": given.get("description"),
        "discounts": given.get("discounts") or [],
        "end_date": last,
        "items": items,
        "metadata": merge_metadata({}, given.get("metadata")),
        "proration_behavior": given.get("proration_behavior", "create_prorations"),
        "start_date": first,
        "trial_end": last if given.get("trial") else trial_end if isinstance(trial_end, int) else None,
    }


def _end_of(unit: Unit, given: Json, items: list[Json], first: int) -> int:
    """Where the phase ends: the date given, so long after its start, or after so many periods of its first price."""
    if "end_date" in given:
        return unit.now if given["end_date"] == "now" else int(given["end_date"])
    if "duration" in given:
        return boundary(first, given["duration"]["interval"], given["duration"].get("interval_count", 1), 1)
    recurring = unit.load("price", items[0]["price"])["recurring"]
    return boundary(first, recurring["interval"], recurring["interval_count"], given.get("iterations", 1))


def compose(unit: Unit, schedule: Json) -> Json:
    """The schedule with its phases as Stripe shows them."""
    place = schedule["_current"]
    phase = schedule["_phases"][place] if place is not None and schedule["status"] == "active" else None
    current = {"end_date": phase["end_date"], "start_date": phase["start_date"]} if phase else None
    return {**schedule, "current_phase": current, "phases": [_shown(unit, phase) for phase in schedule["_phases"]]}


def _shown(unit: Unit, phase: Json) -> Json:
    named = ("coupon", "discount", "promotion_code")
    on = phase.get("automatic_tax", False)
    items = []
    for item in phase["items"]:
        rates = tax_rates.shown(unit, item["tax_rates"])
        shown = {**item, "billing_thresholds": None, "discounts": [], "plan": item["price"], "tax_rates": rates}
        items.append({name: value for name, value in shown.items() if name != "quantity" or value is not None})
    return {
        **phase,
        "add_invoice_items": [],
        "application_fee_percent": None,
        "automatic_tax": {"disabled_reason": None, "enabled": on, "liability": {"type": "self"} if on else None},
        "billing_thresholds": None,
        "default_tax_rates": tax_rates.shown(unit, phase.get("default_tax_rates", [])),
        "discounts": [{name: entry.get(name) for name in named} for entry in phase["discounts"]],
        "invoice_settings": None,
        "items": items,
        "on_behalf_of": None,
        "transfer_data": None,
    }


# time


def due(schedule: Json) -> int | None:
    """When it wants attention: its start, the notice before its last end, the end of the phase that runs."""
    if schedule["status"] in OVER:
        return None
    if schedule["status"] == "not_started":
        return int(schedule["_phases"][0]["start_date"])
    moments = [int(schedule["_phases"][schedule["_current"]]["end_date"])]
    notice = _notice(schedule)
    return min([*moments, *([notice] if notice is not None else [])])


def _notice(schedule: Json) -> int | None:
    """When it is told that the schedule will be over: a week before; not for one that is shorter."""
    last = schedule["_phases"][-1]
    moment = int(last["end_date"]) - _NOTICE_SECONDS
    running = schedule["_current"] == len(schedule["_phases"]) - 1
    told = schedule["_told"] == last["end_date"] or moment < last["start_date"]
    return moment if running and not told else None


def when_due(unit: Unit, schedule: Json) -> None:
    """Begin, give notice, or go on to the next phase."""
    notice = _notice(schedule) if schedule["status"] == "active" else None
    if schedule["status"] == "not_started":
        begin(unit, schedule)
    elif notice is not None and notice <= unit.now < schedule["_phases"][-1]["end_date"]:
        schedule["_told"] = schedule["_phases"][-1]["end_date"]
        unit.save(schedule)
        unit.emit("subscription_schedule.expiring", schedule)
    else:
        subscription = unit.load("subscription", schedule["subscription"])
        go_on(unit, schedule, subscription, renewing=False)


def begin(unit: Unit, schedule: Json) -> None:
    """Start the subscription with the first phase."""
    phase = schedule["_phases"][0]
    wanted = [
        WantedItem(
            price=unit.load("price", item["price"]),
            quantity=item["quantity"],
            metadata=item["metadata"],
            tax_rates=item["tax_rates"],
        )
        for item in phase["items"]
    ]
    settings = schedule["default_settings"]
    subscription = start(
        unit,
        unit.load("customer", schedule["customer"]),
        wanted,
        trial_end=phase["trial_end"],
        first_status="active",
        discounted=phase["discounts"],
        details={
            "collection_method": phase["collection_method"] or settings["collection_method"],
            "days_until_due": 30 if phase["collection_method"] == "send_invoice" else None,
            "default_payment_method": phase["default_payment_method"] or settings["default_payment_method"],
            "description": phase["description"] or settings["description"],
            "metadata": phase["metadata"],
            "schedule": schedule["id"],
            **_taxed(phase, unit.load("customer", schedule["customer"])),
            "cancel_at": phase["end_date"] if _ends_with(schedule, 0) else None,
        },
    )
    before = unit.render(schedule)
    schedule.update(status="active", subscription=subscription["id"], _current=0)
    unit.updated("subscription_schedule.updated", schedule, before)
    pay_now(unit, subscription, unit.load("invoice", subscription["latest_invoice"]), Terms(off_session=True))


def _ends_with(schedule: Json, place: int) -> bool:
    return bool(schedule["end_behavior"] == "cancel" and place == len(schedule["_phases"]) - 1)


def mark_end(schedule: Json, subscription: Json) -> None:
    """A subscription in the last phase of a schedule that cancels shows when; the caller saves."""
    place = schedule["_current"]
    if _ends_with(schedule, place):
        subscription["cancel_at"] = schedule["_phases"][place]["end_date"]
    elif not subscription["cancel_at_period_end"]:
        subscription["cancel_at"] = None


def go_on(unit: Unit, schedule: Json, subscription: Json, *, renewing: bool) -> None:
    """The running phase is over: the next one, or the end of the schedule."""
    place = schedule["_current"] + 1
    if place < len(schedule["_phases"]):
        before = unit.render(schedule)
        schedule["_current"] = place
        unit.updated("subscription_schedule.updated", schedule, before)
        mark_end(schedule, subscription)
        _put_in(unit, subscription, schedule["_phases"][place], renewing=renewing)
        return
    before_subscription = unit.render(subscription)
    schedule.update(status="completed" if schedule["end_behavior"] == "cancel" else "released")
    schedule["completed_at" if schedule["end_behavior"] == "cancel" else "released_at"] = unit.now
    if schedule["end_behavior"] == "release":
        schedule.update(released_subscription=subscription["id"], subscription=None)
        subscription["schedule"] = None
        if not renewing:
            unit.updated("customer.subscription.updated", subscription, before_subscription)
    unit.save(schedule)
    unit.emit("subscription_schedule.completed", schedule)
    if schedule["end_behavior"] == "release":
        unit.emit("subscription_schedule.released", schedule)
    elif subscription["status"] not in ENDED:
        end(unit, subscription, None)


def _put_in(unit: Unit, subscription: Json, phase: Json, *, renewing: bool) -> None:
    """Make the subscription what the phase says; with prorations when it begins in mid-period."""
    before = unit.render(subscription)
    if phase["metadata"]:
        subscription["metadata"] = {**subscription["metadata"], **phase["metadata"]}
    # A phase says the whole of the tax: one that says nothing ends it.
    customer = unit.load("customer", subscription["customer"])
    subscription.update(_taxed(phase, customer))
    if phase["default_payment_method"]:
        subscription["default_payment_method"] = phase["default_payment_method"]
    if phase["discounts"]:
        owner, currency = subscription["id"], subscription["currency"]
        subscription["discounts"] = discounts.attach(
            unit, phase["discounts"], customer["id"], currency, subscription=owner
        )
    if renewing:
        _exchange(unit, subscription, phase)
        return
    terms = Terms(behavior=phase["proration_behavior"], restart=phase["billing_cycle_anchor"] == "phase_start")
    draft = change(unit, subscription, _entries(unit, subscription, phase), terms)
    unit.updated("customer.subscription.updated", subscription, before)
    if draft:
        pay_now(unit, subscription, draft, Terms(off_session=True))


def _taxed(phase: Json, customer: Json) -> Json:
    """How tax comes onto a subscription in this phase."""
    switch = automatic_tax.of_subscription(customer, enabled=phase.get("automatic_tax", False))
    return {"_tax_rates": phase.get("default_tax_rates", []), "automatic_tax": switch}


def _entries(unit: Unit, subscription: Json, phase: Json) -> list[Json]:
    """The change that leads from the items there are to those of the phase."""
    items, wanted = items_of(unit, subscription), phase["items"]
    entries: list[Json] = [
        {"id": old["id"], "quantity": new["quantity"]}
        | ({"price": new["price"]} if new["price"] != old["_price"] else {})
        for old, new in zip(items, wanted, strict=False)
    ]
    entries += [{"id": old["id"], "deleted": True} for old in items[len(wanted) :]]
    return entries + [{"price": new["price"], "quantity": new["quantity"]} for new in wanted[len(items) :]]


def _exchange(unit: Unit, subscription: Json, phase: Json) -> None:
    """Swap the items while the period turns: nothing is left of the old one, the renewal bills the new."""
    items, wanted = items_of(unit, subscription), phase["items"]
    rhythm = {_rhythm(unit.load("price", item["_price"])) for item in items}
    if {_rhythm(unit.load("price", item["price"])) for item in wanted} != rhythm or (
        phase["billing_cycle_anchor"] == "phase_start"
    ):
        subscription["billing_cycle_anchor"] = unit.now
    for old, new in zip(items, wanted, strict=False):
        unit.save({**old, "_price": new["price"], "quantity": new["quantity"], "_tax_rates": new["tax_rates"]})
    for old in items[len(wanted) :]:
        unit.store.remove(old["id"])
    for new in wanted[len(items) :]:
        one = WantedItem(
            price=unit.load("price", new["price"]),
            quantity=new["quantity"],
            metadata=new["metadata"],
            tax_rates=new["tax_rates"],
        )
        add_item(unit, subscription["id"], one, (unit.now, unit.now))
    note_period(unit, subscription)


def _rhythm(price: Json) -> tuple[str, int]:
    return price["recurring"]["interval"], price["recurring"]["interval_count"]


def _before_renewal(unit: Unit, subscription: Json) -> None:
    schedule = unit.store.get(subscription["schedule"] or "", "subscription_schedule")
    if schedule is None or schedule["status"] != "active":
        return
    if schedule["_phases"][schedule["_current"]]["end_date"] <= unit.now and (
        schedule["end_behavior"] == "release" or schedule["_current"] + 1 < len(schedule["_phases"])
    ):
        go_on(unit, schedule, subscription, renewing=True)


BEFORE_RENEWAL.append(_before_renewal)


def release(unit: Unit, schedule: Json) -> None:
    """The subscription goes on by itself."""
    subscription = schedule["subscription"]
    schedule.update(status="released", released_at=unit.now, released_subscription=subscription, subscription=None)
    unit.save(schedule)
    unit.emit("subscription_schedule.released", schedule)
    if subscription:
        held = unit.load("subscription", subscription)
        before = unit.render(held)
        held["schedule"] = None
        unit.updated("customer.subscription.updated", held, before)


def replace_phases(unit: Unit, schedule: Json, wanted: list[Json], behavior: str | None) -> None:
    """Put these phases in place of those from the running one on; a changed running phase takes effect now."""
    place = schedule["_current"] or 0
    running = schedule["_phases"][place]
    phases = resolve(unit, wanted, running["start_date"])
    if schedule["status"] == "not_started":
        schedule["_phases"] = phases
        return
    number = next((n for n, phase in enumerate(phases) if phase["end_date"] > unit.now), None)
    if number is None:
        raise invalid("The phase that runs now must be among the phases.", param="phases")
    schedule.update(_phases=phases, _current=number)
    same = [(item["price"], item["quantity"]) for item in running["items"]]
    if [(item["price"], item["quantity"]) for item in phases[number]["items"]] != same:
        subscription = unit.load("subscription", schedule["subscription"])
        proration = behavior or phases[number]["proration_behavior"]
        _put_in(unit, subscription, {**phases[number], "proration_behavior": proration}, renewing=False)


def _ended(unit: Unit, subscription: Json) -> None:
    """A subscription that ended by itself takes its schedule along."""
    schedule = unit.store.get(subscription["schedule"] or "", "subscription_schedule")
    if schedule and schedule["status"] not in OVER:
        failed = subscription["cancellation_details"]["reason"] == "payment_failed"
        if schedule["end_behavior"] == "cancel" and schedule["_phases"][-1]["end_date"] <= unit.now:
            schedule.update(status="completed", completed_at=unit.now)
            unit.save(schedule)
            unit.emit("subscription_schedule.completed", schedule)
            return
        schedule.update(status="canceled", canceled_at=unit.now)
        unit.save(schedule)
        unit.emit("subscription_schedule.aborted" if failed else "subscription_schedule.canceled", schedule)


ON_END.append(_ended)
