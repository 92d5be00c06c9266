"""The bank's page of 3-D Secure: the buyer confirms or fails, and goes on to wherever the intent belongs."""

from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from stripe_twin.core.json import Json
from stripe_twin.core.twin import Twin
from stripe_twin.core.unit import Unit
from stripe_twin.pages.checkout import after
from stripe_twin.pages.common import go, lost, posted, show
from stripe_twin.resources import checkout_flow, payment_intents, setup_intents

_KINDS = ("payment_intent", "setup_intent")


def routes(twin: Twin) -> list[Route]:
    """The page's address."""

    async def page(request: Request) -> Response:
        unit = twin.reading()
        intent = unit.store.get(request.path_params["ident"])
        if intent is None or intent["object"] not in _KINDS:
            return lost("This payment")
        if request.method == "POST":
            outcome = (await posted(request)).get("outcome")
            if outcome in ("complete", "fail"):
                return _decided(twin, intent["id"], confirmed=outcome == "complete")
        if intent["status"] != "requires_action":
            text = "There is nothing left to confirm here. You can close this page."
            return show("message.html", 410, title="Nothing to confirm", words=text, link=_back(intent))
        card = unit.load("payment_method", intent["payment_method"])["card"]
        return show("authenticate.html", intent=intent, card=card)

    return [Route("/authenticate/{ident}", page, methods=["GET", "POST"])]


def _back(intent: Json) -> tuple[str, str] | None:
    address = f"/checkout/{intent['_checkout']}" if intent.get("_checkout") else intent.get("_return_url")
    return (address, "Go on") if address else None


def _decided(twin: Twin, ident: str, *, confirmed: bool) -> Response:
    with twin.work() as unit:
        intent = unit.store.get(ident)
        if intent is None or intent["status"] != "requires_action":
            text = "There is nothing left to confirm here. You can close this page."
            return show("message.html", 410, title="Nothing to confirm", words=text, link=_back(intent or {}))
        session = unit.store.get(intent.get("_checkout") or "", "checkout.session")
        if session and session["status"] == "open":
            return after(session, checkout_flow.authenticated(unit, session, intent, confirmed=confirmed))
        return _finish(unit, intent, confirmed=confirmed and session is None)


def _finish(unit: Unit, intent: Json, *, confirmed: bool) -> Response:
    """Without a checkout the buyer returns to the shop's return_url, with what happened in its query as at Stripe."""
    pays = intent["object"] == "payment_intent"
    (payment_intents if pays else setup_intents).authenticate(unit, intent, confirmed=confirmed)
    succeeded = intent["status"] == "succeeded"
    if not intent["_return_url"]:
        text = "Confirmed. You can close this page." if succeeded else "Not confirmed. Nothing was charged."
        return show("message.html", 200, title="Back from your bank", words=text, link=None)
    query = {
        intent["object"]: intent["id"],
        f"{intent['object']}_client_secret": intent["client_secret"],
        "redirect_status": "succeeded" if succeeded else "failed",
    }
    joint = "&" if "?" in intent["_return_url"] else "?"
    return go(f"{intent['_return_url']}{joint}{urlencode(query)}")
