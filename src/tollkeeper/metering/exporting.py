"""Usage events as a file, CSV or Parquet, made while it is read: memory does not grow with the number of events."""

import csv
import io
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing
from datetime import datetime
from enum import StrEnum
from queue import Queue
from threading import Event, Thread
from typing import Any, NamedTuple

from arro3.core import Array, DataType, Field, RecordBatch, RecordBatchReader, Schema
from arro3.io import write_parquet

from tollkeeper.infra import Database

from .store import Wanted, read_events

ROW_GROUP = 20_000
"""Rows that a Parquet file is compressed by, and that are in memory at a time."""
_PIECES_AHEAD = 4
_MOMENT = DataType.timestamp("us", tz="UTC")
_MILLION = 1_000_000


class ExportFormat(StrEnum):
    """What an export is written as."""

    CSV = "csv"
    PARQUET = "parquet"

    @property
    def media_type(self) -> str:
        """Return the type as HTTP says it."""
        return "text/csv; charset=utf-8" if self is ExportFormat.CSV else "application/vnd.apache.parquet"


class _Column(NamedTuple):
    name: str
    kind: DataType
    nullable: bool = False


COLUMNS = (
    _Column("id", DataType.utf8()),
    _Column("organization", DataType.utf8()),
    _Column("feature", DataType.utf8()),
    _Column("at", _MOMENT),
    _Column("count", DataType.int64()),
    _Column("value", DataType.utf8(), nullable=True),
    _Column("period_start", _MOMENT),
    _Column("member", DataType.utf8(), nullable=True),
    _Column("credential", DataType.utf8(), nullable=True),
    _Column("idempotency_key", DataType.utf8(), nullable=True),
    _Column("revision", DataType.int64()),
    _Column("properties", DataType.utf8(), nullable=True),
)
"""What a file has, in this order; `properties` is the text of a JSON object. `at` is when the usage happened."""
_SCHEMA = Schema([Field(each.name, each.kind, nullable=each.nullable) for each in COLUMNS])

Rows = Sequence[Sequence[Any]]


def export_events(database: Database, wanted: Wanted, file_format: ExportFormat) -> Generator[bytes]:
    """Yield a file piece by piece; to be read in a thread, and closed when it is not read to its end.

    A database that does not answer is told of before the first piece.
    """
    batches = read_events(database, wanted)
    return _csv(batches) if file_format is ExportFormat.CSV else _parquet(batches)


def _csv(batches: Generator[Rows]) -> Generator[bytes]:
    head: Rows = [[each.name for each in COLUMNS]]
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


def _parquet(batches: Generator[Rows]) -> Generator[bytes]:
    def write(sink: _Sink) -> None:
        failures: list[Exception] = []

        def checked() -> Iterator[RecordBatch]:
            try:
                with closing(batches):
                    for rows in batches:
                        if sink.stopped.is_set():
                            return
                        yield _batch(rows)
            except Exception as error:
                failures.append(error)
                raise

        reader = RecordBatchReader.from_batches(_SCHEMA, checked())
        try:
            write_parquet(reader, sink, compression="zstd(3)", max_row_group_size=ROW_GROUP)  # type: ignore[arg-type]
        except Exception:
            if failures:  # the writer tells of them in words only
                raise failures[0] from None
            raise

    return _read_while_written(write)


def _batch(rows: Rows) -> RecordBatch:
    columns = zip(*rows, strict=True)
    return RecordBatch.from_arrays(
        [_array(list(values), each) for values, each in zip(columns, COLUMNS, strict=True)], schema=_SCHEMA
    )


def _array(values: list[Any], column: _Column) -> Array:
    if column.kind == _MOMENT:
        # The writer makes no moments of Python's own; whole numbers keep every microsecond.
        micro = [int(each.timestamp()) * _MILLION + each.microsecond for each in values]
        return Array(micro, type=DataType.int64()).cast(_MOMENT)
    if column.kind == DataType.utf8():
        return Array([None if each is None else str(each) for each in values], type=column.kind)
    return Array(values, type=column.kind)


class _Sink:
    """The file that a writer in another thread writes to, a few pieces ahead of who reads.

    It never refuses to be written to: the writer cannot stand it. When nobody reads any more, nothing is kept.
    """

    def __init__(self) -> None:
        self.pieces: Queue[bytes | BaseException | None] = Queue(_PIECES_AHEAD)
        self.stopped = Event()

    def write(self, piece: bytes) -> int:
        if not self.stopped.is_set():
            self.pieces.put(bytes(piece))
        return len(piece)

    def flush(self) -> None:
        """Nothing is kept back."""

    def seek(self, *_: int) -> int:
        """Asked for, never used."""
        raise io.UnsupportedOperation


def _read_while_written(write: Callable[[_Sink], None]) -> Generator[bytes]:
    sink = _Sink()

    def run() -> None:
        end: BaseException | None = None
        try:
            write(sink)
        except BaseException as error:  # noqa: BLE001 - whoever reads gets it
            end = error
        sink.pieces.put(end)

    writer = Thread(target=run, name="export", daemon=True)
    writer.start()
    try:
        while isinstance(piece := sink.pieces.get(), bytes):
            yield piece
        if piece is not None:
            raise piece
    finally:
        sink.stopped.set()
        while writer.is_alive():  # it may wait for room that nobody needs any more
            while not sink.pieces.empty():
                sink.pieces.get_nowait()
            writer.join(0.05)
