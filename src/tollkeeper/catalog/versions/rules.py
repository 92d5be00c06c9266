"""A catalogue as a file, and how two files differ, line by line. Pure."""

import difflib
from collections.abc import Mapping, Sequence
from typing import Any

import yaml
from pydantic import BaseModel

CONTEXT = 3
"""So many lines that stayed are shown around those that changed."""


def words_of_file(spec: BaseModel) -> str:
    """Return a catalogue as a file, without what goes without saying; read again it is the same catalogue."""
    return words_of_data(data_of(spec))


def data_of(spec: BaseModel) -> dict[str, Any]:
    """Return a catalogue as plain data, in the shape of its file and without what goes without saying."""
    return spec.model_dump(mode="json", exclude_defaults=True)


def words_of_data(data: Mapping[str, Any]) -> str:
    """Return plain data in the shape of the catalogue's file as the file."""
    return yaml.safe_dump(data, sort_keys=False, allow_unicode=True, width=100)


def line_changes(before: BaseModel | None, after: BaseModel) -> Sequence[str]:
    """Return how two catalogues differ as files: lines that begin with `+`, `-`, `@@` or, where they stayed, a space.

    However they were written, each is compared as `words_of_file` writes it. `before` None: there was nothing.
    """
    old = words_of_file(before).splitlines() if before is not None else []
    new = words_of_file(after).splitlines()
    # The first two lines name files, and there are none.
    return list(difflib.unified_diff(old, new, lineterm="", n=CONTEXT))[2:]
