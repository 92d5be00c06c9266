"""The commands of billing and of the clock as programs: what they print, the code they end with, what they refuse."""

import json
import os
import re
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from program import PROGRAM

from .test_commands import NOWHERE, a_folder, environment, tollkeeper

KEY = "sk_test_tollkeeper"
WRONG, DIFFERENT = 2, 3
CATALOGUE = """
features:
  prompts: {name: Prompts, kind: metered, unit: prompt}
plans:
  free:
    name: Free
    default: true
    entitlements: {prompts: {limit: 10, hard: true}}
  pro:
    name: Pro
    prices: {month: {usd: 2000}}
    entitlements: {prompts: {limit: 1000, hard: true}}
"""
PRODUCTION = {
    "TOLLKEEPER_ENV": "production",
    "JWT_SECRET": "a" * 64,
    "JWT_REFRESH_SECRET": "b" * 64,
    "TOLLKEEPER_ENCRYPTION_KEYS": "c" * 64,
    "STRIPE_SECRET_KEY": "sk_live_none",
    "STRIPE_WEBHOOK_SECRET": "whsec_none",
    "TOLLKEEPER_PUBLIC_URL": "https://tollkeeper.example",
    "SMTP_URL": "smtp://mail.tollkeeper.example:587",
}


@pytest.fixture
def data() -> Iterator[Path]:
    with a_folder() as folder:
        (folder / "plans.yaml").write_text(CATALOGUE)
        yield folder / "data"


@pytest.fixture(scope="module")
def standing() -> Iterator[Path]:
    """One data directory for all who are refused: nobody leaves anything in it."""
    with a_folder() as folder:
        yield folder / "data"


class Twin:
    """The twin of a data directory, spoken to without us."""

    def __init__(self, url: str) -> None:
        self.url = url

    def __call__(self, method: str, path: str, **sent: str) -> dict[str, Any]:
        form = {"data": sent} if method == "POST" else {"params": sent}
        answer = httpx.request(method, f"{self.url}/v1/{path}", auth=(KEY, ""), trust_env=False, **form)  # type: ignore[arg-type]
        assert answer.is_success, answer.text
        found: dict[str, Any] = answer.json()
        return found


@contextmanager
def twin_of(data: Path) -> Iterator[Twin]:
    command: list[str | Path] = [PROGRAM, "twin", "stripe", "--port", "0", "--data", data / "stripe_twin"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment()) as running:  # noqa: S603 - our own program
        assert running.stdout
        found = re.search(r"http://\S+", running.stdout.readline())
        assert found
        yield Twin(found[0])
        os.kill(running.pid, signal.SIGTERM)


def sold_before(twin: Twin) -> str:
    """Make an account that sold to two customers before us; returns a subscription."""
    product = twin("POST", "products", name="Pro")["id"]
    price = {"product": product, "currency": "usd", "unit_amount": "2000", "recurring[interval]": "month"}
    monthly = twin("POST", "prices", **price)["id"]
    twin("POST", "prices", **{**price, "unit_amount": "777"})
    subscription = ""
    for name in ("Ada", "Grace"):
        customer = twin("POST", "customers", name=name, email=f"{name}@example.com".lower())["id"]
        card = twin("POST", "payment_methods/pm_card_visa/attach", customer=customer)["id"]
        wish = {"customer": customer, "items[0][price]": monthly, "default_payment_method": card}
        subscription = twin("POST", "subscriptions", **wish)["id"]
    return subscription


def test_an_account_is_taken_over_compared_and_mended(data: Path) -> None:
    where = ("--data-dir", data)
    assert tollkeeper("plans", "apply", data.parent / "plans.yaml", *where)[0] == 0
    with twin_of(data) as twin:
        subscription = sold_before(twin)
    code, said, _ = tollkeeper("billing", "import", *where)
    assert code == 0
    assert re.search(r"price price_\w+ is equal to none or several of the catalogue's", said), "the one of 7.77"
    assert "1 prices matched, 2 organizations made, 2 customers taken over" in said
    code, said, _ = tollkeeper("billing", "import", *where)
    assert (code, "0 prices matched, 0 organizations made, 0 customers taken over, 0 of" in said) == (0, True)
    code, said, _ = tollkeeper("billing", "reconcile", *where)
    assert (code, said.strip()[-12:]) == (0, "0 different.")
    with twin_of(data) as twin:
        twin("POST", f"subscriptions/{subscription}", cancel_at_period_end="true")
    code, said, _ = tollkeeper("billing", "reconcile", *where)
    assert code == DIFFERENT
    assert f"subscription {subscription}  cancel_at_period_end: False -> True" in said
    assert "1 different." in said
    code, said, _ = tollkeeper("billing", "reconcile", "--fix", *where)
    assert (code, "1 mended." in said) == (0, True)
    assert tollkeeper("billing", "reconcile", *where)[0] == 0


def test_a_history_is_tried_in_many_orders(data: Path) -> None:
    where = ("--data-dir", data)
    assert tollkeeper("plans", "apply", data.parent / "plans.yaml", *where)[0] == 0
    with twin_of(data) as twin:
        sold_before(twin)
    assert tollkeeper("billing", "import", *where)[0] == 0
    history = data.parent / "history.json"
    with twin_of(data) as twin:
        history.write_text(json.dumps(twin("GET", "events", limit="30")))
    code, said, _ = tollkeeper("billing", "converge", history, "--runs", "5", "--seed", "7", *where)
    assert (code, said.strip()) == (0, "5 orders of 30 events, 0 ended differently.")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (None, "cannot be read"),
        ("no json", "not JSON"),
        ("[]", "at least one event"),
        ('[{"id": "evt_1"}]', "not an event"),
    ],
)
def test_what_is_no_history_is_refused_in_words(standing: Path, tmp_path: Path, text: str | None, words: str) -> None:
    history = tmp_path / "history.json"
    if text is not None:
        history.write_text(text)
    code, _, said = tollkeeper("billing", "converge", history, "--data-dir", standing)
    assert code not in {0, DIFFERENT}
    assert words in said


def test_time_passes_for_both_and_ours_goes_back(data: Path) -> None:
    where = ("--data-dir", data)
    code, said, _ = tollkeeper("clock", "show", *where)
    assert code == 0
    assert re.findall(r"^(Product|Twin) +\d{4}-\d\d-\d\d .*\(0:00:00 ahead\)$", said, re.MULTILINE) == [
        "Product",
        "Twin",
    ]
    code, said, _ = tollkeeper("clock", "advance", "2d12h", *where)
    assert code == 0
    assert re.search(r"It is \d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC\.", said)
    code, said, _ = tollkeeper("clock", "show", *where)
    assert len(re.findall(r"\(2 days, 1[12]:", said)) == 2, said
    code, _, said = tollkeeper("clock", "reset", *where)
    assert code == 0
    assert re.search(r"The twin stays 2 days, 1[12]:\S+ ahead; empty its folder to begin anew\.", said)


@pytest.mark.parametrize("span", ["", "soon", "0d", "9999w", "1dd"])
def test_what_is_no_span_of_time_is_refused(data: Path, span: str) -> None:
    code, _, said = tollkeeper("clock", "advance", span, "--data-dir", data)
    assert code == WRONG
    assert "span of time" in said or "five years" in said
    assert not data.exists(), "nothing was begun"


@pytest.mark.parametrize("command", [("show",), ("advance", "1d"), ("reset",)])
def test_time_is_not_moved_in_production(clean_database: str, command: tuple[str, ...]) -> None:
    code, _, said = tollkeeper("clock", *command, **PRODUCTION, DATABASE_URL=clean_database)
    assert code not in {0, DIFFERENT}
    assert "Time cannot be moved here" in said


@pytest.mark.parametrize("command", [("reconcile",), ("import",), ("reconcile", "--fix")])
def test_without_a_database_they_say_so(data: Path, command: tuple[str, ...]) -> None:
    code, _, said = tollkeeper("billing", *command, "--data-dir", data, DATABASE_URL=NOWHERE)
    assert code not in {0, DIFFERENT}
    assert "database" in said.lower()
