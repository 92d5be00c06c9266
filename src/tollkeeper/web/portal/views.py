"""What a customer's pages show, made from what the floors below say. Pure: `now` is passed in."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from tollkeeper.billing import SoFar
from tollkeeper.catalog import EntitlementPeriod, Feature, Source
from tollkeeper.gate import Balance
from tollkeeper.identity import ApiKey, KeyKind
from tollkeeper.metering import Bucket, HistoryPoint
from tollkeeper.rating import Period
from tollkeeper.web.ui import Point, Trend, ago, compact, exact, inline, number

from .forecast import Forecast, forecast, level_of


@dataclass(frozen=True, slots=True)
class Button:
    """Something to press in a banner; `href` may lead to a page of the provider."""

    href: str
    words: str


@dataclass(frozen=True, slots=True)
class Banner:
    """A message above a page. `tone` is info, good, warn or bad; `href` empty means that no link follows the text.

    Of `buttons` the first is what most people want.
    """

    tone: str
    title: str
    text: str
    href: str = ""
    action: str = ""
    buttons: tuple[Button, ...] = ()


@dataclass(frozen=True, slots=True)
class Fact:
    """One figure of the overview."""

    label: str
    value: str
    note: str
    tag: str = ""
    tone: str = "neutral"


@dataclass(frozen=True, slots=True)
class FeatureUsage:
    """How much of a feature is used in its current period.

    `limit` None means unlimited; `reset_at` None means never. `level` is ok, near (80 %) or over (reached). `beyond`
    says what is beyond a soft limit and what that costs; empty when nothing is, or it costs nothing. `ahead` is where
    it will stand at the end of the period; None: that cannot be said.
    """

    key: str
    title: str
    used: int
    limit: int | None
    hard: bool
    reset_at: datetime | None
    level: str
    made_of: str = ""
    beyond: str = ""
    ahead: Forecast | None = None

    @property
    def forecast(self) -> str:
        """Where it will stand, in a few words; empty when that cannot be said."""
        if self.ahead is None:
            return ""
        if self.ahead.runs_out_at is not None:
            return f"Reaches the limit around {self.ahead.runs_out_at:%-d %b} at this pace"
        return f"About {compact(self.ahead.by_end)} by {self.ahead.ends_at:%-d %b} at this pace"


@dataclass(frozen=True, slots=True)
class Series(Trend):
    """Usage of one feature over time, every bucket present; `before` is what the span before came to.

    `is_behind`: the newest usage is not in it yet.
    """

    feature: str = ""
    before: int = 0
    is_behind: bool = False

    @property
    def change(self) -> str:
        """How it compares with the span before, in words; empty when nothing was used then."""
        if not self.before:
            return ""
        change = round(100 * (self.total - self.before) / self.before)
        if not change:
            return "as much as in the time before"
        return f"{number(abs(change))} % {'more' if change > 0 else 'less'} than in the time before"


@dataclass(frozen=True, slots=True)
class Choice:
    """One option of a select."""

    key: str
    title: str


@dataclass(frozen=True, slots=True)
class Span:
    """A length of history to look at."""

    key: str
    title: str
    length: timedelta
    bucket: Bucket


SPANS = (
    Span("24h", "Last 24 hours", timedelta(hours=24), Bucket.HOUR),
    Span("7d", "Last 7 days", timedelta(days=7), Bucket.HOUR),
    Span("30d", "Last 30 days", timedelta(days=30), Bucket.DAY),
    Span("90d", "Last 90 days", timedelta(days=90), Bucket.DAY),
)
OVERVIEW_SPAN = Span("14d", "Last 14 days", timedelta(days=14), Bucket.DAY)
_STEPS = {Bucket.HOUR: timedelta(hours=1), Bucket.DAY: timedelta(days=1)}


@dataclass(frozen=True, slots=True)
class KeyRow:
    """One API key in the list. `state` is empty for a good key, else the word that says why it is refused."""

    id: str
    name: str
    masked: str
    created_at: datetime
    last_used_at: datetime | None
    expires_at: datetime | None
    active: bool
    state: str
    tone: str
    is_test: bool = False
    networks: tuple[str, ...] = ()


def usage_lines(
    balances: Iterable[Balance],
    features: Mapping[str, Feature],
    beyond: Iterable[SoFar] = (),
    *,
    begun: datetime | None = None,
    now: datetime | None = None,
) -> list[FeatureUsage]:
    """Return a line for each metered feature the plan offers, in the plan's order.

    Args:
        balances: where each stands.
        features: by key.
        beyond: what is to be paid for usage beyond limits.
        begun: when the organization was made.
        now: the moment to look ahead from; without these two nothing is said of the end of the period.
    """
    costs = {each.feature: f"Beyond the limit so far: {each.quantity:,}, costs {exact(each.money)}" for each in beyond}
    return [
        _usage_line(balance, features, costs, forecast(balance, begun, now) if begun and now else None)
        for balance in balances
        if balance.allowance.offered
    ]


def _usage_line(
    balance: Balance, features: Mapping[str, Feature], costs: Mapping[str, str], ahead: Forecast | None
) -> FeatureUsage:
    allowance = balance.allowance
    limit = balance.limit
    return FeatureUsage(
        key=allowance.feature,
        title=features[allowance.feature].name,
        used=balance.used,
        limit=limit,
        hard=allowance.hard,
        reset_at=None if allowance.period is EntitlementPeriod.NEVER else balance.period.end,
        level=level_of(balance.used, limit),
        made_of=_made_of(allowance.sources),
        beyond=costs.get(allowance.feature, ""),
        ahead=ahead,
    )


def _made_of(sources: Sequence[Source]) -> str:
    """Say what a limit is made of: `50,000 with Pro + 20,000 from 2 Extra prompts`; empty without add-ons."""
    if not any(each.addon for each in sources):
        return ""
    return " + ".join(
        f"{each.amount:,} from {each.quantity} {each.name}" if each.addon else f"{each.amount:,} with {each.name}"
        for each in sources
        if each.amount is not None
    )


def limit_banners(usage: Sequence[FeatureUsage]) -> list[Banner]:
    """Return a warning for each hard limit that refuses calls now."""
    return [
        Banner(
            "warn",
            f"All {line.limit:,} {inline(line.title)} of this period are used",
            "Calls are refused"
            + (f" until {line.reset_at:%-d %b %Y}, or until you upgrade." if line.reset_at else " until you upgrade."),
            "/billing",
            "See plans",
        )
        for line in usage
        if line.level == "over" and line.hard and line.limit
    ]


def left_fact(usage: Sequence[FeatureUsage]) -> Fact:
    """Return how much is left of the plan's first limited feature."""
    line = next((each for each in usage if each.limit is not None), None)
    if line is None or line.limit is None:
        return Fact("Limits", "None", "This plan has no metered limits")
    left = max(0, line.limit - line.used)
    until = f" until {line.reset_at:%-d %b %Y}" if line.reset_at else ""
    return Fact(f"{line.title} left", f"{left:,}", f"of {line.limit:,}{until}")


def keys_fact(rows: Sequence[KeyRow], now: datetime) -> Fact:
    """Return how many keys work, and when one was last used."""
    active = [row for row in rows if row.active]
    last = max((row.last_used_at for row in rows if row.last_used_at), default=None)
    note = f"Last used {ago(last, now)}" if last else "Not used yet"
    return Fact("API keys", str(len(active)), note if active else "Create one to make a call")


def span_of(key: str) -> Span:
    """Return the span a page was asked for; anything unknown is a week."""
    return next((span for span in SPANS if span.key == key), SPANS[1])


def window(span: Span, now: datetime) -> Period:
    """Return the whole buckets that make up the span, the one holding `now` included."""
    step = _STEPS[span.bucket]
    start_of_bucket = now.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    if span.bucket is Bucket.DAY:
        start_of_bucket = start_of_bucket.replace(hour=0)
    end = start_of_bucket + step
    return Period(end - span.length, end)


def before(period: Period) -> Period:
    """Return the period together with one as long before it."""
    return Period(period.start - (period.end - period.start), period.end)


def series_of(feature: Feature, span: Span, period: Period, points: Iterable[HistoryPoint]) -> Series:
    """Return the history with its empty buckets filled in; points from before the period are added up."""
    used = {point.start.astimezone(UTC): point.used for point in points}
    step = _STEPS[span.bucket]
    count = (period.end - period.start) // step
    starts = (period.start + step * number for number in range(count))
    shown = tuple(Point(at, used.get(at, 0)) for at in starts)
    earlier = sum(value for at, value in used.items() if at < period.start)
    return Series(feature.name, span.bucket.value, shown, feature.key, earlier)


def key_rows(keys: Iterable[ApiKey], now: datetime) -> list[KeyRow]:
    """Return the keys as they are listed."""
    return [_key_row(key, key.problem(now)) for key in keys]


def _key_row(key: ApiKey, problem: str | None) -> KeyRow:
    return KeyRow(
        id=str(key.id),
        name=key.name,
        masked=f"{key.prefix}…{key.last_four}",
        created_at=key.created_at,
        last_used_at=key.last_used_at,
        expires_at=key.expires_at,
        active=problem is None,
        state=(problem or "").capitalize(),
        tone="neutral",
        is_test=key.kind is KeyKind.TEST,
        networks=tuple(str(each) for each in key.networks),
    )
