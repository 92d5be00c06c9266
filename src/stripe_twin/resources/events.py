"""Events as an API: what was reported, and how many endpoints still wait for it."""

from stripe_twin.core.json import Json
from stripe_twin.core.kinds import Kind, register
from stripe_twin.core.lists import page
from stripe_twin.core.operations import operation, retrieval
from stripe_twin.core.params import array, boolean, page_params, params, text, time_range
from stripe_twin.core.store import Filter, equals, one_of
from stripe_twin.core.unit import Unit


def _compose(unit: Unit, event: Json) -> Json:
    waiting = {delivery.endpoint for delivery in unit.store.deliveries(event["id"]) if delivery.status == "pending"}
    return {**event, "pending_webhooks": len(waiting)}


register(Kind("event", "event", compose=_compose))
retrieval("event", "/v1/events/{ident}", params())


@operation(
    "GET",
    "/v1/events",
    page_params(type=text(), types=array(text()), delivery_success=boolean(), created=time_range()),
)
def index(unit: Unit, args: Json) -> Json:
    """List events."""
    filters = []
    if "type" in args:
        wanted = args["type"]
        star = wanted.endswith(".*")
        filters.append(Filter("body ->> '$.type' like ?", (wanted[:-1] + "%",)) if star else equals("$.type", wanted))
    if "types" in args:
        filters.append(one_of("$.type", args["types"]))
    if "delivery_success" in args:
        undelivered = "exists (select 1 from deliveries d where d.event = objects.id and d.status != 'succeeded')"
        filters.append(Filter(f"not {undelivered}" if args["delivery_success"] else undelivered, ()))
    return page(unit, "event", "/v1/events", args, *filters)
