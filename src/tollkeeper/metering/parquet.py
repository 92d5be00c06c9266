"""Usage events as Parquet: the writer works in a thread of its own, a few pieces ahead of who reads."""

import io
from collections.abc import Callable, Generator, Iterator
from contextlib import closing
from queue import Queue
from threading import Event, Thread
from typing import Any

from arro3.core import Array, DataType, Field, RecordBatch, RecordBatchReader, Schema
from arro3.io import write_parquet

from .exporting import COLUMNS, Rows

ROW_GROUP = 20_000
"""Rows that a file is compressed by, and that are in memory at a time."""
_PIECES_AHEAD = 4
_MOMENT = DataType.timestamp("us", tz="UTC")
_MILLION = 1_000_000
_OTHER_THAN_TEXT = {"at": _MOMENT, "count": DataType.int64(), "period_start": _MOMENT, "revision": DataType.int64()}
_KINDS = tuple(_OTHER_THAN_TEXT.get(name, DataType.utf8()) for name in COLUMNS)
_OPTIONAL = frozenset({"value", "member", "credential", "idempotency_key", "properties"})
_SCHEMA = Schema([Field(name, kind, nullable=name in _OPTIONAL) for name, kind in zip(COLUMNS, _KINDS, strict=True)])


def parquet(batches: Generator[Rows]) -> Generator[bytes]:
    """Yield the file; to be read in a thread, and closed when it is not read to its end."""

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
        [_array(list(values), kind) for values, kind in zip(columns, _KINDS, strict=True)], schema=_SCHEMA
    )


def _array(values: list[Any], kind: DataType) -> Array:
    if kind == _MOMENT:
        # The writer makes no moments of Python's own; whole numbers keep every microsecond.
        micro = [int(each.timestamp()) * _MILLION + each.microsecond for each in values]
        return Array(micro, type=DataType.int64()).cast(_MOMENT)
    if kind == DataType.utf8():
        return Array([None if each is None else str(each) for each in values], type=kind)
    return Array(values, type=kind)


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
