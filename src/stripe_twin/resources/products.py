"""Products: what is sold. Their prices are objects of their own."""

from stripe_twin.core import ids
from stripe_twin.core.errors import invalid
from stripe_twin.core.json import Json
from stripe_twin.core.kinds import Kind, register
from stripe_twin.core.lists import page, search
from stripe_twin.core.operations import operation, retrieval
from stripe_twin.core.params import (
    array,
    boolean,
    choice,
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
from stripe_twin.core.store import equals, one_of
from stripe_twin.core.unit import Unit

register(Kind("product", "product"))

_DETAILS = {
    "active": boolean(),
    "description": unsettable(text()),
    "images": unsettable(array(text())),
    "marketing_features": unsettable(array(obj(name=required(text())))),
    "metadata": metadata(),
    "shippable": boolean(),
    "statement_descriptor": text(22),
    "tax_code": unsettable(text()),
    "unit_label": unsettable(text(12)),
    "url": unsettable(text()),
}


def make(unit: Unit, args: Json, *, report: bool = True) -> Json:
    """A new product, reported unless it is only there for an amount of an invoice."""
    ident = args.get("id") or ids.short("prod")
    if unit.store.get(ident):
        raise invalid(f"Product already exists: {ident}", param="id", code="resource_already_exists")
    product = unit.save(
        {
            "id": ident,
            "object": "product",
            "active": args.get("active", True),
            "created": unit.now,
            "default_price": None,
            "description": args.get("description"),
            "images": args.get("images") or [],
            "livemode": False,
            "marketing_features": args.get("marketing_features") or [],
            "metadata": merge_metadata({}, args.get("metadata")),
            "name": args["name"],
            "package_dimensions": None,
            "shippable": args.get("shippable"),
            "statement_descriptor": args.get("statement_descriptor"),
            "tax_code": args.get("tax_code"),
            "type": args.get("type", "service"),
            "unit_label": args.get("unit_label"),
            "updated": unit.now,
            "url": args.get("url"),
        }
    )
    if report:
        unit.emit("product.created", product)
    return product


@operation(
    "POST",
    "/v1/products",
    params(
        id=text(),
        name=required(text()),
        type=choice("good", "service"),
        unsupported="default_price_data package_dimensions tax_details",
        **_DETAILS,
    ),
)
def create(unit: Unit, args: Json) -> Json:
    """Make a product."""
    return unit.render(make(unit, args))


retrieval("product", "/v1/products/{ident}", params())


@operation(
    "POST",
    "/v1/products/{ident}",
    params(name=text(), default_price=text(), unsupported="package_dimensions tax_details", **_DETAILS),
)
def update(unit: Unit, args: Json, ident: str) -> Json:
    """Change a product."""
    product = unit.load("product", ident)
    before = unit.render(product)
    if "default_price" in args:
        unit.load("price", args["default_price"], "default_price")
    if "metadata" in args:
        args["metadata"] = merge_metadata(product["metadata"], args["metadata"])
    lists: Json = {name: args[name] or [] for name in ("images", "marketing_features") if name in args}
    product.update({**args, **lists, "updated": unit.now})
    unit.updated("product.updated", product, before)
    return unit.render(product)


@operation("DELETE", "/v1/products/{ident}", params())
def delete(unit: Unit, _: Json, ident: str) -> Json:
    """Remove a product that has no prices."""
    product = unit.load("product", ident)
    if unit.find("price", equals("$.product", ident), limit=1):
        raise invalid("This product cannot be deleted because it has one or more user-created prices.")
    unit.store.remove(ident)
    unit.emit("product.deleted", product)
    return {"id": ident, "object": "product", "deleted": True}


@operation(
    "GET",
    "/v1/products",
    page_params(active=boolean(), ids=array(text()), shippable=boolean(), url=text(), created=time_range()),
)
def index(unit: Unit, args: Json) -> Json:
    """List products."""
    filters = [equals(f"$.{name}", args[name]) for name in ("active", "shippable", "url") if name in args]
    if "ids" in args:
        filters.append(one_of("$.id", args["ids"]))
    return page(unit, "product", "/v1/products", args, *filters)


@operation("GET", "/v1/products/search", params(query=required(text()), limit=integer(1, 100), page=text()))
def find(unit: Unit, args: Json) -> Json:
    """Search products."""
    return search(unit, "product", "/v1/products/search", args, frozenset({"active", "description", "name", "url"}))
