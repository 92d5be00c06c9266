"""Usage events as a file, CSV or Parquet, made while it is read: memory does not grow with the number of events."""

import csv
import io
from collections.abc import Generator, Sequence
from contextlib import closing
from datetime import datetime
from enum import StrEnum
from typing import Any

from tollkeeper.infra import Database

from .store import Wanted, read_events


class ExportFormat(StrEnum):
    """What an export is written as."""

    CSV = "csv"
    PARQUET = "parquet"

    @property
    def media_type(self) -> str:
        """Return the type as HTTP says it."""
        return "text/csv; charset=utf-8" if self is ExportFormat.CSV else "application/vnd.apache.parquet"


COLUMNS = (
    *("id", "organization", "feature", "at", "count", "value", "period_start"),
    *("member", "credential", "idempotency_key", "revision", "properties"),
)
"""What a file has, in this order; `properties` is the text of a JSON object. `at` is when the usage happened."""

Rows = Sequence[Sequence[Any]]


def export_events(database: Database, wanted: Wanted, file_format: ExportFormat) -> Generator[bytes]:
    """Yield a file piece by piece; to be read in a thread, and closed when it is not read to its end.

    A database that does not answer is told of before the first piece.
    """
    batches = read_events(database, wanted)
    if file_format is ExportFormat.CSV:
        return _csv(batches)
    from .parquet import parquet  # noqa: PLC0415 - slow to load, used by few

    return parquet(batches)


def _csv(batches: Generator[Rows]) -> Generator[bytes]:
    head: Rows = [COLUMNS]
    with closing(batches):
        first = next(batches, [])
        yield _lines([*head, *map(_plain, first)])
        for rows in batches:
            yield _lines(list(map(_plain, rows)))


def _plain(row: Sequence[Any]) -> list[Any]:
    return [each.isoformat() if isinstance(each, datetime) else each for each in row]


def _lines(rows: Rows) -> bytes:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue().encode()
