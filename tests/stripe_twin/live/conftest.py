"""A live twin in its own process, the official SDK as its client, and a receiver for its webhooks."""

import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest
import stripe
from stripe._v1_services import V1Services

KEY = "sk_test_twin"
CARD = {"exp_month": "12", "exp_year": "2034", "cvc": "123", "name": "Mara Lind", "postal_code": "10115"}


@dataclass
class TwinProcess:
    """`python -m stripe_twin` on a data directory; may be killed and started again."""

    data: Path
    port: int = 0
    process: subprocess.Popen[str] | None = None
    base: str = ""

    def start(self) -> None:
        command = [sys.executable, "-m", "stripe_twin", "--port", str(self.port), "--data", str(self.data)]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)  # noqa: S603 -- our own program
        assert self.process.stdout
        line = self.process.stdout.readline()
        found = re.fullmatch(r"listening on (http://127\.0\.0\.1:(\d+))\n", line)
        assert found, f"unexpected first line: {line!r}"
        self.base, self.port = found[1], int(found[2])
        wait_until(self.healthy)

    def healthy(self) -> bool:
        try:
            return httpx.get(f"{self.base}/_twin/health").is_success
        except httpx.TransportError:
            return False

    def stop(self, how: signal.Signals = signal.SIGTERM) -> int:
        assert self.process
        assert self.process.stdout
        self.process.send_signal(how)
        status = self.process.wait(60)
        self.process.stdout.close()
        return status

    @property
    def v1(self) -> V1Services:
        return self.client().v1

    def client(self, key: str = KEY) -> stripe.StripeClient:
        transport = stripe.RequestsClient()
        return stripe.StripeClient(key, base_addresses={"api": self.base}, http_client=transport, max_network_retries=0)

    def advance(self, seconds: int) -> None:
        answer = httpx.post(f"{self.base}/_twin/clock", json={"advance_seconds": seconds}, timeout=30)
        assert answer.status_code == 200, answer.text

    def raw(self, method: str, path: str, **options: Any) -> httpx.Response:
        headers = {"Authorization": f"Bearer {KEY}", **options.pop("headers", {})}
        return httpx.request(method, self.base + path, headers=headers, **options)


@dataclass
class Received:
    """One delivery as it arrived."""

    body: bytes
    signature: str
    at: float

    @property
    def event(self) -> dict[str, Any]:
        parsed: dict[str, Any] = httpx.Response(200, content=self.body).json()
        return parsed

    @property
    def type(self) -> str:
        return str(self.event["type"])


@dataclass
class Receiver:
    """A webhook endpoint. `statuses` are the answers to come, 200 when none is left; it thinks for `pause` seconds."""

    url: str
    got: list[Received] = field(default_factory=list)
    statuses: list[int] = field(default_factory=list)
    pause: float = 0.0
    at_once: int = 0
    most_at_once: int = 0

    @property
    def types(self) -> list[str]:
        return [received.type for received in self.got]

    def wait_for(self, event_type: str) -> Received:
        wait_until(lambda: event_type in self.types)
        return next(received for received in self.got if received.type == event_type)


def wait_until(done: Callable[[], bool], seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.02)


@pytest.fixture(scope="session")
def twin(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TwinProcess]:
    """One twin for all tests that do not move its clock or kill it."""
    running = TwinProcess(tmp_path_factory.mktemp("twin"))
    running.start()
    yield running
    assert running.stop() == 0


@pytest.fixture
def own_twin(tmp_path: Path) -> Iterator[TwinProcess]:
    """A twin of this test's own."""
    running = TwinProcess(tmp_path / "data")
    running.start()
    yield running
    if running.process and running.process.poll() is None:
        running.stop()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """A server that keeps what it is sent."""

    counting = threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            with counting:
                kept.at_once += 1
                kept.most_at_once = max(kept.most_at_once, kept.at_once)
                kept.got.append(Received(body, self.headers["stripe-signature"], time.time()))
            time.sleep(kept.pause)
            with counting:
                kept.at_once -= 1
            self.send_response(kept.statuses.pop(0) if kept.statuses else 200)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 -- the name is the base class's
            """Keep the test output clean."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    kept = Receiver(f"http://127.0.0.1:{server.server_address[1]}/hook")
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield kept
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture(scope="session")
def recordings() -> Path:
    """The folder of recordings and checkers named by STRIPE_RECORDINGS; compulsory in CI."""
    named = os.environ.get("STRIPE_RECORDINGS")
    if named and (Path(named) / "stripe_sdk_validate.py").is_file():
        return Path(named)
    if os.environ.get("CI"):
        pytest.fail("STRIPE_RECORDINGS must name the folder with stripe_sdk_validate.py in CI")
    pytest.skip("STRIPE_RECORDINGS is not set")


class Shop:
    """What most tests start from."""

    def __init__(self, twin: TwinProcess) -> None:
        self.twin = twin
        self.v1 = twin.v1
        self.product = self.v1.products.create({"name": "Pro"})

    def price(self, amount: int = 2000, interval: Any = "month", **more: Any) -> stripe.Price:
        wanted: Any = {
            "product": self.product.id,
            "unit_amount": amount,
            "currency": "usd",
            "recurring": {"interval": interval},
            **more,
        }
        return self.v1.prices.create(wanted)

    def customer(self, card: str | None = "pm_card_visa") -> stripe.Customer:
        customer = self.v1.customers.create({"email": "mara@example.com", "name": "Mara Lind"})
        if card:
            method = self.v1.payment_methods.attach(card, {"customer": customer.id})
            settings: Any = {"default_payment_method": method.id}
            customer = self.v1.customers.update(customer.id, {"invoice_settings": settings})
        return customer

    def checkout(self, **more: Any) -> stripe.checkout.Session:
        price = more.pop("price", None) or self.price()
        given: Any = {
            "mode": "subscription",
            "line_items": [{"price": price.id, "quantity": 1}],
            "success_url": "http://shop.test/done?session={CHECKOUT_SESSION_ID}",
            "cancel_url": "http://shop.test/plans",
            **more,
        }
        return self.v1.checkout.sessions.create(given)

    def submit(self, session: stripe.checkout.Session, number: str, **fields: str) -> httpx.Response:
        assert session.url
        form = {"email": "mara@example.com", "card_number": number, **CARD, **fields}
        return httpx.post(session.url, data=form)

    def events_of(self, *idents: str | None) -> list[str]:
        """Types of the events about these objects, oldest first."""
        found = [event for event in self.v1.events.list({"limit": 100}).data if event.data.object["id"] in idents]
        return [event.type for event in reversed(found)]


@pytest.fixture
def shop(twin: TwinProcess) -> Shop:
    return Shop(twin)


@pytest.fixture
def own_shop(own_twin: TwinProcess) -> Shop:
    return Shop(own_twin)
