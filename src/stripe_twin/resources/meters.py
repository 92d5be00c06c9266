"""Meters and their events: what customers used, added up for metered prices. An identifier counts once."""

from decimal import Decimal, InvalidOperation
from typing import Any

from stripe_twin.core import ids
from stripe_twin.core.errors import invalid
from stripe_twin.core.json import Json
from stripe_twin.core.kinds import Kind, register
from stripe_twin.core.lists import listing, page
from stripe_twin.core.operations import operation, retrieval
from stripe_twin.core.params import Field, choice, integer, obj, page_params, params, required, text
from stripe_twin.core.store import Filter, equals
from stripe_twin.core.unit import Unit
from stripe_twin.rules.periods import DAY

_OLDEST_DAYS = 35
_AHEAD_SECONDS = 300


def _without_id(_: Unit, event: Json) -> Json:
    return {name: value for name, value in event.items() if name != "id"}


register(Kind("billing.meter", "meter"))
register(Kind("billing.meter_event", "meter event", compose=_without_id))


@operation(
    "POST",
    "/v1/billing/meters",
    params(
        display_name=required(text(250)),
        event_name=required(text(100)),
        default_aggregation=required(obj(formula=required(choice("count", "last", "sum")))),
        customer_mapping=obj(event_payload_key=required(text(100)), type=required(choice("by_id"))),
        event_time_window=choice("day", "hour"),
        value_settings=obj(event_payload_key=required(text(100))),
    ),
)
def create(unit: Unit, args: Json) -> Json:
    """Make a meter; only one active meter may have an event name."""
    if _active(unit, args["event_name"]):
        raise invalid(f"An active meter with event name `{args['event_name']}` already exists.", param="event_name")
    meter = unit.save(
        {
            "id": ids.long("mtr_test"),
            "object": "billing.meter",
            "created": unit.now,
            "customer_mapping": args.get(
                "customer_mapping", {"event_payload_key": "stripe_customer_id", "type": "by_id"}
            ),
            "default_aggregation": args["default_aggregation"],
            "display_name": args["display_name"],
            "event_name": args["event_name"],
            "event_time_window": args.get("event_time_window"),
            "livemode": False,
            "status": "active",
            "status_transitions": {"deactivated_at": None},
            "updated": unit.now,
            "value_settings": args.get("value_settings", {"event_payload_key": "value"}),
        }
    )
    unit.emit("billing.meter.created", meter)
    return unit.render(meter)


def _active(unit: Unit, event_name: str) -> Json | None:
    found = unit.find("billing.meter", equals("$.event_name", event_name), equals("$.status", "active"), limit=1)
    return found[0] if found else None


retrieval("billing.meter", "/v1/billing/meters/{ident}", params())


@operation("POST", "/v1/billing/meters/{ident}", params(display_name=text(250)))
def update(unit: Unit, args: Json, ident: str) -> Json:
    """Rename a meter."""
    meter = unit.load("billing.meter", ident)
    before = unit.render(meter)
    meter.update(args)
    unit.updated("billing.meter.updated", meter, before)
    return unit.render(meter)


def _switch(unit: Unit, ident: str, status: str, event: str) -> Json:
    meter = unit.load("billing.meter", ident)
    before = unit.render(meter)
    off = unit.now if status == "inactive" else None
    meter.update(status=status, updated=unit.now, status_transitions={"deactivated_at": off})
    unit.save(meter)
    unit.emit(event, meter, before)
    return unit.render(meter)


@operation("POST", "/v1/billing/meters/{ident}/deactivate", params())
def deactivate(unit: Unit, _: Json, ident: str) -> Json:
    """Take no more events."""
    return _switch(unit, ident, "inactive", "billing.meter.deactivated")


@operation("POST", "/v1/billing/meters/{ident}/reactivate", params())
def reactivate(unit: Unit, _: Json, ident: str) -> Json:
    """Take events again."""
    return _switch(unit, ident, "active", "billing.meter.reactivated")


@operation("GET", "/v1/billing/meters", page_params(status=choice("active", "inactive")))
def index(unit: Unit, args: Json) -> Json:
    """List meters."""
    filters = [equals("$.status", args["status"])] if "status" in args else []
    return page(unit, "billing.meter", "/v1/billing/meters", args, *filters)


def _payload() -> Field:
    def check(value: Any, where: str) -> Json:
        if not isinstance(value, dict) or not all(isinstance(item, str) for item in value.values()):
            raise invalid("Invalid object", param=where)
        return value

    return Field(check)


@operation(
    "POST",
    "/v1/billing/meter_events",
    params(event_name=required(text(100)), payload=required(_payload()), identifier=text(100), timestamp=integer(0)),
)
def record(unit: Unit, args: Json) -> Json:
    """Take one event in."""
    meter = _active(unit, args["event_name"])
    if meter is None:
        raise invalid(f"No active meter found for event name {args['event_name']}.", code="no_meter_found")
    customer = args["payload"].get(meter["customer_mapping"]["event_payload_key"])
    if customer is None or unit.store.get(customer, "customer") is None:
        raise invalid(f"No such customer: '{customer}'", param="payload", code="resource_missing")
    unit.enter(unit.load("customer", customer)["test_clock"])
    moment = args.get("timestamp", unit.now)
    if not unit.now - _OLDEST_DAYS * DAY <= moment <= unit.now + _AHEAD_SECONDS:
        raise invalid(
            "The timestamp must be within the past 35 calendar days and at most 5 minutes in the future.",
            param="timestamp",
            code="timestamp_too_far_in_past" if moment < unit.now else "timestamp_in_future",
        )
    identifier = args.get("identifier") or ids.token(32)
    if unit.find("billing.meter_event", equals("$.identifier", identifier), limit=1):
        raise invalid(f"An event already exists with identifier {identifier}.", param="identifier")
    event = {
        "id": ids.long("mevt"),
        "object": "billing.meter_event",
        "created": unit.now,
        "event_name": args["event_name"],
        "identifier": identifier,
        "livemode": False,
        "payload": args["payload"],
        "timestamp": moment,
        "_customer": customer,
        "_value": str(_value(meter, args["payload"])),
    }
    return unit.render(unit.save(event))


def _value(meter: Json, payload: Json) -> Decimal:
    if meter["default_aggregation"]["formula"] == "count":
        return Decimal(1)
    key = meter["value_settings"]["event_payload_key"]
    try:
        number = Decimal(payload.get(key, ""))
    except InvalidOperation:
        number = Decimal("NaN")
    if not number.is_finite() or number < 0:
        raise invalid(f"Invalid value for payload key `{key}`: it must be a number.", code="meter_event_invalid_value")
    return number


@operation(
    "POST",
    "/v1/billing/meter_event_adjustments",
    params(
        event_name=required(text(100)),
        type=required(choice("cancel")),
        cancel=obj(identifier=required(text(100))),
    ),
)
def adjust(unit: Unit, args: Json) -> Json:
    """Take an event back."""
    identifier = args.get("cancel", {}).get("identifier", "")
    for event in unit.find("billing.meter_event", equals("$.identifier", identifier)):
        if event["event_name"] == args["event_name"]:
            unit.store.remove(event["id"])
            return {
                "object": "billing.meter_event_adjustment",
                "cancel": {"identifier": identifier},
                "event_name": args["event_name"],
                "livemode": False,
                "status": "complete",
                "type": "cancel",
            }
    raise invalid(f"No meter event with identifier {identifier}.", param="cancel[identifier]", code="resource_missing")


@operation(
    "GET",
    "/v1/billing/meters/{ident}/event_summaries",
    page_params(
        customer=required(text()),
        start_time=required(integer(0)),
        end_time=required(integer(0)),
        unsupported="value_grouping_window",
    ),
)
def summaries(unit: Unit, args: Json, ident: str) -> Json:
    """What a customer used between two moments, as one sum."""
    meter = unit.load("billing.meter", ident)
    period = (args["start_time"], args["end_time"])
    summary = {
        "id": ids.long("mtrusg_test"),
        "object": "billing.meter_event_summary",
        "aggregated_value": float(_total(unit, meter, args["customer"], period)),
        "end_time": period[1],
        "livemode": False,
        "meter": ident,
        "start_time": period[0],
    }
    return listing(f"/v1/billing/meters/{ident}/event_summaries", [summary])


def _total(unit: Unit, meter: Json, customer: str, period: tuple[int, int]) -> Decimal:
    events = unit.find(
        "billing.meter_event",
        equals("$.event_name", meter["event_name"]),
        equals("$._customer", customer),
        Filter("body ->> '$.timestamp' >= ? and body ->> '$.timestamp' < ?", period),
    )
    if meter["default_aggregation"]["formula"] == "last":
        latest = max(events, key=lambda event: int(event["timestamp"]), default=None)
        return Decimal(latest["_value"]) if latest else Decimal(0)
    return sum((Decimal(event["_value"]) for event in events), Decimal(0))


def usage(unit: Unit, price: Json, customer: str, period: tuple[int, int]) -> Decimal:
    """How much of a metered price the customer used in `[start, end)`; nothing for a price without a meter."""
    ident = price["recurring"]["meter"]
    return _total(unit, unit.load("billing.meter", ident), customer, period) if ident else Decimal(0)
