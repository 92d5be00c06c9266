"""The history of a feature's usage, whole or split by what its events say."""

from collections.abc import Mapping, Sequence
from enum import StrEnum
from types import MappingProxyType

from tollkeeper.infra import Tx
from tollkeeper.kit import FieldProblem, InvalidInputError
from tollkeeper.metering import Bucket, HistoryPoint, Meter, history, list_meters, used_by_periods
from tollkeeper.rating import Period

from .model import Access, Allowance, UnknownFeatureError


class Split(StrEnum):
    """What a usage history is told by: so long a time, or the periods that the feature's limit is for."""

    HOUR = Bucket.HOUR.value
    DAY = Bucket.DAY.value
    MONTH = Bucket.MONTH.value
    PERIOD = "period"


NOTHING_FILTERED: Mapping[str, Sequence[str]] = MappingProxyType({})


def allowance_of(access: Access, feature: str) -> Allowance:
    """Return what the organization may use of a metered feature.

    Raises:
        UnknownFeatureError: there is no such feature, or it is not metered.
    """
    allowance = access.allowances.get(feature)
    if allowance is None:
        raise UnknownFeatureError(f"There is no metered feature {feature!r}.", feature=feature)
    return allowance


async def meter_of(tx: Tx, feature: str) -> int:
    """Return the meter of a feature, whoever may use it.

    Raises:
        UnknownFeatureError: there is no such feature, or it is not metered.
    """
    for meter in await list_meters(tx):
        if meter.key == feature:
            return meter.id
    raise UnknownFeatureError(f"There is no metered feature {feature!r}.", feature=feature)


async def usage_history(
    tx: Tx,
    access: Access,
    feature: str,
    period: Period,
    split: Split,
    *,
    group_by: Sequence[str] = (),
    filters: Mapping[str, Sequence[str]] = NOTHING_FILTERED,
    only_rolled_up: bool = False,
) -> Sequence[HistoryPoint]:
    """Usage of one feature within a span of time, by bucket or by the periods limits are for, but for empty ones.

    `only_rolled_up`: as `history` has it.

    Raises:
        UnknownFeatureError: there is no such feature.
        InvalidInputError: its meter's history cannot be split by one of these properties, or not by period.
    """
    allowance = allowance_of(access, feature)
    if split is Split.PERIOD:
        if group_by or filters:
            raise InvalidInputError([FieldProblem("bucket", "what periods came to is not split or filtered")])
        own = access.standing.organization_id
        return await used_by_periods(tx, own, allowance.meter_id, start=period.start, end=period.end)
    if group_by or filters:
        (meter,) = [each for each in await list_meters(tx) if each.id == allowance.meter_id]
        _must_split_by(meter, group_by, filters)
    return await history(
        tx,
        access.standing.organization_id,
        allowance.meter_id,
        start=period.start,
        end=period.end,
        bucket=Bucket(split.value),
        group_by=group_by,
        filters=filters,
        only_rolled_up=only_rolled_up,
    )


def _must_split_by(meter: Meter, group_by: Sequence[str], filters: Mapping[str, Sequence[str]]) -> None:
    known = ", ".join(meter.group_by) or "nothing"
    wrong = [FieldProblem("group_by", f"must be one of: {known}") for each in group_by if each not in meter.group_by]
    wrong += [FieldProblem("filter", f"must be one of: {known}") for each in filters if each not in meter.group_by]
    if wrong:
        raise InvalidInputError(wrong)
