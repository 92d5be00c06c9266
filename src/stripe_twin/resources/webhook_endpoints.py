"""Webhook endpoints: where events are sent. The secret is shown once, when the endpoint is made."""

import re
from typing import Any

from stripe_twin.core import ids
from stripe_twin.core.errors import invalid
from stripe_twin.core.json import Json
from stripe_twin.core.kinds import Kind, register
from stripe_twin.core.lists import page
from stripe_twin.core.operations import operation, retrieval
from stripe_twin.core.params import (
    Field,
    array,
    boolean,
    choice,
    merge_metadata,
    metadata,
    page_params,
    params,
    required,
    text,
    unsettable,
)
from stripe_twin.core.unit import Unit
from stripe_twin.core.version import VERSIONS

register(Kind("webhook_endpoint", "webhook endpoint"))
_EVENT = re.compile(r"\*|[a-z0-9_]+(\.[a-z0-9_]+)+")


def _url() -> Field:
    def check(value: Any, where: str) -> str:
        if not isinstance(value, str) or not re.match(r"https?://[^\s/]+", value):
            raise invalid(
                "Invalid URL: An explicit scheme (such as https) must be provided.", param=where, code="url_invalid"
            )
        return value

    return Field(check)


def _event_name() -> Field:
    def check(value: Any, where: str) -> str:
        if not isinstance(value, str) or not _EVENT.fullmatch(value):
            raise invalid(f"Invalid {where}: {value} is not the name of an event, nor '*'.", param=where)
        return value

    return Field(check)


def make(unit: Unit, args: Json, secret: str | None = None) -> Json:
    """A new endpoint. `secret` is for tests that fix it; otherwise one is made."""
    return unit.save(
        {
            "id": ids.long("we"),
            "object": "webhook_endpoint",
            "api_version": args.get("api_version"),
            "application": None,
            "created": unit.now,
            "description": args.get("description"),
            "enabled_events": args["enabled_events"],
            "livemode": False,
            "metadata": merge_metadata({}, args.get("metadata")),
            "status": "enabled",
            "url": args["url"],
            "_secret": secret or f"whsec_{ids.token(32)}",
        }
    )


@operation(
    "POST",
    "/v1/webhook_endpoints",
    params(
        url=required(_url()),
        enabled_events=required(array(_event_name())),
        api_version=choice(*VERSIONS),
        description=unsettable(text()),
        metadata=metadata(),
        unsupported="connect",
    ),
)
def create(unit: Unit, args: Json) -> Json:
    """Make an endpoint; the only answer with its secret."""
    endpoint = make(unit, args)
    return {**unit.render(endpoint), "secret": endpoint["_secret"]}


def roll(unit: Unit, endpoint: Json, old_for: int) -> Json:
    """A new secret; the one before signs, too, for that many seconds. Stripe does this in its dashboard only."""
    kept = [old for old in endpoint.get("_old_secrets", []) if old["until"] > unit.now]
    if old_for:
        kept.append({"secret": endpoint["_secret"], "until": unit.now + old_for})
    endpoint.update(_secret=f"whsec_{ids.token(32)}", _old_secrets=kept)
    return unit.save(endpoint)


retrieval("webhook_endpoint", "/v1/webhook_endpoints/{ident}", params())


@operation(
    "POST",
    "/v1/webhook_endpoints/{ident}",
    params(
        url=_url(),
        enabled_events=array(_event_name()),
        disabled=boolean(),
        description=unsettable(text()),
        metadata=metadata(),
    ),
)
def update(unit: Unit, args: Json, ident: str) -> Json:
    """Change, disable or enable an endpoint."""
    endpoint = unit.load("webhook_endpoint", ident)
    if "disabled" in args:
        endpoint["status"] = "disabled" if args.pop("disabled") else "enabled"
    if "metadata" in args:
        args["metadata"] = merge_metadata(endpoint["metadata"], args["metadata"])
    endpoint.update(args)
    return unit.render(unit.save(endpoint))


@operation("DELETE", "/v1/webhook_endpoints/{ident}", params())
def delete(unit: Unit, _: Json, ident: str) -> Json:
    """Remove an endpoint."""
    unit.load("webhook_endpoint", ident)
    unit.store.remove(ident)
    return {"id": ident, "object": "webhook_endpoint", "deleted": True}


@operation("GET", "/v1/webhook_endpoints", page_params())
def index(unit: Unit, args: Json) -> Json:
    """List endpoints."""
    return page(unit, "webhook_endpoint", "/v1/webhook_endpoints", args)
