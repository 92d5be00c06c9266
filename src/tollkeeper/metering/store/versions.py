"""Which rows of events count: of an event and its corrections the newest one, unless it voids the event."""

from sqlalchemy import ColumnElement, and_, exists, func, literal

from tollkeeper.metering.tables import USAGE_EVENTS


def counting() -> ColumnElement[bool]:
    """Whether a row of `usage_events` counts. Asked of the index of corrections, which are few."""
    event, later = USAGE_EVENTS.c, USAGE_EVENTS.alias("later").c
    newer = exists().where(
        later.corrects == func.coalesce(event.corrects, event.id),
        later.revision > func.coalesce(event.revision, literal(0)),
    )
    return and_(event.voided.is_not(True), ~newer.correlate(USAGE_EVENTS))
