"""The customer portal: plan, card, invoices; end with the period, resume, set a new card."""

from collections.abc import Awaitable, Callable

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from stripe_twin.core.json import Json
from stripe_twin.core.store import Filter, equals
from stripe_twin.core.twin import Twin
from stripe_twin.core.unit import Unit
from stripe_twin.pages.common import CardForm, go, lost, posted, read_card, show
from stripe_twin.resources import payment_methods, setup_intents
from stripe_twin.resources.billing_portal import SESSION_SECONDS
from stripe_twin.resources.subscribing import schedule_end, unschedule_end
from stripe_twin.rules.cards import words

Handler = Callable[[Request], Awaitable[Response]]


def routes(twin: Twin) -> list[Route]:
    """The page's address and those of its forms."""

    def guarded(act: Callable[[Request, Json], Awaitable[Response]]) -> Handler:
        async def handle(request: Request) -> Response:
            session = twin.store.get(request.path_params["ident"], "billing_portal.session")
            if session is None:
                return lost("This page")
            if twin.clock.now() > session["created"] + SESSION_SECONDS:
                back = (session["return_url"], "Back") if session["return_url"] else None
                text = "This page was open for too long. Go back and open it again."
                return show("message.html", 410, title="Page expired", words=text, link=back)
            return await act(request, session)

        return handle

    async def page(_: Request, session: Json) -> Response:
        return _page(twin.reading(), session, CardForm({}))

    async def card(request: Request, session: Json) -> Response:
        return _new_card(twin, session, await posted(request))

    async def ending(request: Request, session: Json) -> Response:
        _set_end(twin, session, await posted(request))
        return go(f"/portal/{session['id']}")

    return [
        Route("/portal/{ident}", guarded(page), methods=["GET"]),
        Route("/portal/{ident}/card", guarded(card), methods=["POST"]),
        Route("/portal/{ident}/subscription", guarded(ending), methods=["POST"]),
    ]


def _page(unit: Unit, session: Json, form: CardForm) -> Response:
    customer = unit.load("customer", session["customer"])
    of_customer = equals("$.customer", customer["id"])
    running = Filter("body ->> '$.status' not in ('canceled', 'incomplete_expired')", ())
    subscriptions = [_plan(unit, found) for found in unit.find("subscription", of_customer, running)]
    invoices = unit.find("invoice", of_customer, Filter("body ->> '$.number' is not null", ()), limit=24)
    return show(
        "portal.html",
        form.status,
        session=session,
        customer=customer,
        features=unit.load("billing_portal.configuration", session["configuration"])["features"],
        subscriptions=subscriptions,
        card=_current_card(unit, customer, subscriptions),
        invoices=[unit.render(invoice) for invoice in invoices],
        form=form,
    )


def _plan(unit: Unit, subscription: Json) -> Json:
    shown = unit.render(subscription)
    for item in shown["items"]["data"]:
        item["name"] = unit.load("product", item["price"]["product"])["name"]
    return shown


def _current_card(unit: Unit, customer: Json, subscriptions: list[Json]) -> Json | None:
    names = [*(found["default_payment_method"] for found in subscriptions)]
    names.append(customer["invoice_settings"]["default_payment_method"])
    chosen = next((name for name in names if name), None)
    method = unit.store.get(chosen, "payment_method") if chosen else None
    return method["card"] if method else None


def _set_end(twin: Twin, session: Json, values: dict[str, str]) -> None:
    with twin.work() as unit:
        features = unit.load("billing_portal.configuration", session["configuration"])["features"]
        subscription = unit.store.get(values.get("subscription", ""), "subscription")
        if (
            subscription is None
            or subscription["customer"] != session["customer"]
            or subscription["status"] == "canceled"
        ):
            return
        before = unit.render(subscription)
        if values.get("action") == "cancel" and features["subscription_cancel"]["enabled"]:
            schedule_end(unit, subscription)
        elif values.get("action") == "resume":
            unschedule_end(subscription)
        unit.updated("customer.subscription.updated", subscription, before)


def _new_card(twin: Twin, session: Json, values: dict[str, str]) -> Response:
    with twin.work() as unit:
        form = read_card(unit, values, email=False)
        if form.card is None:
            return _page(unit, session, form)
        billing = {"name": values.get("name") or None, "address": {"postal_code": values.get("postal_code") or None}}
        method = payment_methods.make(
            unit, form.card, form.month, form.year, cvc=True, args={"billing_details": billing}
        )
        home = f"{unit.public_url}/portal/{session['id']}"
        intent = setup_intents.make(unit, session["customer"], {"_return_url": home, "_from_portal": True})
        setup_intents.attempt(unit, intent, method)
        if intent["status"] == "requires_action":
            return go(f"/authenticate/{intent['id']}")
        error = intent["last_setup_error"]
        if error:
            form.problem = words(error["code"], error.get("decline_code"))
            return _page(unit, session, form)
        return go(home)
