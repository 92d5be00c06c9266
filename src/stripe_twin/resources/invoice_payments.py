"""Invoice payments: what ties an invoice to the payment intent that pays it."""

from stripe_twin.core.json import Json
from stripe_twin.core.kinds import Kind, register
from stripe_twin.core.lists import page
from stripe_twin.core.operations import operation, retrieval
from stripe_twin.core.params import choice, obj, page_params, params, required, text, time_range
from stripe_twin.core.store import equals
from stripe_twin.core.unit import Unit

register(Kind("invoice_payment", "invoice_payment"))
retrieval("invoice_payment", "/v1/invoice_payments/{ident}", params())


@operation(
    "GET",
    "/v1/invoice_payments",
    page_params(
        invoice=text(),
        status=choice("canceled", "open", "paid"),
        payment=obj(type=required(choice("payment_intent")), payment_intent=text()),
        created=time_range(),
    ),
)
def index(unit: Unit, args: Json) -> Json:
    """List invoice payments."""
    filters = [equals(f"$.{name}", args[name]) for name in ("invoice", "status") if name in args]
    if "payment_intent" in args.get("payment", {}):
        filters.append(equals("$.payment.payment_intent", args["payment"]["payment_intent"]))
    return page(unit, "invoice_payment", "/v1/invoice_payments", args, *filters)
