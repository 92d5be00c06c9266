"""What a delivery says: the event in the endpoint's API version, or a thin notification of it."""

from datetime import UTC, datetime

from stripe_twin.core.json import Json, pretty
from stripe_twin.core.misdelivery import Misdelivery
from stripe_twin.core.older import changes_turned_back, turned_back
from stripe_twin.core.unit import Unit
from stripe_twin.core.version import API_VERSION


def body(unit: Unit, event: Json, endpoint: Json, how: Misdelivery) -> bytes:
    """The bytes sent to the endpoint for that event."""
    if how.thin:
        return pretty(_notification(event))
    return pretty(_snapshot(unit, event, how.api_version or endpoint["api_version"] or event["api_version"]))


def _snapshot(unit: Unit, event: Json, version: str) -> Json:
    shown = {**unit.render(event), "api_version": version}
    if version == API_VERSION:
        return shown
    data = {"object": turned_back(unit, shown["data"]["object"], version)}
    if "previous_attributes" in shown["data"]:
        previous = shown["data"]["previous_attributes"]
        data["previous_attributes"] = changes_turned_back(previous, data["object"], version)
    return {**shown, "data": data}


def _notification(event: Json) -> Json:
    """The thin twin of a snapshot event: what happened to which object, and nothing of the object itself."""
    about, cause = event["data"]["object"], event["request"]
    path = "/v1/" + about["object"].replace(".", "/") + "s"
    reason = {"type": "request", "request": {**cause, "idempotency_key": cause["idempotency_key"] or ""}}
    return {
        "id": event["id"].replace("evt_", "evt_test_", 1),
        "object": "v2.core.event",
        "type": f"v1.{event['type']}",
        "livemode": False,
        "created": f"{datetime.fromtimestamp(event['created'], UTC):%Y-%m-%dT%H:%M:%S.000Z}",
        "context": None,
        "reason": reason if cause["id"] else None,
        "related_object": {"id": about["id"], "type": about["object"], "url": f"{path}/{about['id']}"}
        if "id" in about
        else None,
        "snapshot_event": event["id"],
    }
