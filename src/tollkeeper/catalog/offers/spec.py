"""Coupons, promotion codes and trials as the catalogue file has them, and the currencies plans are sold in."""

from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import AwareDatetime, BeforeValidator, Field, StringConstraints, model_validator

from tollkeeper.catalog.charges import Percent
from tollkeeper.catalog.spec_parts import Amount, Currency, Key, Path, Spec
from tollkeeper.kit import Money

from .model import CodeTerms, CouponTerms, Duration, Trial, TrialEnd

MAX_MONTHS = 120
MAX_TRIAL_DAYS = 730
_DECIMALS = -2
_THOUSANDTHS, _STEP = 3, 10
_OF_CURRENCIES = {("month",), ("year",), ("amount_off",), ("minimum",)}


def _moment(value: Any) -> Any:
    """Let no bare number or date through: of which time zone would its midnight be?"""
    if isinstance(value, datetime | str):
        return value
    raise ValueError("a moment with its time zone, like 2027-01-01T00:00:00Z")


Count: TypeAlias = Annotated[int, Field(strict=True, ge=1, le=10**9)]
Moment: TypeAlias = Annotated[AwareDatetime, BeforeValidator(_moment)]
Code: TypeAlias = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9-]{2,60}$")]


class CouponSpec(Spec):
    """A coupon: a share or a fixed amount off, for the next invoice, some months, or for ever."""

    name: Annotated[str, StringConstraints(min_length=1, max_length=40, strip_whitespace=True)]
    percent_off: Percent | None = None
    amount_off: dict[Currency, Amount] = Field(default_factory=dict)
    duration: Duration = Duration.ONCE
    months: Annotated[int, Field(strict=True, ge=1, le=MAX_MONTHS)] | None = None
    plans: tuple[Key, ...] = ()
    max_redemptions: Count | None = None
    redeem_by: Moment | None = None

    @model_validator(mode="after")
    def _fits_together(self) -> "CouponSpec":
        if (self.percent_off is None) == (not self.amount_off):
            raise ValueError("it takes one of `percent_off` and `amount_off`")
        if self.percent_off is not None and (self.percent_off == 0 or _decimals(self.percent_off) < _DECIMALS):
            raise ValueError("`percent_off` is above 0, at most 100, and has at most two decimals")
        if (self.duration is Duration.REPEATING) != (self.months is not None):
            raise ValueError("`months` goes with `duration: repeating`, and only with it")
        return self

    def terms(self) -> CouponTerms:
        """Return what it takes off."""
        return CouponTerms(
            percent_off=self.percent_off,
            amounts_off=dict(self.amount_off),
            duration=self.duration,
            months=self.months,
            plans=tuple(dict.fromkeys(self.plans)),
            max_redemptions=self.max_redemptions,
            redeem_by=_whole(self.redeem_by),
        )


class CodeSpec(Spec):
    """A promotion code: which coupon it leads to, and when it may be used."""

    coupon: Key
    max_redemptions: Count | None = None
    expires_at: Moment | None = None
    first_time_only: Annotated[bool, Field(strict=True)] = False
    minimum: dict[Currency, Amount] = Field(default_factory=dict)

    def terms(self) -> CodeTerms:
        """Return when it may be used."""
        return CodeTerms(self.max_redemptions, _whole(self.expires_at), self.first_time_only, dict(self.minimum))


class TrialSpec(Spec):
    """A trial: `card: optional` lets it begin without one; `without_card` says what then becomes of it."""

    days: Annotated[int, Field(strict=True, ge=1, le=MAX_TRIAL_DAYS)]
    card: Literal["required", "optional"] = "required"
    without_card: TrialEnd = TrialEnd.CANCEL

    def trial(self) -> Trial:
        """Return the trial."""
        return Trial(self.days, self.card == "required", self.without_card)


def _decimals(number: Decimal) -> int:
    exponent = number.normalize().as_tuple().exponent
    return exponent if isinstance(exponent, int) else 0


def _whole(moment: datetime | None) -> datetime | None:
    """Return the moment as the provider keeps it: in whole seconds, UTC."""
    return moment.astimezone(UTC).replace(microsecond=0) if moment else None


def _mapping(value: Any) -> dict[Any, Any]:
    return value if isinstance(value, dict) else {}


def contradictions(raw: dict[str, Any]) -> Iterator[tuple[Path, str]]:
    """Find what coupons, codes, trials and prices alone cannot know; works on unchecked data."""
    plans = {str(key): _mapping(plan) for key, plan in _mapping(raw.get("plans")).items()}
    coupons = _mapping(raw.get("coupons"))
    for key, plan in plans.items():
        if plan.get("trial") is not None and not plan.get("prices"):
            yield ("plans", key, "trial"), "a plan without a price is free already; it cannot have a trial"
    for key, coupon in coupons.items():
        yield from _coupon(str(key), _mapping(coupon), plans)
    yield from _codes(_mapping(raw.get("codes")), coupons)
    yield from _currencies(plans, raw.get("currencies"))
    yield from _thousandths(raw, ())


def _coupon(key: str, coupon: dict[Any, Any], plans: dict[str, dict[Any, Any]]) -> Iterator[tuple[Path, str]]:
    named = coupon.get("plans")
    limited = [str(each) for each in named] if isinstance(named, list) else []
    for plan in limited:
        if plan not in plans:
            yield ("coupons", key, "plans"), f"no plan `{plan}` is defined under `plans`"
        elif not plans[plan].get("prices"):
            yield ("coupons", key, "plans"), f"`{plan}` has no price that could be lowered"
    amounts = _mapping(coupon.get("amount_off"))
    sold = {
        currency
        for plan in (limited or plans)
        for by_currency in _mapping(plans.get(plan, {}).get("prices")).values()
        for currency in _mapping(by_currency)
    }
    if amounts and not sold <= set(amounts):
        missing = ", ".join(sorted(map(str, sold - set(amounts))))
        yield ("coupons", key, "amount_off"), f"its plans are sold in {missing}, too; name an amount for each currency"


def _codes(codes: dict[Any, Any], coupons: dict[Any, Any]) -> Iterator[tuple[Path, str]]:
    first: dict[str, str] = {}
    for code, spec in codes.items():
        coupon = _mapping(spec).get("coupon")
        if isinstance(coupon, str) and coupon not in coupons:
            yield ("codes", str(code), "coupon"), f"no coupon `{coupon}` is defined under `coupons`"
        same = first.setdefault(str(code).lower(), str(code))
        if same != str(code):
            yield ("codes", str(code)), f"customers may type either case, so that it is the same as `{same}`"


def _currencies(plans: dict[str, dict[Any, Any]], told: Any) -> Iterator[tuple[Path, str]]:
    """Every plan is sold in the same currencies per interval, or at least in those of the list `currencies`.

    Else a customer who pays in one currency, which never changes, could not move to every plan.
    """
    for interval in ("month", "year"):
        sold = {
            key: set(map(str, _mapping(_mapping(plan.get("prices")).get(interval))))
            for key, plan in plans.items()
            if _mapping(_mapping(plan.get("prices")).get(interval))
        }
        listed = isinstance(told, list)
        wanted = set(map(str, told)) if listed else set().union(*sold.values())
        for key, has in sold.items():
            if missing := sorted(wanted - has):
                others = "`currencies` asks for it" if listed else "other plans are sold in it"
                words = f"it lacks a price in {', '.join(missing)}: {others}, and a customer's currency never changes"
                hint = "" if listed else "; list under `currencies` those that every plan must have"
                yield ("plans", key, "prices", interval), words + hint


def _thousandths(value: Any, path: Path) -> Iterator[tuple[Path, str]]:
    """The provider takes amounts in currencies of thousandths only in tens of them."""
    for key, inner in _mapping(value).items():
        here = (*path, str(key))
        if path[-1:] in _OF_CURRENCIES and isinstance(inner, int) and inner % _STEP:
            if Money(0, str(key)).decimals == _THOUSANDTHS:
                yield here, f"amounts in {key} are thousandths and must end in 0"
        else:
            yield from _thousandths(inner, here)
