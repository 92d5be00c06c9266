"""The hosted invoice page: what is owed for what, and a form to pay it."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from stripe_twin.core.json import Json
from stripe_twin.core.twin import Twin
from stripe_twin.core.unit import Unit
from stripe_twin.pages.common import CardForm, go, lost, posted, read_card, show
from stripe_twin.resources import invoicing, payment_methods
from stripe_twin.rules.cards import words


def routes(twin: Twin) -> list[Route]:
    """The page's address."""

    async def page(request: Request) -> Response:
        unit = twin.reading()
        invoice = unit.store.get(request.path_params["ident"], "invoice")
        if invoice is None or invoice["number"] is None:
            return lost("This invoice")
        if request.method == "POST" and invoice["status"] == "open":
            return _submitted(twin, invoice["id"], await posted(request))
        return _page(unit, invoice, CardForm({}))

    return [Route("/invoice/{ident}", page, methods=["GET", "POST"])]


def _page(unit: Unit, invoice: Json, form: CardForm) -> Response:
    return show("invoice.html", form.status, invoice=unit.render(invoice), form=form)


def _submitted(twin: Twin, ident: str, values: dict[str, str]) -> Response:
    with twin.work() as unit:
        invoice = unit.load("invoice", ident)
        form = read_card(unit, values, email=False)
        if form.card is None or invoice["status"] != "open":
            return _page(unit, invoice, form)
        billing = {"name": values.get("name") or None, "address": {"postal_code": values.get("postal_code") or None}}
        method = payment_methods.make(
            unit, form.card, form.month, form.year, cvc=True, args={"billing_details": billing}
        )
        invoice = invoicing.collect(unit, invoice, method, off_session=False)
        intent = invoicing.intent_of(unit, invoice)
        if intent and intent["status"] == "requires_action":
            unit.save({**intent, "_return_url": f"{unit.public_url}/invoice/{ident}"})
            return go(f"/authenticate/{intent['id']}")
        error = (intent or {}).get("last_payment_error")
        if error:
            form.problem = words(error["code"], error.get("decline_code"))
            return _page(unit, invoice, form)
        return go(f"/invoice/{ident}")
