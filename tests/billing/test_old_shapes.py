"""Events in the shapes of older API versions: their subject is found in each; all else is asked for again.

`python tools/old_shapes.py` prints the same as a table.
"""

import importlib.util
import json
import os
import sys
from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from tollkeeper.billing.provider.stripe_read import HANDLED, event

STRIPE = os.environ.get("STRIPE_RECORDINGS", "")
pytestmark = pytest.mark.skipif(not STRIPE, reason="STRIPE_RECORDINGS is not set")
TOOL = Path(__file__).parents[2] / "tools" / "old_shapes.py"
TIMES = {
    "period_start",
    "period_end",
    "created_at",
    "due_at",
    "next_attempt_at",
    "trial_end",
    "ended_at",
    "canceled_at",
}
PLAIN = {
    "id",
    "customer_id",
    "subscription_id",
    "status",
    "email",
    "currency",
    "quantity",
    "item_id",
    "number",
    "total",
}
NAMED = {
    "subscription": "subscription_id",
    "invoice": "invoice_id",
    "customer": "customer_id",
    "checkout.session": "checkout_id",
    "credit_note": "credit_note_id",
}


@pytest.fixture(scope="module")
def tool() -> ModuleType:
    spec = importlib.util.spec_from_file_location("old_shapes", TOOL)
    assert spec
    assert spec.loader
    made = importlib.util.module_from_spec(spec)
    sys.modules["old_shapes"] = made  # dataclasses look themselves up there
    spec.loader.exec_module(made)
    return made


def test_every_field_is_what_stands_in_the_body(tool: ModuleType) -> None:
    checked = set()
    for row in tool.rows(Path(STRIPE)):
        if row.value is None or row.place == tool.REFETCHED:
            continue
        there = row.there["id"] if isinstance(row.there, Mapping) and "id" in row.there else row.there
        if row.field in TIMES:
            assert isinstance(row.value, datetime), row
            assert row.value.timestamp() == there, row
        elif row.field in PLAIN:
            assert row.value == there, row
        elif row.field == "price":
            assert row.value.provider_id == there, row
        else:
            continue
        checked.add((row.kind, row.field, row.version))
    assert len(checked) > 100
    versions = {version for _, _, version in checked}
    assert versions >= {"2018-01-23", "2020-03-02", "2020-08-27", "2025-10-29.clover", "2026-03-25.dahlia"}


def test_what_moved_is_found_in_its_old_place(tool: ModuleType) -> None:
    found = {(row.kind, row.field, row.place) for row in tool.rows(Path(STRIPE)) if row.value is not None}
    assert found >= {
        ("subscription", "period_end", "items.data.0.current_period_end"),
        ("subscription", "period_end", "current_period_end"),
        ("invoice", "subscription_id", "parent.subscription_details.subscription"),
        ("invoice", "subscription_id", "subscription"),
    }


def test_the_subject_of_every_handled_event_is_found(tool: ModuleType) -> None:
    seen = 0
    for path in sorted((Path(STRIPE) / "fixtures" / "events").glob("*.json")):
        raw = json.loads(path.read_text())
        body = (raw.get("data") or {}).get("object") or {}
        if raw.get("type") not in HANDLED or body.get("object") not in tool.READERS or "livemode" not in raw:
            continue
        subject = event(json.dumps(raw).encode()).subject
        assert subject is not None, path.name
        named: dict[str, Any] = asdict(subject)
        if body["object"] in {"charge", "refund", "dispute"}:
            charge = body["id"] if body["object"] == "charge" else body["charge"]
            assert named["payment_id"] == (body.get("payment_intent") or charge), path.name
        else:
            assert named[NAMED[body["object"]]] == body["id"], path.name
        seen += 1
    assert seen >= 30
