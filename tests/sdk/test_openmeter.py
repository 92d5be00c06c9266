"""OpenMeter's own Python client, as it comes from PyPI, sends its events here; the numbers agree."""

import uuid
from datetime import UTC, datetime

import pytest
from corehttp.exceptions import HttpResponseError
from openmeter import Client
from openmeter.aio import Client as AsyncClient
from openmeter.models import Event

from tollkeeper_sdk import Tollkeeper

from .conftest import Live


def event(subject: str, number: int) -> Event:
    return Event(
        id=str(uuid.uuid4()),
        source="openmeter-test",
        specversion="1.0",
        type="prompts",
        subject=subject,
        time=datetime.now(UTC),
        data={"tokens": number, "model": "gpt-5"},
    )


@pytest.fixture
def customer(toll: Tollkeeper) -> str:
    return toll.create_customer("By OpenMeter", external_id=f"openmeter-{uuid.uuid4()}").external_id or ""


def test_single_events_and_batches_are_counted_once(live: Live, toll: Tollkeeper, customer: str) -> None:
    with Client(endpoint=live.server.url, token=live.operator) as client:
        single = event(customer, 1)
        client.events.ingest_event(single)
        batch = [event(customer, number) for number in range(100)]
        client.events.ingest_events(batch)
        client.events.ingest_events_json([*batch, event(customer, 100)])
        client.events.ingest_event(single)
    (used,) = [each.used for each in toll.usage(customer=customer) if each.feature == "prompts"]
    assert used == 102


async def test_its_asynchronous_client_does_the_same(live: Live, toll: Tollkeeper, customer: str) -> None:
    async with AsyncClient(endpoint=live.server.url, token=live.operator) as client:
        await client.events.ingest_events([event(customer, number) for number in range(10)])
    (used,) = [each.used for each in toll.usage(customer=customer) if each.feature == "prompts"]
    assert used == 10


def test_a_refusal_reaches_its_caller(live: Live, customer: str) -> None:
    with Client(endpoint=live.server.url, token=live.operator) as client:
        wrong = event(customer, 1)
        wrong["type"] = "nonsense"
        with pytest.raises(HttpResponseError) as refused:
            client.events.ingest_event(wrong)
    assert refused.value.status_code == 422
