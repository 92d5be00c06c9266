"""The trail as a file: one record a line, as CSV or as JSON."""

import csv
import io
import json
from collections.abc import Iterable, Sequence
from datetime import datetime
from enum import StrEnum

from .model import COLUMNS, Told, flat


class TrailFormat(StrEnum):
    """What the trail is written as."""

    CSV = "csv"
    JSONL = "jsonl"

    @property
    def media_type(self) -> str:
        """Return the type as HTTP says it."""
        return "text/csv; charset=utf-8" if self is TrailFormat.CSV else "application/jsonl"


# A spreadsheet takes what begins so for a formula, and the sender of a request chooses some of these texts.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def head_of_file(file_format: TrailFormat) -> bytes:
    """Return what a file begins with."""
    return _csv([COLUMNS]) if file_format is TrailFormat.CSV else b""


def lines_of_file(records: Iterable[Told], file_format: TrailFormat) -> bytes:
    """Return the lines of these records."""
    rows = [flat(each) for each in records]
    if file_format is TrailFormat.CSV:
        return _csv([[_cell(row[column]) for column in COLUMNS] for row in rows])
    return "".join(json.dumps(row, ensure_ascii=False, default=_text) + "\n" for row in rows).encode()


def _text(value: object) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)


def _cell(value: object) -> object:
    if isinstance(value, dict):
        return json.dumps(value, ensure_ascii=False)
    if value is None or isinstance(value, bool):
        return value
    text = _text(value)
    return f"'{text}" if text.startswith(_FORMULA) else text


def _csv(rows: Sequence[Sequence[object]]) -> bytes:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue().encode()
