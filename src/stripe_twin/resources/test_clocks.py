"""Test clocks: customers on one live in its time, which stands still until it is advanced."""

from stripe_twin.core import ids
from stripe_twin.core.errors import invalid
from stripe_twin.core.json import Json
from stripe_twin.core.kinds import KINDS, Kind, register
from stripe_twin.core.lists import page
from stripe_twin.core.operations import operation, retrieval
from stripe_twin.core.params import integer, page_params, params, required, text
from stripe_twin.core.unit import Unit
from stripe_twin.resources import customers
from stripe_twin.resources.subscribing import ENDED, items_of
from stripe_twin.rules.periods import DAY, boundary

KIND = "test_helpers.test_clock"
_KEPT_DAYS = 30


def _due(clock: Json) -> int | None:
    moment: int | None = clock["_asked_at"] if clock["status"] == "advancing" else None
    return moment


def _compose(_: Unit, clock: Json) -> Json:
    target = {"advancing": {"target_frozen_time": clock["_target"]}} if clock["status"] == "advancing" else {}
    return {**clock, "status_details": target}


@operation("POST", "/v1/test_helpers/test_clocks", params(frozen_time=required(integer(0)), name=text(300)))
def create(unit: Unit, args: Json) -> Json:
    """Make a clock that shows that time."""
    clock = unit.save(
        {
            "id": ids.long("clock"),
            "object": KIND,
            "created": unit.now,
            "deletes_after": unit.now + _KEPT_DAYS * DAY,
            "frozen_time": args["frozen_time"],
            "livemode": False,
            "name": args.get("name"),
            "status": "ready",
            "_asked_at": None,
            "_target": None,
        }
    )
    unit.emit("test_helpers.test_clock.created", clock)
    return unit.render(clock)


retrieval(KIND, "/v1/test_helpers/test_clocks/{ident}", params())


@operation("GET", "/v1/test_helpers/test_clocks", page_params())
def index(unit: Unit, args: Json) -> Json:
    """List clocks."""
    return page(unit, KIND, "/v1/test_helpers/test_clocks", args)


@operation("POST", "/v1/test_helpers/test_clocks/{ident}/advance", params(frozen_time=required(integer(0))))
def advance(unit: Unit, args: Json, ident: str) -> Json:
    """Start moving a clock forward; it is `ready` again when everything up to then has happened."""
    clock = unit.load(KIND, ident)
    target = args["frozen_time"]
    if clock["status"] != "ready":
        raise invalid("A test clock can only be advanced while its status is `ready`.", code="test_clock_not_ready")
    if target <= clock["frozen_time"]:
        raise invalid("A test clock can only be advanced to a later time.", param="frozen_time")
    if target > _limit(unit, clock):
        raise invalid(
            "A test clock can be advanced by at most two intervals of the shortest subscription on it, or by two "
            "years without one.",
            param="frozen_time",
        )
    clock.update(status="advancing", _target=target, _asked_at=unit.now)
    unit.save(clock)
    unit.emit("test_helpers.test_clock.advancing", clock)
    return unit.render(clock)


def _limit(unit: Unit, clock: Json) -> int:
    start = clock["frozen_time"]
    ends = [boundary(start, "year", 2, 1)]
    for subscription in unit.of("subscription", test_clock=clock["id"]):
        if subscription["status"] in ENDED:
            continue
        for item in items_of(unit, subscription):
            recurring = unit.load("price", item["_price"])["recurring"]
            ends.append(boundary(start, recurring["interval"], 2 * recurring["interval_count"], 1))
    return min(ends)


def _move(unit: Unit, clock: Json) -> None:
    """Do what was due up to the target, each thing at its own moment and in order."""
    target, asked = clock["_target"], unit.now
    while (waiting := _next(unit, clock["id"], target)) is not None:
        moment, document = waiting
        unit.now = max(moment, clock["frozen_time"])
        clock["frozen_time"] = unit.now
        unit.save(clock)
        kind = KINDS[document["object"]]
        if kind.on_due:
            kind.on_due(unit, document)
        left = unit.store.get(document["id"])
        if left and kind.due and kind.due(left) == moment:
            raise RuntimeError(f"{document['id']} is still due at {moment} after its turn")
    unit.now = asked
    clock.update(frozen_time=target, status="ready", _target=None, _asked_at=None)
    unit.save(clock)
    unit.emit("test_helpers.test_clock.ready", clock)


def _next(unit: Unit, clock: str, target: int) -> tuple[int, Json] | None:
    found = None
    for document in unit.store.on_clock(clock):
        due = KINDS[document["object"]].due
        moment = due(document) if due else None
        if moment is not None and moment <= target and (found is None or moment < found[0]):
            found = (moment, document)
    return found


register(Kind(KIND, "test clock", compose=_compose, due=_due, on_due=_move))


@operation("DELETE", "/v1/test_helpers/test_clocks/{ident}", params())
def delete(unit: Unit, _: Json, ident: str) -> Json:
    """Delete a clock with the customers on it."""
    clock = unit.load(KIND, ident)
    for customer in unit.of("customer", test_clock=ident):
        if not customer.get("deleted"):
            customers.remove(unit, customer)
    unit.store.remove(ident)
    unit.emit("test_helpers.test_clock.deleted", clock)
    return {"id": ident, "object": KIND, "deleted": True}
