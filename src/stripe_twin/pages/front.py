"""The front page of the imitation: what exists, what was reported, and what was delivered last."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from stripe_twin.core.json import Json, pretty
from stripe_twin.core.twin import Twin
from stripe_twin.core.version import API_VERSION
from stripe_twin.pages.common import lost, show

_SHOWN = 30
_KINDS = (
    "customer",
    "subscription",
    "invoice",
    "payment_intent",
    "checkout.session",
    "product",
    "price",
    "webhook_endpoint",
)


def routes(twin: Twin) -> list[Route]:
    """The front page and one object."""

    async def front(_: Request) -> Response:
        return _front(twin)

    async def one(request: Request) -> Response:
        unit = twin.reading()
        found = unit.store.get(request.path_params["ident"])
        if found is None:
            return lost("This object")
        deliveries = unit.store.deliveries(found["id"]) if found["object"] == "event" else []
        shown = pretty(unit.render(found)).decode()
        return show("object.html", found=found, shown=shown, deliveries=deliveries, home=f"/objects/{found['id']}")

    return [
        Route("/", front, methods=["GET"]),
        Route("/objects/{ident}", one, methods=["GET"]),
    ]


def _front(twin: Twin) -> Response:
    unit = twin.reading()
    groups: list[tuple[str, list[Json]]] = [(kind, unit.find(kind, limit=_SHOWN)) for kind in _KINDS]
    events = unit.find("event", limit=_SHOWN)
    types = {event["id"]: event["type"] for event in events}
    deliveries = unit.store.recent_deliveries(_SHOWN)
    for delivery in deliveries:
        if delivery.event not in types:
            types[delivery.event] = unit.load("event", delivery.event)["type"]
    endpoints = {endpoint["id"]: endpoint["url"] for endpoint in unit.find("webhook_endpoint")}
    return show(
        "front.html",
        version=API_VERSION,
        now=twin.clock.now(),
        shifted=twin.clock.offset > 0,
        groups=groups,
        events=events,
        deliveries=deliveries,
        types=types,
        endpoints=endpoints,
    )
