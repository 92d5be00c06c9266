"""Coupons and promotion codes of a checkout: those it was made with, and one that the buyer types on the page."""

from stripe_twin.core.errors import StripeError, invalid
from stripe_twin.core.json import Json
from stripe_twin.core.store import Filter
from stripe_twin.core.unit import Unit
from stripe_twin.resources import discounts
from stripe_twin.resources.checkout_lines import add_up, priced

_WHERE = "discounts[0][promotion_code]"


def check(unit: Unit, session: Json) -> None:
    """Refuse discounts that are not good for this customer, currency and amount now; they are redeemed at the end."""
    currency = session["currency"]
    for entry in session["_wanted_discounts"]:
        if "promotion_code" in entry:
            code = discounts.code_for(unit, entry["promotion_code"], session["customer"], _WHERE)
            discounts.check_minimum(code, _worth(unit, session), currency, _WHERE)
        coupon = unit.load("coupon", discounts.foreseen(unit, entry, currency)["id"])
        discounts.check(unit, coupon, currency, "discounts[0][coupon]")


def check_wanted(args: Json) -> None:
    """At most one coupon or code, and none where the buyer is asked for one."""
    wanted = args.get("discounts", [])
    if wanted and (len(wanted) > 1 or "allow_promotion_codes" in args):
        raise invalid("You may pass one discount, and not with `allow_promotion_codes`.", param="discounts")


def enter(unit: Unit, session: Json, typed: str) -> str | None:
    """Use the code the buyer typed; returns what is wrong with it in words. Empty: no code."""
    before = (session["_wanted_discounts"], session["discounts"])
    session.update(_wanted_discounts=[], discounts=[])
    found = unit.find("promotion_code", Filter("lower(body ->> '$.code') = ?", (typed.lower(),))) if typed else []
    good = next((each for each in found if unit.render(each)["active"]), None)
    if typed and good is None:
        session.update(_wanted_discounts=before[0], discounts=before[1])
        return "This code is invalid."
    if good is not None:
        session["_wanted_discounts"] = [{"promotion_code": good["id"]}]
        session["discounts"] = [{"coupon": None, "promotion_code": good["id"]}]
    try:
        check(unit, session)
    except StripeError as refusal:
        session.update(_wanted_discounts=before[0], discounts=before[1])
        return refusal.message
    add_up(unit, session)
    intent = unit.store.get(session["_intent"] or "")
    if intent is not None and intent.get("amount") != session["amount_total"]:
        session["_intent"] = None  # an earlier try was about another amount
    unit.save(session)
    return None


def _worth(unit: Unit, session: Json) -> int:
    """What is bought, before discounts, a trial aside."""
    whole = {**session, "_wanted_discounts": [], "_trial": None}
    amount: int = priced(unit, whole)[1]["subtotal"]
    return amount
