"""The hosted checkout page: a plain form posted to its own address."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from stripe_twin.core.json import Json
from stripe_twin.core.twin import Twin
from stripe_twin.core.unit import Unit
from stripe_twin.pages.common import CardForm, go, lost, posted, read_card, show
from stripe_twin.resources import checkout_tax
from stripe_twin.resources.checkout_codes import enter
from stripe_twin.resources.checkout_flow import Buyer, Result, due_now, needs_card, start_without_card, submit
from stripe_twin.resources.checkout_lines import line_items


def routes(twin: Twin) -> list[Route]:
    """The page's address."""

    async def page(request: Request) -> Response:
        unit = twin.reading()
        session = unit.store.get(request.path_params["ident"], "checkout.session")
        if session is None:
            return lost("This checkout")
        if session["status"] != "open":
            return over(session)
        if request.method != "POST":
            return form_page(unit, session, CardForm(_prefilled(unit, session), problem=session["_problem"]), 200)
        return _submitted(twin, session["id"], await posted(request))

    return [Route("/checkout/{ident}", page, methods=["GET", "POST"])]


def _submitted(twin: Twin, ident: str, values: dict[str, str]) -> Response:
    with twin.work() as unit:
        session = unit.load("checkout.session", ident)
        if session["status"] != "open":
            return over(session)
        known = _email_of(unit, session)
        wrong = _noted(unit, session, values)
        if wrong:
            return form_page(unit, session, CardForm(values, wrong), 422)
        if not needs_card(unit, session):
            start_without_card(unit, session, known or values.get("email", ""))
            return after(session, "complete")
        form = read_card(unit, values, email=known is None)
        if form.card is None:
            return form_page(unit, session, form, form.status)
        buyer = Buyer(
            known or values["email"],
            values.get("name", ""),
            values.get("postal_code", ""),
            form.card,
            form.month,
            form.year,
        )
        result = submit(unit, session, buyer)
        if result == "refused":
            form.problem = session["_problem"]
            return form_page(unit, session, form, 402)
        return after(session, result)


def _noted(unit: Unit, session: Json, values: dict[str, str]) -> dict[str, str]:
    """Take in where the buyer is and the code they typed; what is wrong comes back by field."""
    wrong = checkout_tax.hear(unit, session, values)
    problem = enter(unit, session, values.get("promotion_code", "")) if session["allow_promotion_codes"] else None
    return {**wrong, "promotion_code": problem} if problem else wrong


def after(session: Json, result: Result) -> Response:
    """Where a submission leads: on to the shop or the bank, or back to the form."""
    if result == "complete":
        return go(success_url(session))
    return go(f"/authenticate/{session['_intent']}" if result == "challenge" else f"/checkout/{session['id']}")


def success_url(session: Json) -> str:
    """The shop's address with the session's id filled in."""
    return str(session["success_url"]).replace("{CHECKOUT_SESSION_ID}", session["id"])


def over(session: Json) -> Response:
    """The session is complete or expired."""
    if session["status"] == "complete":
        return go(success_url(session))
    back = (session["cancel_url"], "Back to the shop") if session["cancel_url"] else None
    text = "This checkout has expired and nothing was charged. Go back and start again."
    return show("message.html", 410, title="Checkout expired", words=text, link=back)


def _email_of(unit: Unit, session: Json) -> str | None:
    """The address that is already known and not asked for."""
    if session["customer"]:
        email: str | None = unit.load("customer", session["customer"])["email"]
        return email
    given: str | None = session["customer_email"]
    return given


def _prefilled(unit: Unit, session: Json) -> dict[str, str]:
    known = _email_of(unit, session)
    return {**checkout_tax.known_address(unit, session), **session["_buyer"], **({"email": known} if known else {})}


def form_page(unit: Unit, session: Json, form: CardForm, status: int) -> Response:
    """The form with the summary of what is bought."""
    cancel = (session["cancel_url"] or "").replace("{CHECKOUT_SESSION_ID}", session["id"])
    due = due_now(unit, session)
    return show(
        "checkout.html",
        status,
        session=session,
        items=line_items(unit, session),
        due=due,
        trial_end=session["_trial"],
        needs_card=needs_card(unit, session),
        email=_email_of(unit, session),
        form=form,
        cancel=cancel or None,
        asks_address=checkout_tax.asks_address(session),
        asks_tax_id=checkout_tax.asks_tax_id(session),
    )
