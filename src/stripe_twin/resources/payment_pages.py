"""What the hosted checkout page calls: reading a session and confirming it with a payment method of any kind."""

from stripe_twin.core.errors import invalid
from stripe_twin.core.json import Json
from stripe_twin.core.operations import operation, retrieval
from stripe_twin.core.params import integer, params, required, text
from stripe_twin.core.unit import Unit
from stripe_twin.resources import checkout_flow, payment_intents, payment_methods

retrieval("checkout.session", "/v1/payment_pages/{ident}", params())


@operation(
    "POST",
    "/v1/payment_pages/{ident}/confirm",
    params(payment_method=required(text()), expected_amount=integer(0), return_url=text()),
)
def confirm(unit: Unit, args: Json, ident: str) -> Json:
    """Pay or set up with this method, as the buyer would on the page."""
    session = unit.load("checkout.session", ident)
    if session["status"] != "open":
        raise invalid(f"This Checkout Session is {session['status']}.", code="payment_intent_unexpected_state")
    if args.get("expected_amount", session["amount_total"]) != session["amount_total"]:
        raise invalid("The amount of this Checkout Session has changed.", code="checkout_amount_mismatch")
    method = payment_methods.usable(unit, args["payment_method"], session["customer"])
    billing = method["billing_details"]
    known = session["customer_details"] or {}
    session["_buyer"] = {
        "email": billing["email"] or known.get("email"),
        "name": billing["name"] or "",
        "postal_code": billing["address"]["postal_code"] or "",
    }
    if checkout_flow.pay(unit, session, method) == "refused":
        intent = unit.load("payment_intent", session["_intent"])
        raise payment_intents.refusal_of(unit, intent)
    return unit.render(unit.load("checkout.session", ident))
