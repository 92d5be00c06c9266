"""The file of what was set aside: one JSON document a line, to be read by people and programs."""

import contextlib
import os
from collections.abc import Sequence
from pathlib import Path

import msgspec

from .model import DeadLetter

MAX_FILE_BYTES = 8 * 1024 * 1024


class DeadLetters:
    """`dead-letters.jsonl`; past eight megabytes it becomes `dead-letters.1.jsonl`, and the one before that goes."""

    def __init__(self, directory: Path) -> None:
        self.path = directory / "dead-letters.jsonl"
        self._older = directory / "dead-letters.1.jsonl"

    def add(self, letters: Sequence[DeadLetter]) -> None:
        """Write letters down, on disk when this returns. The caller holds the spool's write lock."""
        if not letters:
            return
        content = b"".join(msgspec.json.encode(letter) + b"\n" for letter in letters)
        with contextlib.suppress(FileNotFoundError):
            if self.path.stat().st_size + len(content) > MAX_FILE_BYTES:
                self.path.replace(self._older)
        with self.path.open("a+b") as file:
            if file.tell() and not _ends_a_line(self.path):
                content = b"\n" + content  # a line that a crash cut short is ended, so that it spoils no other
            file.write(content)
            file.flush()
            os.fsync(file.fileno())

    def read(self) -> list[DeadLetter]:
        """Every letter, oldest first; lines cut short by a crash are passed over."""
        found = []
        for path in (self._older, self.path):
            with contextlib.suppress(FileNotFoundError):
                for line in path.read_bytes().splitlines():
                    with contextlib.suppress(msgspec.MsgspecError, UnicodeDecodeError):
                        found.append(msgspec.json.decode(line, type=DeadLetter))
        return found


def _ends_a_line(path: Path) -> bool:
    with path.open("rb") as file:
        file.seek(-1, os.SEEK_END)
        return file.read(1) == b"\n"
