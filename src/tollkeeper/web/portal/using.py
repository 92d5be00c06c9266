"""What the usage page says beside the numbers: who used a feature with which key, and by what rule it is counted."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from tollkeeper.catalog import EntitlementPeriod, Feature
from tollkeeper.gate import Balance
from tollkeeper.identity import ApiKey, User, find_keys_of, find_users
from tollkeeper.infra import Tx
from tollkeeper.metering import Aggregation, Meter, NewestUse, newest_use
from tollkeeper.web.ui import inline, number

NEWEST = 2_000
"""So many events are looked at to tell who used something; more would make the page slow where there are millions."""
SHOWN = 8

_COUNTS = {
    Aggregation.SUM: "adds up what each call reports",
    Aggregation.COUNT: "counts the calls",
    Aggregation.MAX: "keeps the highest number reported",
    Aggregation.LATEST: "keeps the number reported last",
    Aggregation.UNIQUE: "counts how many different values were reported",
}


@dataclass(frozen=True, slots=True)
class UserRow:
    """A key and a person, and how much of the usage looked at is theirs. `share` is in per cent.

    `who` empty: nobody was named. `href` leads to the key; empty: it was reported another way.
    """

    key: str
    who: str
    used: int
    share: int
    last_at: datetime
    href: str = ""


@dataclass(frozen=True, slots=True)
class Users:
    """Who used a feature lately. `note` says what was looked at."""

    rows: tuple[UserRow, ...]
    note: str


async def users_of(tx: Tx, organization_id: UUID, meter: Meter, balance: Balance) -> Users | None:
    """Return who used a feature in its period; None where shares make no sense. Always three queries."""
    if meter.aggregation not in {Aggregation.SUM, Aggregation.COUNT}:
        return None
    period = balance.period
    found = await newest_use(tx, organization_id, meter.id, since=period.start, until=period.end, most=NEWEST)
    shown = found.uses[:SHOWN]
    keys = await find_keys_of(tx, organization_id, {each.credential_id for each in shown if each.credential_id})
    people = await find_users(tx, {each.member_id for each in shown if each.member_id})
    return Users(_rows(found, keys, people), _note(found))


def _rows(found: NewestUse, keys: Mapping[UUID, ApiKey], people: Mapping[UUID, User]) -> tuple[UserRow, ...]:
    whole = sum(each.used for each in found.uses) or 1
    rows = []
    for each in found.uses[:SHOWN]:
        key, who = keys.get(each.credential_id or UUID(int=0)), people.get(each.member_id or UUID(int=0))
        rows.append(
            UserRow(
                key=key.name if key else "Without an API key of yours",
                who=who.name or who.email if who else "",
                used=each.used,
                share=round(100 * each.used / whole),
                last_at=each.last_at,
                href=f"/keys/{key.id}" if key else "",
            )
        )
    return tuple(rows)


def _note(found: NewestUse) -> str:
    if found.is_all:
        return "All calls of this period."
    return f"The newest {number(sum(each.events for each in found.uses))} calls of this period."


def rule_of(feature: Feature, meter: Meter, balance: Balance) -> list[tuple[str, str]]:
    """Return by what rule a feature is counted and held, as questions and answers."""
    return [
        ("What counts", _counted(meter)),
        ("How much", _limited(feature, balance)),
        ("What then", _then(feature, balance)),
        ("When it starts again", _again(balance)),
    ]


def _counted(meter: Meter) -> str:
    only = ", ".join(f"{path} is {' or '.join(str(each) for each in values)}" for path, values in meter.filters.items())
    what = f"`{meter.event_type}` events" + (f" where {only}" if only else "")
    of = f" in `{meter.value}`" if meter.value else ""
    return f"This meter {_COUNTS[meter.aggregation]}{of}, of {what}. A call that is repeated counts once."


def _limited(feature: Feature, balance: Balance) -> str:
    if balance.limit is None:
        return "Your plan sets no limit."
    parts = [f"{number(balance.limit)} {inline(feature.name)}"]
    if balance.carried:
        parts.append(f"of which {number(balance.carried)} are left over from the period before")
    if balance.credits:
        parts.append(f"and {number(balance.credits)} credits beyond")
    return ", ".join(parts) + "."


def _then(feature: Feature, balance: Balance) -> str:
    if balance.limit is None:
        return "Nothing is refused."
    if balance.allowance.hard:
        grace = f" {number(balance.allowance.grace)} more still pass." if balance.allowance.grace else ""
        return f"A call that would pass the limit is refused with 402, and nothing of it is counted.{grace}"
    return (
        f"Nothing is refused: {inline(feature.name)} beyond the limit are counted, and charged where they have a price."
    )


def _again(balance: Balance) -> str:
    allowance = balance.allowance
    if allowance.window is not None:
        return f"All the time: what is older than {allowance.window} no longer counts."
    if allowance.period is EntitlementPeriod.NEVER:
        return "Never: what is used is used."
    start, end = balance.period.start, balance.period.end
    return f"On {end:%-d %b %Y, %H:%M} UTC. This period began on {start:%-d %b %Y}."
