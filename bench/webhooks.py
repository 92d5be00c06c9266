"""Webhooks a minute while the API serves: how long from the receipt of an event until its state is written.

python -m bench.webhooks [--per-minute 1000] [--seconds 60] [--customers 20]
"""

import argparse
import asyncio
import json
import time
from typing import Any
from uuid import uuid4

import httpx
import psycopg
from rich.console import Console
from stripe import WebhookSignature

from bench.machine import scratch
from bench.server import Server, running
from tollkeeper.infra import read_local_secrets
from tollkeeper.infra.embedded import EmbeddedPostgres

SETTLE_SECONDS = 120
LOOK_SECONDS = 0.05
DONE = "select provider_id from provider_events where provider_id like %s and processed_at is not null"
CARD = {"exp_month": "12", "exp_year": "2040", "cvc": "123", "name": "Ada", "postal_code": "10115"}


async def buy(client: httpx.AsyncClient, twin: httpx.AsyncClient, number: int) -> dict[str, Any]:
    """Make an organization that has bought a plan; returns the event that told of its subscription."""
    made = await client.post("/api/customers", json={"name": f"Customer {number}", "external_id": f"bench-{number}"})
    made.raise_for_status()
    page = await client.post("/api/stripe/create-checkout", json={"plan": "pro", "customer": f"bench-{number}"})
    page.raise_for_status()
    await twin.post(
        page.json()["url"], data={"email": f"{number}@example.com", "card_number": "4242424242424242", **CARD}
    )
    listed = (await twin.get("/v1/events", params={"type": "customer.subscription.created", "limit": 1})).json()
    found: dict[str, Any] = listed["data"][0]
    return found


async def deliver(client: httpx.AsyncClient, event: dict[str, Any], ident: str, secret: str) -> int:
    """Send the event anew under another id, signed as the provider signs; returns the answer's status."""
    body = json.dumps({**event, "id": ident, "created": int(time.time())})
    signature = WebhookSignature.generate_signature_header(body, secret, int(time.time()))
    answer = await client.post("/api/webhooks/stripe", content=body, headers={"Stripe-Signature": signature})
    return answer.status_code


async def status_calls(client: httpx.AsyncClient, customers: int, stop: asyncio.Event, took: list[float]) -> None:
    """Ask for the status of one customer after another, as an application would, and keep how long each took."""
    number = 0
    while not stop.is_set():
        begun = time.perf_counter()
        answer = await client.get("/api/subscription/status", params={"customer": f"bench-{number % customers}"})
        answer.raise_for_status()
        took.append(time.perf_counter() - begun)
        number += 1
        await asyncio.sleep(0.02)


async def watch(database: str, run: str, count: int, done: dict[str, float]) -> None:
    """Note when each event's state can first be seen by others, to `LOOK_SECONDS`; ends with the last one."""
    async with await psycopg.AsyncConnection.connect(database, autocommit=True) as connection:
        while len(done) < count:
            rows = await (await connection.execute(DONE, (f"evt_{run}_%",))).fetchall()
            for (ident,) in rows:
                done.setdefault(ident, time.perf_counter())
            await asyncio.sleep(LOOK_SECONDS)


def rank(values: list[float], share: float) -> float:
    """Return the value that this share of all does not exceed."""
    return sorted(values)[min(len(values) - 1, int(len(values) * share))]


async def measure(server: Server, database: str, per_minute: int, seconds: int, customers: int) -> None:
    """Deliver at an even pace beside calls of the API, wait for the work to end, and print the figures."""
    secrets = read_local_secrets(server.data_dir)
    secret = next(value for name, value in secrets.items() if name.startswith("webhook secret"))
    port = int((server.data_dir / "stripe_twin" / "port").read_text())
    headers = {"Authorization": f"Bearer {server.key}"}
    run = uuid4().hex[:8]
    async with (
        httpx.AsyncClient(base_url=server.url, headers=headers, trust_env=False, timeout=30) as client,
        httpx.AsyncClient(
            base_url=f"http://127.0.0.1:{port}", auth=("sk_test_tollkeeper", ""), trust_env=False, timeout=30
        ) as twin,
    ):
        events = [await buy(client, twin, number) for number in range(customers)]
        stop, took, begun_at, done = asyncio.Event(), list[float](), dict[str, float](), dict[str, float]()
        count = per_minute * seconds // 60
        calling = asyncio.create_task(status_calls(client, customers, stop, took))
        watching = asyncio.create_task(watch(database, run, count, done))
        begun, sending = time.perf_counter(), []
        for number in range(count):
            await asyncio.sleep(max(0.0, begun + number * 60 / per_minute - time.perf_counter()))
            ident = f"evt_{run}_{number}"
            begun_at[ident] = time.perf_counter()
            sending.append(asyncio.create_task(deliver(client, events[number % customers], ident, secret)))
        answers = await asyncio.gather(*sending)
        sent = time.perf_counter() - begun
        stop.set()
        await calling
        await asyncio.wait([watching], timeout=SETTLE_SECONDS)
        watching.cancel()
    delays = [at - begun_at[ident] for ident, at in done.items()]
    out = Console()
    out.print(f"{count} webhooks in {sent:.1f} s ({count / sent * 60:.0f} a minute), {answers.count(200)} answered 200")
    if delays:
        p50, p95, p99 = (rank(delays, share) * 1000 for share in (0.5, 0.95, 0.99))
        out.print(f"receipt to state: {len(delays)} of {count}, p50 {p50:.0f} ms, p95 {p95:.0f} ms, p99 {p99:.0f} ms")
    out.print(f"status calls meanwhile: {len(took)}, p95 {rank(took, 0.95) * 1000:.0f} ms")


def main() -> None:
    """Read the options and measure on a server of our own."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--per-minute", type=int, default=1000)
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--customers", type=int, default=20)
    options = parser.parse_args()
    with scratch() as folder:
        data = folder / "data"
        with EmbeddedPostgres(data) as database, running(data) as server:
            url = database.start()
            asyncio.run(measure(server, url, options.per_minute, options.seconds, options.customers))


if __name__ == "__main__":
    main()
