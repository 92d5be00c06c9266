"""The deliveries: all that were queued, filtered; one with its tries and its body; the button that sends it again."""

from dataclasses import replace

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from stripe_twin.core.bodies import body
from stripe_twin.core.store import Delivery
from stripe_twin.core.twin import Twin
from stripe_twin.pages.common import go, lost, show

_SHOWN = 200
_STATUSES = ("pending", "succeeded", "failed", "canceled")


def routes(twin: Twin) -> list[Route]:
    """The list, one delivery, and the re-send button."""

    async def index(request: Request) -> Response:
        return _index(twin, request)

    async def one(request: Request) -> Response:
        return _one(twin, twin.store.delivery(int(request.path_params["delivery"])))

    async def resend(request: Request) -> Response:
        delivery = twin.store.delivery(int(request.path_params["delivery"]))
        if delivery is None or delivery.event != request.path_params["ident"]:
            return lost("This delivery")
        now = twin.clock.now()
        with twin.store.transaction():
            twin.store.save_delivery(replace(delivery, status="pending", next_at=now, updated=now))
        twin.committed.set()
        return go(f"/deliveries/{delivery.id}")

    return [
        Route("/deliveries", index, methods=["GET"]),
        Route("/deliveries/{delivery:int}", one, methods=["GET"]),
        Route("/objects/{ident}/deliveries/{delivery:int}/resend", resend, methods=["POST"]),
    ]


def _index(twin: Twin, request: Request) -> Response:
    chosen = {name: request.query_params.get(name, "").strip() for name in ("status", "endpoint", "type")}
    unit = twin.reading()
    found = unit.store.select_deliveries(
        _SHOWN, status=chosen["status"], endpoint=chosen["endpoint"], event_type=chosen["type"]
    )
    return show(
        "deliveries.html",
        deliveries=found,
        types={delivery.event: unit.load("event", delivery.event)["type"] for delivery in found},
        endpoints={endpoint["id"]: endpoint["url"] for endpoint in unit.find("webhook_endpoint")},
        statuses=_STATUSES,
        chosen=chosen,
        most=_SHOWN,
        how=twin.misdelivery,
    )


def _one(twin: Twin, delivery: Delivery | None) -> Response:
    if delivery is None:
        return lost("This delivery")
    unit = twin.reading()
    event = unit.load("event", delivery.event)
    endpoint = unit.store.get(delivery.endpoint, "webhook_endpoint")
    shown = body(unit, event, endpoint or {"api_version": None}, twin.misdelivery).decode()
    return show(
        "delivery.html",
        delivery=delivery,
        event=event,
        address=endpoint["url"] if endpoint else "an endpoint that is gone",
        attempts=unit.store.attempts(delivery.id),
        shown=shown,
    )
