"""Plans as the pages show them: a card each, and a table that compares them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from tollkeeper.catalog import Addon, Entitlement, EntitlementPeriod, FeatureKind, Plan, Price, window_in_words
from tollkeeper.kit import Money
from tollkeeper.rating import Interval, charge_in_words

from .locale import amount

NOT_INCLUDED = "\N{EN DASH}"
_MONTHS = 12
_MILLION = 1_000_000


@dataclass(frozen=True, slots=True)
class PlanCard:
    """One plan on offer, in words.

    `price` is ready to show ("$20"); `per` says for how long, empty for free and contract plans. `for_sale` is False
    when the plan has no price in `interval`. `monthly` lists what can be used each month, `always` the rest.
    `recommended` is the first step up from the default plan. `trial` is what a new customer gets for nothing, empty:
    nothing. `addons` lists what can be bought beside the plan.
    """

    key: str
    name: str
    description: str
    price: str
    per: str
    price_note: str
    monthly: tuple[str, ...]
    always: tuple[str, ...]
    is_default: bool
    interval: Interval
    for_sale: bool
    recommended: bool
    trial: str = ""
    addons: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ComparedFeature:
    """One line of the comparison: a feature and what each plan allows of it, in the order of the plans."""

    title: str
    cells: tuple[str, ...]


def chosen_interval(wanted: str) -> Interval:
    """Return the billing interval a page was asked for; anything unknown is monthly."""
    return Interval.YEAR if wanted == Interval.YEAR.value else Interval.MONTH


def cards(
    plans: Sequence[Plan], interval: Interval, addons: Iterable[Addon] = (), *, currency: str | None = None
) -> list[PlanCard]:
    """Return a card for each plan, in the catalogue's order; `addons` are those that the cards are to name.

    `currency` is what the customer pays in, None: nothing yet; each plan is then shown in its first.
    """
    on_sale = [each for each in addons if each.archived_at is None]
    first_paid = next((plan.key for plan in plans if plan.prices and not plan.is_default), "")
    first = next((price.money.currency for plan in plans for price in plan.prices), "usd")
    nothing = amount(Money(0, currency or first))
    return [
        replace(
            _card(plan, interval, nothing, currency, recommended=plan.key == first_paid),
            addons=tuple(words for each in on_sale if (words := _addon(each, plan.price(interval, currency)))),
        )
        for plan in plans
    ]


def saving(plans: Sequence[Plan]) -> str:
    """Say how much less a year costs than twelve months, the least of all plans: `-16 %`; empty when nothing less."""
    found = []
    for plan in plans:
        month, year = plan.price(Interval.MONTH), plan.price(Interval.YEAR)
        if month is not None and year is not None and month.money.amount:
            twelve = _MONTHS * month.money.amount
            found.append(100 * (twelve - year.money.amount) // twelve)
    return f"\N{MINUS SIGN}{min(found)} %" if found and min(found) > 0 else ""


def comparison(plans: Sequence[Plan]) -> list[ComparedFeature]:
    """Return every feature and request rate of the plans, side by side."""
    features = {each.feature.key: each.feature for plan in plans for each in plan.entitlements}
    rows = [
        ComparedFeature(feature.name, tuple(_cell(plan.entitlement(key)) for plan in plans))
        for key, feature in features.items()
    ]
    for group in dict.fromkeys(group for plan in plans for group in plan.rates):
        title = _RATES.get(group) or f"{group.capitalize()} requests a minute"
        rows.append(ComparedFeature(title, tuple(_rate(plan.rates, group) for plan in plans)))
    for name in dict.fromkeys(name for plan in plans for name in plan.concurrency):
        title = f"{name.replace('_', ' ').capitalize()} at once"
        rows.append(ComparedFeature(title, tuple(_rate(plan.concurrency, name, "Unlimited") for plan in plans)))
    return rows


_RATES = {"api": "Requests a minute", "api_key": "Requests a minute with one key"}


def _card(plan: Plan, interval: Interval, nothing: str, currency: str | None, *, recommended: bool) -> PlanCard:
    price = plan.price(interval, currency)
    other = plan.price(Interval.YEAR if interval is Interval.MONTH else Interval.MONTH, currency)
    if price is not None:
        shown, per = amount(price.money), f"a {interval.value}"
    elif plan.is_default:
        shown, per = nothing, ""
    else:
        shown, per = "Custom", ""
    note = ""
    if price is not None and other is not None:
        note = f"or {amount(other.money)} a {other.interval.value}"
    monthly = [line for each in plan.entitlements if _is_monthly(each) and (line := included(each))]
    always = [line for each in plan.entitlements if not _is_monthly(each) and (line := included(each))]
    if plan.rates.get("api") is not None:
        always.append(f"{plan.rates['api']:,} requests a minute")
    return PlanCard(
        key=plan.key,
        name=plan.name,
        description=plan.description,
        price=shown,
        per=per,
        price_note=note,
        monthly=tuple(monthly),
        always=tuple(always),
        is_default=plan.is_default,
        interval=interval,
        for_sale=price is not None,
        recommended=recommended,
        trial=_trial(plan) if price is not None else "",
    )


def _trial(plan: Plan) -> str:
    if plan.trial is None:
        return ""
    days = "day" if plan.trial.days == 1 else "days"
    return f"{plan.trial.days} {days} free" + ("" if plan.trial.needs_card else ", no card needed")


def _addon(addon: Addon, beside: Price | None) -> str:
    """Say what an add-on costs beside a plan at this price; empty when it cannot be bought with it."""
    if beside is None or beside.plan not in addon.plans:
        return ""
    price = addon.price(beside.interval, beside.money.currency)
    each = " each" if addon.max_quantity > 1 else ""
    return f"{addon.name}: {amount(price.money)} a {price.interval.value}{each}" if price else ""


def inline(name: str) -> str:
    """Return a feature's name as it stands inside a sentence: `prompts`, but `AI tokens`."""
    return name if name[:2].isupper() else name[:1].lower() + name[1:]


def _is_monthly(entitlement: Entitlement) -> bool:
    counted = entitlement.feature.kind is FeatureKind.METERED
    return counted and entitlement.period in {EntitlementPeriod.BILLING, EntitlementPeriod.CALENDAR_MONTH}


def included(entitlement: Entitlement) -> str:
    """Say what a plan gives of a feature (of metered ones: a month); empty when it gives nothing."""
    name = entitlement.feature.name
    if entitlement.feature.kind is FeatureKind.METERED:
        if entitlement.limit is None:
            return f"Unlimited {inline(name)}"
        return f"{_short(entitlement.limit)} {inline(name)}{_over(entitlement)}" if entitlement.limit else ""
    if isinstance(entitlement.value, bool):
        return name if entitlement.value else ""
    return f"{_value(entitlement.value)} {inline(name)}" if entitlement.value is not None else ""


def _over(entitlement: Entitlement) -> str:
    """Say over which time a limit is given, when it is not the month that the whole list is about."""
    if entitlement.window is not None:
        return f" in any {window_in_words(entitlement.window)}"
    return _SPANS.get(entitlement.period, "")


_SPANS = {
    EntitlementPeriod.CALENDAR_DAY: " a day",
    EntitlementPeriod.CALENDAR_WEEK: " a week",
    EntitlementPeriod.CALENDAR_YEAR: " a year",
    EntitlementPeriod.NEVER: " in total",
}


def _short(number: int) -> str:
    """Write round millions as such: `10M`, but `1,234,567`."""
    return f"{number // _MILLION}M" if number and number % _MILLION == 0 else f"{number:,}"


def _cell(entitlement: Entitlement | None) -> str:
    if entitlement is None:
        return NOT_INCLUDED
    if entitlement.feature.kind is FeatureKind.METERED:
        if entitlement.limit is None:
            return "Unlimited"
        return f"{entitlement.limit:,}" + _beyond(entitlement)
    if isinstance(entitlement.value, bool):
        return "Yes" if entitlement.value else NOT_INCLUDED
    return _value(entitlement.value) if entitlement.value is not None else NOT_INCLUDED


def _beyond(entitlement: Entitlement) -> str:
    """Say what happens past the limit; nothing of a hard one, which is the rule."""
    if entitlement.overage:
        first = entitlement.overage[0]
        return f", then {charge_in_words(first.charge, first.currency)}"
    return "" if entitlement.hard else ", soft"


def _value(value: object) -> str:
    return f"{value:,}" if isinstance(value, int) else str(value)


def _rate(limits: Mapping[str, int | None], name: str, unlimited: str = "By contract") -> str:
    if name not in limits:
        return NOT_INCLUDED
    limit = limits[name]
    return unlimited if limit is None else f"{limit:,}"
