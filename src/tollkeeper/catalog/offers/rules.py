"""Comparing coupons and codes with the file, saying what they take off, and whether one may be used. Pure."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import NamedTuple

from tollkeeper.kit import Money

from .model import CodeTerms, Coupon, CouponTerms, Duration, PromotionCode
from .spec import CodeSpec, CouponSpec

ADDED, CHANGED, ARCHIVED = "+", "~", "-"


class Told(NamedTuple):
    """One difference in words; `kind` is the sign of the catalogue's `ChangeKind`."""

    kind: str
    subject: str
    detail: str


class Standing(NamedTuple):
    """What can be redeemed now: coupons by key, codes by their text in lower case."""

    coupons: Mapping[str, Coupon]
    codes: Mapping[str, PromotionCode]


def why_not(code: PromotionCode, plan: str, price: Money, now: datetime) -> str | None:
    """Return why a code cannot be used for a plan at this price, in words; None when it can, as far as we know.

    How often it was redeemed, and whether the customer is a first-time one, only the provider knows.
    """
    terms, coupon = code.terms, code.coupon.terms
    ends = [moment for moment in (terms.expires_at, coupon.redeem_by) if moment is not None]
    if ends and min(ends) <= now:
        return f"This code expired on {min(ends):%-d %B %Y}."
    if coupon.plans and plan not in coupon.plans:
        return "This code is not for this plan."
    if coupon.amounts_off and price.currency not in coupon.amounts_off:
        return f"This code is not for prices in {price.currency.upper()}."
    least = terms.minimum.get(price.currency)
    if terms.minimum and least is None:
        return f"This code is not for prices in {price.currency.upper()}."
    if least is not None and price.amount < least:
        return f"This code is for purchases of {Money(least, price.currency)} or more."
    return None


def coupon_in_words(terms: CouponTerms) -> str:
    """Say what a coupon does: `20 % off for 3 months, for pro`."""
    return f"{_off(terms)} {_how_long(terms)}" + _bounds(terms.max_redemptions, terms.redeem_by, terms.plans)


def compare_offers(
    standing: Standing, coupons: Mapping[str, CouponSpec], codes: Mapping[str, CodeSpec]
) -> Iterator[Told]:
    """Return what applying the file would change of coupons and codes, in the file's order."""
    for key, coupon in coupons.items():
        yield from _coupon(key, standing.coupons.get(key), coupon)
    for key, gone in standing.coupons.items():
        if key not in coupons:
            yield Told(ARCHIVED, f"coupon {key}", f"{gone.name}; those who have it keep it")
    renewed = {key for key, old in standing.coupons.items() if key in coupons and old.terms != coupons[key].terms()}
    before = {code.code: code for code in standing.codes.values()}
    for text, spec in codes.items():
        old = before.get(text)
        if old is None:
            yield Told(ADDED, f"code {text}", _code_in_words(spec.coupon, spec.terms()))
        elif (old.coupon.key, old.terms) != (spec.coupon, spec.terms()):
            said = f"{_code_in_words(old.coupon.key, old.terms)} becomes {_code_in_words(spec.coupon, spec.terms())}"
            yield Told(CHANGED, f"code {text}", said)
        elif spec.coupon in renewed:
            yield Told(CHANGED, f"code {text}", f"leads to the new coupon {spec.coupon}")
    for text in (each for each in before if each not in codes):
        yield Told(ARCHIVED, f"code {text}", "nobody can redeem it any more")


def renewed_codes(
    standing: Mapping[str, PromotionCode], coupons: Mapping[str, Coupon], wanted: Mapping[str, CodeSpec]
) -> tuple[list[PromotionCode], list[str]]:
    """Return the codes that go, and the texts of those to make, once the coupons are as the file has them."""
    kept = {
        code.code
        for code in standing.values()
        if (spec := wanted.get(code.code)) and (coupons[spec.coupon].id, spec.terms()) == (code.coupon.id, code.terms)
    }
    return [code for code in standing.values() if code.code not in kept], [each for each in wanted if each not in kept]


def _coupon(key: str, old: Coupon | None, spec: CouponSpec) -> Iterator[Told]:
    terms = spec.terms()
    if old is None:
        yield Told(ADDED, f"coupon {key}", coupon_in_words(terms))
        return
    if old.name != spec.name:
        yield Told(CHANGED, f"coupon {key}", f'name "{old.name}" becomes "{spec.name}"')
    if old.terms != terms:
        said = f"{coupon_in_words(old.terms)} becomes {coupon_in_words(terms)}; those who have it keep the old one"
        yield Told(CHANGED, f"coupon {key}", said)


def _off(terms: CouponTerms) -> str:
    if terms.percent_off is not None:
        return f"{terms.percent_off.normalize():f} % off"
    return " or ".join(str(Money(amount, currency)) for currency, amount in sorted(terms.amounts_off.items())) + " off"


def _how_long(terms: CouponTerms) -> str:
    if terms.duration is Duration.REPEATING:
        return f"for {terms.months} month{'s' if terms.months != 1 else ''}"
    return {Duration.ONCE: "once", Duration.FOREVER: "for ever"}[terms.duration]


def _code_in_words(coupon: str, terms: CodeTerms) -> str:
    least = " or ".join(str(Money(amount, currency)) for currency, amount in sorted(terms.minimum.items()))
    said = f"{coupon}{_bounds(terms.max_redemptions, terms.expires_at, ())}"
    said += ", first purchase only" if terms.first_time_only else ""
    return said + (f", from {least}" if least else "")


def _bounds(most: int | None, until: datetime | None, plans: tuple[str, ...]) -> str:
    said = f", for {' and '.join(plans)}" if plans else ""
    said += f", {most:,} times at most" if most is not None else ""
    return said + (f", until {until:%Y-%m-%d %H:%M} UTC" if until else "")
