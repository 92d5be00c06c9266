"""Tax rates: a percentage, on top of an amount or inside it. A rate never changes its percentage."""

from collections.abc import Sequence

from stripe_twin.core import ids
from stripe_twin.core.json import Json
from stripe_twin.core.kinds import Kind, register
from stripe_twin.core.lists import page
from stripe_twin.core.operations import operation, retrieval
from stripe_twin.core.params import (
    Field,
    array,
    boolean,
    choice,
    decimal,
    merge_metadata,
    metadata,
    page_params,
    params,
    required,
    text,
    time_range,
    unsettable,
)
from stripe_twin.core.store import equals
from stripe_twin.core.unit import Unit

register(Kind("tax_rate", "tax rate"))

RATES = unsettable(array(text()))
_WORDS: dict[str, Field] = {
    "country": text(2),
    "description": text(),
    "jurisdiction": text(200),
    "state": text(),
    "tax_type": choice(
        "amusement_tax",
        "communications_tax",
        "gst",
        "hst",
        "igst",
        "jct",
        "lease_tax",
        "pst",
        "qst",
        "retail_delivery_fee",
        "rst",
        "sales_tax",
        "service_tax",
        "vat",
    ),
}


@operation(
    "POST",
    "/v1/tax_rates",
    params(
        active=boolean(),
        display_name=required(text(50)),
        inclusive=required(boolean()),
        metadata=metadata(),
        percentage=required(decimal()),
        unsupported="",
        **_WORDS,
    ),
)
def create(unit: Unit, args: Json) -> Json:
    """Make a rate."""
    share = float(args["percentage"])
    rate = unit.save(
        {
            "id": ids.long("txr"),
            "object": "tax_rate",
            **{name: args.get(name) for name in _WORDS},
            "active": args.get("active", True),
            "created": unit.now,
            "display_name": args["display_name"],
            "effective_percentage": None,
            "flat_amount": None,
            "inclusive": args["inclusive"],
            "jurisdiction_level": None,
            "livemode": False,
            "metadata": merge_metadata({}, args.get("metadata")),
            "percentage": share,
            "rate_type": "percentage",
        }
    )
    unit.emit("tax_rate.created", rate)
    return unit.render(rate)


retrieval("tax_rate", "/v1/tax_rates/{ident}", params())


@operation(
    "POST",
    "/v1/tax_rates/{ident}",
    params(active=boolean(), display_name=text(50), metadata=metadata(), unsupported="", **_WORDS),
)
def update(unit: Unit, args: Json, ident: str) -> Json:
    """Change what may change of a rate: not its percentage."""
    rate = unit.load("tax_rate", ident)
    before = unit.render(rate)
    if "metadata" in args:
        args["metadata"] = merge_metadata(rate["metadata"], args["metadata"])
    rate.update(args)
    unit.updated("tax_rate.updated", rate, before)
    return unit.render(rate)


@operation("GET", "/v1/tax_rates", page_params(active=boolean(), inclusive=boolean(), created=time_range()))
def index(unit: Unit, args: Json) -> Json:
    """List rates."""
    filters = [equals(f"$.{name}", args[name]) for name in ("active", "inclusive") if name in args]
    return page(unit, "tax_rate", "/v1/tax_rates", args, *filters)


def checked(unit: Unit, idents: Sequence[str] | None, param: str) -> list[str]:
    """The ids, if there are such rates; None means none."""
    return [unit.load("tax_rate", ident, param)["id"] for ident in idents or []]


def shown(unit: Unit, idents: Sequence[str]) -> list[Json]:
    """The rates as objects."""
    return [unit.render(unit.load("tax_rate", ident)) for ident in idents]


def resolved(unit: Unit, idents: Sequence[str]) -> list[Json]:
    """The rates as `rules.pricing` reads them."""
    found = [unit.load("tax_rate", ident) for ident in idents]
    return [{name: rate[name] for name in ("id", "percentage", "inclusive")} for rate in found]
