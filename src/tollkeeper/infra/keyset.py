"""Reading a list page by page in the order of an index, from either of its ends."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, Select, tuple_


def in_order(
    query: Select[Any], columns: Sequence[ColumnElement[Any]], place: Sequence[Any] | None, *, descending: bool
) -> Select[Any]:
    """Return the query ordered by these columns, beyond the `place` of the row seen last; None: from the first row.

    The last column must tell rows apart, or rows would be missed where a page ends among equal ones. One index over
    the columns serves both directions.
    """
    if place is not None:
        here, there = tuple_(*columns), tuple_(*place)
        query = query.where(here < there if descending else here > there)
    return query.order_by(*(each.desc() if descending else each for each in columns))
