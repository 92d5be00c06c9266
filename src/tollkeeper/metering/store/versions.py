"""Which rows of events count: of an event and its corrections the newest one, unless it voids the event."""

from uuid import UUID

from sqlalchemy import ColumnElement, and_, exists, func, literal

from tollkeeper.metering.tables import USAGE_EVENTS


def counting(*, recorded_before: UUID | None = None) -> ColumnElement[bool]:
    """Whether a row of `usage_events` counts. Asked of the index of corrections, which are few.

    With `recorded_before`, whether it counted when that id was made.
    """
    event, later = USAGE_EVENTS.c, USAGE_EVENTS.alias("later").c
    newer: list[ColumnElement[bool]] = [
        later.corrects == func.coalesce(event.corrects, event.id),
        later.revision > func.coalesce(event.revision, literal(0)),
    ]
    here: list[ColumnElement[bool]] = [event.voided.is_not(True)]
    if recorded_before is not None:
        newer.append(later.id < recorded_before)
        here.append(event.id < recorded_before)
    return and_(*here, ~exists().where(*newer).correlate(USAGE_EVENTS))
