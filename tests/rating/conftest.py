"""Tables of expected numbers that other billing systems publish; they lie beside the recordings, not in the project."""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Table = Callable[[str], list[dict[str, Any]]]


@pytest.fixture(scope="session")
def table() -> Table:
    """Read the cases of a file: `cases/NAME.json` beside the recordings, or `NAME.json` among them.

    Rows that contradict their own rule (`convention_sensitive`) are left out, as the tables' README asks.
    """
    named = os.environ.get("STRIPE_RECORDINGS")
    if not named:
        pytest.skip("STRIPE_RECORDINGS is not set")
    folder = Path(named)

    def read(name: str) -> list[dict[str, Any]]:
        path = folder.parent / "cases" / f"{name}.json"
        rows = json.loads((path if path.is_file() else folder / f"{name}.json").read_text(), parse_float=str)["cases"]
        return [row for row in rows if not row.get("convention_sensitive")]

    return read
