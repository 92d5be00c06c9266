"""Discounts: a coupon on a customer, a subscription, an invoice or a checkout session, with the time it lasts."""

from collections.abc import Sequence

from stripe_twin.core import ids
from stripe_twin.core.errors import invalid
from stripe_twin.core.json import Json
from stripe_twin.core.kinds import Kind, register
from stripe_twin.core.params import array, obj, text, unsettable
from stripe_twin.core.store import equals
from stripe_twin.core.unit import Unit
from stripe_twin.resources import coupons
from stripe_twin.rules.periods import boundary

register(Kind("discount", "discount"))

DISCOUNTS = unsettable(array(obj(coupon=text(), discount=text(), promotion_code=text())))


def attach(
    unit: Unit,
    entries: Sequence[Json],
    customer: str | None,
    currency: str | None,
    *,
    report: bool = True,
    **owner: str | None,
) -> list[str]:
    """New discounts for the wanted coupons and codes, reported if asked and a customer has them; known ones stay.

    `owner` names what they hang on (`subscription`, `checkout_session`); without one it is the customer.
    """
    made = []
    for place, entry in enumerate(entries):
        if "discount" in entry:
            made.append(str(unit.load("discount", entry["discount"], f"discounts[{place}][discount]")["id"]))
        else:
            discount = _redeem(unit, entry, f"discounts[{place}]", currency, {**owner, "customer": customer})
            if customer and report:
                unit.emit("customer.discount.created", discount)
            made.append(str(discount["id"]))
    return made


def _redeem(unit: Unit, entry: Json, where: str, currency: str | None, owner: Json) -> Json:
    customer = owner["customer"]
    code = None
    if "promotion_code" in entry:
        code = code_for(unit, entry["promotion_code"], customer, f"{where}[promotion_code]")
    ident = code["promotion"]["coupon"] if code else entry.get("coupon")
    if ident is None:
        raise invalid("Each discount needs a `coupon`, `promotion_code` or `discount`.", param=where)
    coupon = coupons.live(unit, ident, f"{where}[coupon]")
    check(unit, coupon, currency, f"{where}[coupon]")
    for used in (coupon, code):
        if used:
            unit.save({**used, "times_redeemed": used["times_redeemed"] + 1})
    return unit.save(
        {
            "id": ids.long("di"),
            "object": "discount",
            "checkout_session": None,
            "customer_account": None,
            "end": _end(unit, coupon),
            "invoice": None,
            "invoice_item": None,
            "promotion_code": code["id"] if code else None,
            "source": {"coupon": coupon["id"], "type": "coupon"},
            "start": unit.now,
            "subscription": None,
            "subscription_item": None,
            "_amount_off": coupons.amount_in(coupon, currency),
            **owner,
        }
    )


def code_for(unit: Unit, ident: str, customer: str | None, param: str) -> Json:
    """The promotion code, if this customer may use it now."""
    code = unit.load("promotion_code", ident, param)
    if not unit.render(code)["active"]:
        raise invalid("This promotion code cannot be redeemed because it is not active.", param=param)
    if code["customer"] is not None and code["customer"] != customer:
        raise invalid("This promotion code cannot be redeemed because it belongs to a different customer.", param=param)
    if code["restrictions"]["first_time_transaction"] and customer and _has_paid(unit, customer):
        raise invalid(
            "This promotion code cannot be redeemed because the associated customer has prior transactions.",
            param=param,
        )
    return code


def check_minimum(code: Json, amount: int, currency: str, param: str) -> None:
    """Refuse a code that is for larger purchases."""
    rules = code["restrictions"]
    least = rules["minimum_amount"] if rules["minimum_amount_currency"] == currency else None
    least = code.get("_options", {}).get(currency, {}).get("minimum_amount", least)
    if rules["minimum_amount"] is not None and (least is None or amount < least):
        raise invalid(
            "This promotion code cannot be redeemed because the amount does not reach its minimum.", param=param
        )


def _has_paid(unit: Unit, customer: str) -> bool:
    return bool(unit.find("charge", equals("$.customer", customer), equals("$.paid", True), limit=1))


def check(unit: Unit, coupon: Json, currency: str | None, param: str) -> None:
    """Refuse a coupon that is used up, or for another currency."""
    if not coupons.usable(unit, coupon):
        raise invalid(f"Coupon expired: {coupon['id']}", param=param, code="coupon_expired")
    known = {coupon["currency"], *coupon.get("_options", {})}
    if coupon["currency"] and currency and currency not in known:
        raise invalid(f"The coupon `{coupon['id']}` is for another currency: {coupon['currency']}.", param=param)


def _end(unit: Unit, coupon: Json) -> int | None:
    if coupon["duration"] != "repeating":
        return None
    return boundary(unit.now, "month", coupon["duration_in_months"], 1)


def resolved(unit: Unit, idents: Sequence[str]) -> list[Json]:
    """The discounts in force now, as `rules.pricing` reads them."""
    found = []
    for ident in idents:
        discount = unit.load("discount", ident)
        if discount["end"] is not None and discount["end"] <= unit.now:
            continue
        coupon = unit.load("coupon", discount["source"]["coupon"])
        found.append(
            {
                "id": ident,
                "percent_off": coupon["percent_off"],
                "amount_off": discount.get("_amount_off", coupon["amount_off"]),
                "products": coupon.get("_products"),
                "once": coupon["duration"] == "once",
            }
        )
    return found


def foreseen(unit: Unit, entry: Json, currency: str | None) -> Json:
    """What a wanted coupon or code would take off in a currency, before it is redeemed."""
    ident = entry.get("coupon")
    if "promotion_code" in entry:
        ident = unit.load("promotion_code", entry["promotion_code"], "discounts[0][promotion_code]")["promotion"][
            "coupon"
        ]
    coupon = coupons.live(unit, str(ident), "discounts[0][coupon]")
    return {
        "id": coupon["id"],
        "percent_off": coupon["percent_off"],
        "amount_off": coupons.amount_in(coupon, currency),
        "products": coupon.get("_products"),
    }


def drop(unit: Unit, ident: str) -> None:
    """Its owner has it no longer; it stays readable where it was used."""
    discount = unit.load("discount", ident)
    if discount["customer"] and not discount.get("_over"):
        unit.save({**discount, "_over": True})
        unit.emit("customer.discount.deleted", {**discount, "end": discount["end"] or unit.now})
