"""What the pages of the catalogue show. Pure."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from tollkeeper.catalog import Addon, Catalogue, CatalogueVersion, Change, ChangeKind, Plan, coupon_in_words, in_words
from tollkeeper.kit import Money
from tollkeeper.orgs import Told
from tollkeeper.rating import Interval
from tollkeeper.web.ui import amount

_KINDS = {
    ChangeKind.ADDED: ("New", "good"),
    ChangeKind.CHANGED: ("Changed", "accent"),
    ChangeKind.ARCHIVED: ("Goes", "warn"),
}
_MEANS = (
    ("price of", "A price never changes: a new amount is a new price, and who pays the old one goes on paying it."),
    ("entitlement of", "Limits hold for everybody who has the plan, from the moment this is applied."),
    ("plan ", "A plan that goes cannot be bought any more; who has it keeps it."),
)
_GONE = "Somebody who is gone"
_USUAL = {"", "hard", "a billing period"}


@dataclass(frozen=True, slots=True)
class PlanRow:
    """A plan in the list."""

    key: str
    name: str
    description: str
    prices: tuple[str, ...]
    trial: str
    is_default: bool
    is_public: bool


@dataclass(frozen=True, slots=True)
class Allowed:
    """What a plan allows of a feature; `note` says what is not as usual: hard, and for a billing period."""

    words: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class FeatureRow:
    """A feature, and what each plan allows of it, in the order of the plans; None: it is not part of it."""

    key: str
    name: str
    kind: str
    allowed: tuple[Allowed | None, ...]


@dataclass(frozen=True, slots=True)
class AddonRow:
    """An add-on in the list."""

    key: str
    name: str
    prices: tuple[str, ...]
    gives: tuple[str, ...]
    beside: str


@dataclass(frozen=True, slots=True)
class Offer:
    """A coupon and the codes that lead to it."""

    name: str
    words: str
    codes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class CatalogueView:
    """The catalogue as it stands; `archived` names what is sold no more."""

    plans: Sequence[PlanRow]
    features: Sequence[FeatureRow]
    addons: Sequence[AddonRow]
    offers: Sequence[Offer]
    archived: Sequence[str]


@dataclass(frozen=True, slots=True)
class VersionRow:
    """A version in the list; `who` is empty where the trail does not say."""

    number: int
    at: datetime
    who: str
    note: str
    restored: int | None
    count: int


@dataclass(frozen=True, slots=True)
class ChangeRow:
    """One change in words."""

    kind: str
    tone: str
    subject: str
    detail: str


def catalogue_view(catalogue: Catalogue) -> CatalogueView:
    """Return the page of the catalogue."""
    plans = catalogue.on_sale(public_only=False)
    gone = [each.name for each in catalogue.plans.values() if each.archived_at]
    gone += [each.name for each in catalogue.addons.values() if each.archived_at]
    features = [each for each in catalogue.features.values() if each.archived_at is None]
    return CatalogueView(
        plans=[_plan(each) for each in plans],
        features=[
            FeatureRow(each.key, each.name, each.kind.value, tuple(_allowed(plan, each.key) for plan in plans))
            for each in features
        ],
        addons=[_addon(each, catalogue) for each in catalogue.addons.values() if each.archived_at is None],
        offers=_offers(catalogue),
        archived=gone,
    )


def version_rows(found: Iterable[CatalogueVersion], told: Iterable[Told]) -> list[VersionRow]:
    """Return versions with who applied them, as the trail tells."""
    by_record = {each.record.id: each for each in told}
    return [
        VersionRow(
            number=each.number,
            at=each.applied_at,
            who=_who(by_record.get(each.record_id)),
            note=each.note,
            restored=each.restored,
            count=len(each.changes),
        )
        for each in found
    ]


def change_rows(changes: Iterable[Change]) -> list[ChangeRow]:
    """Return changes as they are listed."""
    return [ChangeRow(*_KINDS[each.kind], each.subject, each.detail) for each in changes]


def rows_of_words(changes: Iterable[str]) -> list[ChangeRow]:
    """Return changes that were kept in words as they are listed."""
    return change_rows(_read(each) for each in changes)


def meanings(changes: Sequence[ChangeRow]) -> list[str]:
    """Say what these changes mean for those who are customers already."""
    return [words for subject, words in _MEANS if any(each.subject.startswith(subject) for each in changes)]


def _read(words: str) -> Change:
    kind, _, rest = words.partition(" ")
    subject, _, detail = rest.partition(": ")
    return Change(ChangeKind(kind), subject, detail)


def _who(told: Told | None) -> str:
    if told is None:
        return ""
    if told.person is not None:
        return told.person.email
    return _GONE if told.record.origin.user_id else told.record.origin.via or "Tollkeeper"


def _plan(plan: Plan) -> PlanRow:
    prices = _prices((each.interval, each.money) for each in plan.prices)
    trial = f"{plan.trial.days} days" if plan.trial else ""
    return PlanRow(plan.key, plan.name, plan.description, prices, trial, plan.is_default, plan.is_public)


def _prices(told: Iterable[tuple[Interval, Money]]) -> tuple[str, ...]:
    return tuple(f"{amount(money)} a {interval.value}" for interval, money in told)


def _allowed(plan: Plan, feature: str) -> Allowed | None:
    found = plan.entitlement(feature)
    if found is None:
        return None
    words, _, rest = in_words(found).partition(" (")
    told = [part for part in re.split(r"[,;] ", rest.removesuffix(")")) if part not in _USUAL]
    return Allowed(words, "; ".join(told))


def _addon(addon: Addon, catalogue: Catalogue) -> AddonRow:
    gives = [f"{each.amount:,} {each.feature.name}" if each.amount else each.feature.name for each in addon.grants]
    beside = ", ".join(catalogue.plans[key].name for key in addon.plans if key in catalogue.plans)
    prices = _prices((each.interval, each.money) for each in addon.prices)
    return AddonRow(addon.key, addon.name, prices, tuple(gives), beside)


def _offers(catalogue: Catalogue) -> list[Offer]:
    codes: Mapping[str, list[str]] = {key: [] for key in catalogue.coupons}
    for code in catalogue.codes.values():
        if code.archived_at is None and code.coupon.key in codes:
            codes[code.coupon.key].append(code.code)
    coupons = [each for each in catalogue.coupons.values() if each.archived_at is None]
    return [Offer(each.name, coupon_in_words(each.terms), tuple(codes[each.key])) for each in coupons]
