"""Gate: the recorded sequences, replayed. Status, error code, shape and values must be those that were recorded.

Ids, moments, addresses and account data differ by nature. Parts of the recordings begin in the middle: what they take
for granted (customers, cards, prices, an invoice to pay) is made first, as the recorded answer shows it was.
"""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from .stage import Json, Outcome, Pairs, Stage, WrongAnswerError

GATE = "scenarios"
_ID = re.compile(r"\b(?:cus|pm|pi|ch|py|in|il|ii|sub|si|txn|re|cn|cnli|inpay|evt|cs|req|di|seti|prod|price)_\w{6,}")
# Moments: only whether there is one is compared.
_MOMENT = re.compile(
    r"created|date|.*_at|.*_(start|end|date)|start|end|billing_cycle_anchor|available_on|next_payment_attempt|expires_.*"
)
# Account, network and random data, addresses, and what only Stripe's own script in browsers reads.
_OWN = re.compile(
    r"id|.*url|(invoice_)?pdf|client_secret|fingerprint|number|invoice_prefix|account_(name|country)|payment_account_reference"
    r"|network_.*|authorization_code|exp_month|exp_year|risk_score|receipt_number|next_invoice_sequence"
    r"|payment_method_configuration_details|ip_address|calculated_statement_descriptor|statement_descriptor"
    r"|request_log_url|iin|issuer|description|nickname|name|proration_details|branding_settings|wallet_options"
    r"|payment_method_types|rendering|times_redeemed|use_stripe_sdk"
)
_PRICES = ("default", "small-monthly", "small-annual")
_UNRECORDED_PRICE = {"unit_amount": 1000, "currency": "usd", "recurring": {"interval": "month", "interval_count": 1}}
_BLACKED_OUT = "user@example.com"  # stands in the recordings for addresses of people
_UNNAMED = object()


def run(stage: Stage, recordings: Path) -> list[Outcome]:
    """Replay all recordings."""
    return [Replay(stage, file).outcome() for file in sorted((recordings / "scenarios").glob("*.json"))]


class Replay:
    """One recording; `known` leads from recorded ids to the twin's."""

    def __init__(self, stage: Stage, file: Path) -> None:
        self.stage, self.name = stage, file.stem
        self.steps = json.loads(file.read_text())["steps"]
        self.known: dict[str, str] = {}
        self.expanded: set[str] = set()

    def outcome(self) -> Outcome:
        """Play it to the end or to the first difference."""
        try:
            self._provide_catalogue()
            for place, step in enumerate(self.steps):
                problems = self._step(place, step)
                if problems:
                    where = f"step {place + 1} {step['method']} {urlsplit(step['url']).path}"
                    return Outcome(GATE, self.name, f"{where}: {'; '.join(problems[:12])}")
        except WrongAnswerError as error:
            return Outcome(GATE, self.name, str(error))
        return Outcome(GATE, self.name)

    def _step(self, place: int, step: Json) -> list[str]:
        address = urlsplit(step["url"])
        text = step["form"] if step["method"] == "POST" else address.query
        form = _present(address.path, parse_qsl(text, keep_blank_values=True))
        self.expanded = {value.split(".")[-1] for name, value in form if name.startswith("expand")} - {"data"}
        for ident in _ID.findall(address.path + " " + " ".join(value for _, value in form)):
            if ident not in self.known and not ident.startswith("pm_card_"):
                self.known[ident] = self._provide(place, ident, step)
        sent = [(name, self._ours(value)) for name, value in form]
        status, body = self.stage.call(step["method"], self._ours(address.path), sent)
        if status != step["status"]:
            return [f"answered {status} {body.get('error', {}).get('message', '')}, recorded {step['status']}"]
        if status != 200:
            wanted, got = step["response"]["error"], body["error"]
            return [
                f"{name}: {got.get(name)}, recorded {wanted.get(name)}"
                for name in ("type", "code", "param", "decline_code")
                if got.get(name) != wanted.get(name)
            ]
        return list(self._differences(step["response"], body, ""))

    def _ours(self, text: str) -> str:
        return re.sub(r"[\w-]+", lambda found: self.known.get(found[0], found[0]), text)

    # what is taken for granted

    def _provide_catalogue(self) -> None:
        prices = {found["id"]: found for found in _objects([s["response"] for s in self.steps], "price")}
        text = json.dumps([step["form"] for step in self.steps])
        for name in _PRICES:
            if name in prices or f"price]={name}" in text:
                self.known[name] = self._price(prices.get(name, _UNRECORDED_PRICE))
        if "10OFF" in text and self.stage.call("GET", "/v1/coupons/10OFF")[0] == 404:
            self.stage.post("/v1/coupons", id="10OFF", percent_off="10", duration="forever", name="10% off")

    def _price(self, recorded: Json) -> str:
        product = str(recorded.get("product"))
        if product not in self.known:
            self.known[product] = self.stage.post("/v1/products", name="Test Subscription")["id"]
        shape: Json = {name: recorded[name] for name in ("unit_amount", "currency", "tax_behavior") if name in recorded}
        if recorded.get("recurring"):
            shape["recurring"] = {name: recorded["recurring"][name] for name in ("interval", "interval_count")}
        return str(self.stage.post("/v1/prices", product=self.known[product], **shape)["id"])

    def _provide(self, place: int, ident: str, step: Json) -> str:
        recorded = step["response"]
        kind = ident.partition("_")[0]
        if kind == "cus":
            return str(self.stage.post("/v1/customers", email="stripe@example.org", name="Stripe User")["id"])
        if kind == "pm":
            asks = any(s["response"].get("status") == "requires_action" for s in self.steps[place : place + 2])
            card = "pm_card_authenticationRequired" if asks else "pm_card_visa"
            customer = self.known[recorded["id"]]
            return str(self.stage.post(f"/v1/payment_methods/{card}/attach", customer=customer)["id"])
        if kind == "in":
            customer = self.known[recorded["customer"]]
            line = recorded["lines"]["data"][0]
            self.stage.post(
                "/v1/invoiceitems", customer=customer, **{n: line[n] for n in ("amount", "currency", "description")}
            )
            made = self.stage.post("/v1/invoices", customer=customer, pending_invoice_items_behavior="include")
            return str(made["id"])
        if kind == "price":
            return self._price({"unit_amount": recorded["amount_total"], "currency": recorded["currency"]})
        if kind == "pi":
            return self._waiting_payment(recorded)
        raise WrongAnswerError(f"{ident} was not recorded and cannot be made")

    def _waiting_payment(self, recorded: Json) -> str:
        shape = {"unit_amount": recorded["amount"], "currency": recorded["currency"]}
        price = self._price({**shape, "recurring": {"interval": "month", "interval_count": 1}})
        made = self.stage.post(
            "/v1/subscriptions",
            customer=self.known[recorded["customer"]],
            items=[{"price": price}],
            expand=["latest_invoice.payments"],
        )
        return str(made["latest_invoice"]["payments"]["data"][0]["payment"]["payment_intent"])

    # comparing

    def _differences(self, recorded: Any, got: Any, path: str) -> Iterator[str]:
        if isinstance(recorded, dict) and isinstance(got, dict):
            for name, value in recorded.items():
                yield from self._field(name, value, got.get(name, _UNNAMED), f"{path}.{name}".lstrip("."))
        elif isinstance(recorded, list) and isinstance(got, list):
            if len(recorded) != len(got):
                yield f"{path}: {len(got)} entries, recorded {len(recorded)}"
            for place, (one, other) in enumerate(zip(recorded, got, strict=False)):
                yield from self._differences(one, other, f"{path}.{place}")
        elif isinstance(recorded, str) and _ID.fullmatch(recorded) and isinstance(got, str):
            if self.known.setdefault(recorded, got) != got:
                yield f"{path}: another object than recorded"
        elif recorded != got and self._ours(str(recorded)) != got:
            yield f"{path}: {got!r:.80}, recorded {recorded!r:.80}"

    def _field(self, name: str, recorded: Any, got: Any, path: str) -> Iterator[str]:
        if got is _UNNAMED:
            # Fields that left the API are no difference, and required ones that lack are found by the schema gate.
            if name in self.expanded:
                yield f"{path}: missing though expanded"
        elif name == "id" and isinstance(recorded, str) and isinstance(got, str):
            self.known.setdefault(recorded, got)
        elif _MOMENT.fullmatch(name) and not isinstance(recorded, dict):
            if (recorded is None) != (got is None):
                yield f"{path}: {got!r}, recorded {recorded!r}"
        elif not _OWN.fullmatch(name) and recorded != _BLACKED_OUT:
            yield from self._differences(recorded, got, path)


def _present(path: str, form: Pairs) -> Pairs:
    """The fields as the present API version has them."""
    if path.startswith("/v1/subscriptions"):
        form = [("billing_cycle_anchor[type]", v) if n == "billing_cycle_anchor" else (n, v) for n, v in form]
    return form


def _objects(value: Any, kind: str) -> Iterator[Json]:
    """Every object of that kind anywhere inside."""
    if isinstance(value, dict):
        if value.get("object") == kind:
            yield value
        value = list(value.values())
    if isinstance(value, list):
        for part in value:
            yield from _objects(part, kind)
