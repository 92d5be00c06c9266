"""Every recorded webhook body, of every version of the API: taken in or refused with a reason, never stuck."""

import os
from pathlib import Path

import httpx
import pytest

from tollkeeper import billing
from tollkeeper.billing import EventStatus
from tollkeeper.billing.flows.service import process_event
from tollkeeper.kit import FixedClock

from .shop import Shop, sign
from .test_webhooks import deliver

REASONS = {"webhook_unreadable", "webhook_thin_event", "webhook_livemode_mismatch"}


def recorded() -> list[Path]:
    named = os.environ.get("STRIPE_RECORDINGS")
    return sorted((Path(named) / "fixtures" / "events").glob("*.json")) if named else []


@pytest.mark.skipif(not recorded(), reason="STRIPE_RECORDINGS is not set")
async def test_every_recorded_body_is_taken_in_or_refused_with_a_reason(
    shop: Shop, client: httpx.AsyncClient, clock: FixedClock
) -> None:
    refused: dict[str, str] = {}
    for path in recorded():
        body = path.read_bytes()
        answer = await deliver(client, body, sign(body, clock))
        if answer.status_code != httpx.codes.OK:
            assert answer.status_code == httpx.codes.BAD_REQUEST, (path.name, answer.text)
            refused[path.name] = answer.json()["code"]
    assert set(refused.values()) <= REASONS, refused
    async with shop.runtime.transaction() as tx:
        stored = await billing.list_events(tx, limit=10_000)
    assert len(stored) > len(refused)
    for each in stored:
        async with shop.runtime.transaction() as tx:
            ended = await process_event(tx, each.id)
        assert ended in {EventStatus.PROCESSED, EventStatus.UNMATCHED, EventStatus.IGNORED}, each.type
