"""Gate: the numeric cases of proration and lifecycle, each at its own moment of a test clock."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from .stage import Json, Outcome, Stage, WrongAnswerError, within

GATE = "prorations"
_EPOCH = 1_775_001_600  # 1 April 2026: a month of 30 days, for the case that counts from zero
_PATIENCE_SECONDS = 60


@dataclass
class Scene:
    """One case: its numbers, a customer on a clock of its own, and what was found wrong."""

    stage: Stage
    given: Json
    wanted: Json
    wrong: list[str] = field(default_factory=list)
    clock: str = ""
    customer: str = ""
    time: int = 0

    def equal(self, name: str, got: Any, wanted: Any) -> None:
        """Note a difference."""
        if got != wanted:
            self.wrong.append(f"{name} is {got}, wanted {wanted}")

    def begin(self, time: int, card: str | None = "pm_card_visa") -> None:
        """A clock at that moment and a customer on it."""
        self.time = time or _EPOCH
        self.clock = self.stage.post("/v1/test_helpers/test_clocks", frozen_time=self.time)["id"]
        self.customer = self.stage.post("/v1/customers", email="case@example.com", test_clock=self.clock)["id"]
        if card:
            method = self.stage.post(f"/v1/payment_methods/{card}/attach", customer=self.customer)["id"]
            self.stage.post(f"/v1/customers/{self.customer}", invoice_settings={"default_payment_method": method})

    def move(self, time: int) -> None:
        """Advance the clock and wait until it stands."""
        if time <= self.time:
            return
        self.time = time
        self.stage.post(f"/v1/test_helpers/test_clocks/{self.clock}/advance", frozen_time=time)
        for _ in within(_PATIENCE_SECONDS):
            if self.stage.get(f"/v1/test_helpers/test_clocks/{self.clock}")["status"] == "ready":
                return
        raise WrongAnswerError("the test clock did not become ready")

    def price(self, amount: int, interval: str = "month") -> str:
        """A price of that amount."""
        product = self.stage.post("/v1/products", name="Test Subscription")["id"]
        currency, recurring = self.given.get("currency", "usd"), {"interval": interval}
        made = self.stage.post(
            "/v1/prices", product=product, unit_amount=amount, currency=currency, recurring=recurring
        )
        return str(made["id"])

    def subscribe(self, amount: int, interval: str = "month", **more: Any) -> Json:
        """A subscription to a price of that amount."""
        item = {"price": self.price(amount, interval), "quantity": self.given.get("quantity", 1)}
        return self.stage.post("/v1/subscriptions", customer=self.customer, items=[item], **more)

    def change(self, subscription: Json, amount: int, interval: str = "month", **more: Any) -> Json:
        """The subscription after its item went to a price of that amount."""
        item = {"id": subscription["items"]["data"][0]["id"], "price": self.price(amount, interval)}
        return self.stage.post(f"/v1/subscriptions/{subscription['id']}", items=[item], **more)

    def invoice(self, subscription: Json) -> Json:
        """The subscription's latest invoice."""
        return self.stage.get(f"/v1/invoices/{subscription['latest_invoice']}")

    def invoices(self) -> list[Json]:
        """The customer's invoices, newest first."""
        found: list[Json] = self.stage.get("/v1/invoices", customer=self.customer)["data"]
        return found

    def pending(self) -> list[int]:
        """Amounts of the proration items that wait for the next invoice."""
        items = self.stage.get("/v1/invoiceitems", customer=self.customer, pending="true")["data"]
        return [item["amount"] for item in items if item["proration"]]

    def balance(self) -> int:
        """The customer's balance, negative for a credit."""
        return int(self.stage.get(f"/v1/customers/{self.customer}")["balance"])

    def amounts(self, got: list[int]) -> None:
        """Compare credit, debit and net, as far as the case names them."""
        credit, debit = sum(a for a in got if a < 0), sum(a for a in got if a > 0)
        for name, value in (("credit", credit), ("debit", debit), ("net", credit + debit)):
            if name in self.wanted:
                self.equal(name, value, self.wanted[name])


def _prorations(invoice: Json) -> list[int]:
    return [
        line["amount"]
        for line in invoice["lines"]["data"]
        if any((line["parent"].get(f"{kind}_details") or {}).get("proration") for kind in _PARENTS)
    ]


_PARENTS = ("subscription_item", "invoice_item")


def _changed(scene: Scene) -> Json:
    """Subscribe at the period's start, change at the date of the proration; the subscription afterwards."""
    given = scene.given
    scene.begin(given["period_start"])
    shift = scene.time - given["period_start"]
    subscription = scene.subscribe(given["old_unit_amount"], given.get("old_interval", "month"))
    period = subscription["items"]["data"][0]
    scene.equal("the period's end", period["current_period_end"], given["period_end"] + shift)
    at = given["proration_date"] + shift
    scene.move(at)
    more = {name: given[name] for name in ("proration_behavior", "trial_end") if name in given}
    new = given.get("new_unit_amount", given["old_unit_amount"] * 2)
    return scene.change(subscription, new, given.get("new_interval", "month"), proration_date=at, **more)


def _on_next_invoice(scene: Scene) -> None:
    subscription = _changed(scene)
    scene.amounts(scene.pending())
    if "next_invoice_amount_due" in scene.wanted:
        preview = scene.stage.post("/v1/invoices/create_preview", subscription=subscription["id"])
        scene.equal("next amount due", preview["amount_due"], scene.wanted["next_invoice_amount_due"])
        amounts = [line["amount"] for line in preview["lines"]["data"]]
        scene.equal("next period's line", scene.wanted["next_period_line"] in amounts, True)


def _invoiced_now(scene: Scene) -> None:
    subscription, wanted = _changed(scene), scene.wanted
    invoice = scene.invoice(subscription)
    scene.amounts(_prorations(invoice))
    scene.equal("total", invoice["total"], wanted["invoice_total"])
    for name, got in (
        ("invoice_billing_reason", invoice["billing_reason"]),
        ("invoice_status", invoice["status"]),
        ("invoice_amount_due", invoice["amount_due"]),
        ("customer_balance_after", scene.balance()),
        ("billing_cycle_anchor", subscription["billing_cycle_anchor"]),
        ("item_current_period_start", subscription["items"]["data"][0]["current_period_start"]),
        ("item_current_period_end", subscription["items"]["data"][0]["current_period_end"]),
        ("line_descriptions", [line["description"] for line in invoice["lines"]["data"]]),
    ):
        if name in wanted:
            scene.equal(name, got, wanted[name])
    if wanted.get("billing_cycle_anchor_unchanged"):
        scene.equal("anchor", subscription["billing_cycle_anchor"], scene.given["period_start"])
    if "next_invoice" in wanted:
        scene.move(scene.given["period_end"] + 2 * 3_600)
        newest = scene.invoices()[0]
        for name, value in wanted["next_invoice"].items():
            scene.equal(f"next invoice's {name}", newest[name], value)


def _coupon(scene: Scene) -> None:
    given, wanted = scene.given, scene.wanted
    scene.begin(_EPOCH)
    percent, duration = given["percent_off"], given["duration"]
    coupon = scene.stage.post("/v1/coupons", percent_off=percent, duration=duration)["id"]
    invoice = scene.invoice(scene.subscribe(given["unit_amount"], discounts=[{"coupon": coupon}]))
    for name in ("subtotal", "total", "amount_due"):
        scene.equal(name, invoice[name], wanted[name])
    scene.equal("discount", sum(d["amount"] for d in invoice["total_discount_amounts"]), wanted["total_discount"])
    line = invoice["lines"]["data"][0]
    scene.equal("line's amount", line["amount"], wanted["line_amount"])
    scene.equal("line's discount", sum(d["amount"] for d in line["discount_amounts"]), wanted["total_discount"])


def _trial(scene: Scene) -> None:
    given, wanted = scene.given, scene.wanted
    scene.begin(given["created"])
    subscription = scene.subscribe(given["unit_amount"], trial_period_days=given["trial_period_days"])
    for name in ("status", "trial_start", "trial_end", "billing_cycle_anchor"):
        scene.equal(name, subscription[name], wanted[name])
    period = subscription["items"]["data"][0]["current_period_end"]
    scene.equal("period's end", period, wanted["item_current_period_end"])
    invoice = scene.invoice(subscription)
    for name in ("total", "status", "attempt_count", "billing_reason"):
        scene.equal(f"invoice's {name}", invoice[name], wanted["invoice"][name])
    scene.equal("a line for the trial", len(invoice["lines"]["data"]), 1)


def _canceled_at_period_end(scene: Scene) -> None:
    wanted = scene.wanted
    scene.begin(_EPOCH)
    subscription = scene.subscribe(1000)
    scene.move(_EPOCH + 60)
    first = scene.stage.post(f"/v1/subscriptions/{subscription['id']}", cancel_at_period_end=True)
    end = subscription["items"]["data"][0]["current_period_end"]
    asked = _ending(first)
    scene.equal("after the request", asked["status"], wanted["after_schedule"]["status"])
    scene.equal("cancel_at", first["cancel_at"], end)
    scene.equal("canceled_at", first["canceled_at"], _EPOCH + 60)
    scene.equal("ended_at", first["ended_at"], None)
    scene.equal("reason", first["cancellation_details"]["reason"], wanted["after_schedule"]["cancellation_reason"])
    scene.move(_EPOCH + 120)
    last = scene.stage.delete(f"/v1/subscriptions/{subscription['id']}")
    for name in ("status", "cancel_at_period_end", "cancel_at"):
        scene.equal(f"{name} after the end", last[name], wanted["after_delete"][name])
    scene.equal("canceled_at after the end", last["canceled_at"], _EPOCH + 60)
    scene.equal("ended_at after the end", last["ended_at"], _EPOCH + 120)


def _ending(subscription: Json) -> Json:
    return {name: subscription[name] for name in ("status", "cancel_at_period_end", "cancel_at", "canceled_at")}


def _reactivated(scene: Scene) -> None:
    scene.begin(_EPOCH)
    subscription = scene.subscribe(1000)
    path = f"/v1/subscriptions/{subscription['id']}"
    scene.stage.post(path, cancel_at_period_end=True)
    scene.move(_EPOCH + 60)
    back = scene.stage.post(path, cancel_at_period_end=scene.given["cancel_at_period_end"])
    for name, got in _ending(back).items():
        scene.equal(name, got, scene.wanted[name])
    scene.equal("reason", back["cancellation_details"]["reason"], scene.wanted["cancellation_reason"])
    scene.equal("a new invoice", len(scene.invoices()) > 1, scene.wanted["new_invoice"])


def _asks_for_authentication(scene: Scene) -> None:
    scene.begin(_EPOCH, "pm_card_authenticationRequired")
    subscription = scene.subscribe(scene.given["unit_amount"])
    scene.equal("status", subscription["status"], scene.wanted["status"])
    invoice = scene.invoice(subscription)
    for name, value in scene.wanted["invoice"].items():
        scene.equal(f"invoice's {name}", invoice[name], value)


def _credit_note(scene: Scene) -> None:
    given, wanted = scene.given, scene.wanted
    scene.begin(_EPOCH)
    invoice = scene.invoice(scene.subscribe(given["invoice_total"]))
    line = {"type": "custom_line_item", "description": "Refund", "quantity": 1, "unit_amount": given["refund_amount"]}
    note = scene.stage.post(
        "/v1/credit_notes", invoice=invoice["id"], refund_amount=given["refund_amount"], lines=[line]
    )
    for name, value in wanted["credit_note"].items():
        scene.equal(name, note[name], value)
    refund = scene.stage.get(f"/v1/refunds/{note['refunds'][0]['refund']}")
    scene.equal("refunded", refund["amount"], wanted["refund_amount"])
    scene.equal("invoice", scene.stage.get(f"/v1/invoices/{invoice['id']}")["status"], wanted["invoice_status"])


def _canceled_now(scene: Scene) -> None:
    given, wanted = scene.given, scene.wanted
    scene.begin(given["period_start"])
    subscription = scene.subscribe(given["old_unit_amount"])
    scene.move(given["proration_date"])
    flags = {name: given[name] for name in ("prorate", "invoice_now")}
    last = scene.stage.delete(f"/v1/subscriptions/{subscription['id']}", **flags)
    invoice = scene.invoice(last)
    scene.amounts(_prorations(invoice))
    scene.equal("amount due", invoice["amount_due"], wanted["invoice_amount_due"])
    scene.equal("balance", scene.balance(), wanted["customer_balance_after"])
    refunds = scene.stage.get("/v1/refunds", limit=100)["data"]
    charges = {c["id"] for c in scene.stage.get("/v1/charges", customer=scene.customer)["data"]}
    scene.equal("a refund", any(r["charge"] in charges for r in refunds), wanted["automatic_refund"])


def _month_ends(scene: Scene) -> None:
    moments = [int(datetime.fromisoformat(text).timestamp()) for text in scene.wanted["period_starts"]]
    scene.begin(moments[0])
    subscription = scene.subscribe(1000, scene.given["interval"])
    for moment in moments:
        scene.move(moment)
        found = scene.stage.get(f"/v1/subscriptions/{subscription['id']}")["items"]["data"][0]
        start = datetime.fromtimestamp(found["current_period_start"], UTC).isoformat()
        scene.equal("period's start", start, datetime.fromtimestamp(moment, UTC).isoformat())


def _previewed(scene: Scene) -> None:
    given, wanted = scene.given, scene.wanted
    scene.begin(given["period_start"])
    subscription, other = scene.subscribe(given["old_unit_amount"]), scene.subscribe(given["old_unit_amount"])
    scene.move(given["preview_at"])
    item = {"id": subscription["items"]["data"][0]["id"], "price": scene.price(given["new_unit_amount"])}
    details = {"items": [item], "proration_date": given["proration_date"], "proration_behavior": "always_invoice"}
    preview = scene.stage.post(
        "/v1/invoices/create_preview", subscription=subscription["id"], subscription_details=details
    )
    scene.wanted = wanted["preview"]
    scene.amounts(_prorations(preview))
    scene.move(given["update_at"])
    now = {"proration_behavior": "always_invoice"}
    fixed = scene.change(subscription, given["new_unit_amount"], proration_date=given["proration_date"], **now)
    scene.wanted = wanted["update_with_proration_date"]
    scene.amounts(_prorations(scene.invoice(fixed)))
    scene.wanted = wanted["update_without"]
    scene.amounts(_prorations(scene.invoice(scene.change(other, given["new_unit_amount"], **now))))


def _without_prorations(scene: Scene) -> None:
    given, wanted = scene.given, scene.wanted
    scene.begin(_EPOCH)
    subscription = scene.subscribe(given["old_unit_amount"])
    scene.move(_EPOCH + 10 * 86_400)
    after = scene.change(subscription, given["new_unit_amount"], proration_behavior=given["proration_behavior"])
    scene.equal("prorations", len(scene.pending()), wanted["prorations"])
    scene.equal("the invoice", after["latest_invoice"], subscription["latest_invoice"])
    scene.move(subscription["items"]["data"][0]["current_period_end"] + 3_600)
    scene.equal("next total", scene.invoices()[0]["total"], wanted["next_invoice_total"])


def _trial_ended_now(scene: Scene) -> None:
    given, wanted = scene.given, scene.wanted
    for card, status in (
        ("pm_card_visa", wanted["status_if_paid"]),
        ("pm_card_chargeCustomerFail", wanted["status_if_payment_fails"]),
    ):
        scene.begin(given["now"] - 86_400, card)
        subscription = scene.subscribe(given["unit_amount"], trial_period_days=14)
        scene.move(given["now"])
        after = scene.stage.post(f"/v1/subscriptions/{subscription['id']}", trial_end=given["trial_end"])
        scene.equal(f"status with {card}", after["status"], status)
        scene.equal("anchor", after["billing_cycle_anchor"], wanted["billing_cycle_anchor"])
        scene.equal("total", scene.invoice(after)["total"], wanted["invoice_total"])


def _free_to_paid(scene: Scene) -> None:
    given, wanted = scene.given, scene.wanted
    scene.begin(given["at"] - 10 * 86_400)
    subscription = scene.subscribe(given["old_unit_amount"])
    scene.move(given["at"])
    after = scene.change(subscription, given["new_unit_amount"])
    scene.equal("anchor", after["billing_cycle_anchor"], wanted["billing_cycle_anchor"])
    lines = [line["amount"] for line in scene.invoice(after)["lines"]["data"]]
    scene.equal("lines", [amount for amount in lines if amount], [wanted["full_line"]])
    scene.equal("credit", sum(amount for amount in lines if amount < 0), wanted["credit"])


def _credit_of_what_was_paid(scene: Scene) -> None:
    """In flexible mode, which is all that the twin has; the classic mode's number is another."""
    given = scene.given
    scene.begin(given["period_start"])
    coupon = scene.stage.post("/v1/coupons", percent_off=given["paid_with_coupon_percent_off"], duration="forever")
    subscription = scene.subscribe(given["unit_amount"], discounts=[{"coupon": coupon["id"]}])
    scene.move(given["proration_date"])
    scene.stage.post(f"/v1/subscriptions/{subscription['id']}", discounts="")
    scene.change(subscription, given["unit_amount"] * 2, proration_date=given["proration_date"])
    credit = sum(amount for amount in scene.pending() if amount < 0)
    scene.equal("credit", credit, scene.wanted["flexible_credit"])


_CASES: dict[str, Callable[[Scene], None]] = {
    "doc-preview-silver-gold": _on_next_invoice,
    "rec-gist-2017": _on_next_invoice,
    "rec-one-second": _on_next_invoice,
    "rec-flex-month-to-year": _invoiced_now,
    "doc-half-period-upgrade": _on_next_invoice,
    "rec-coupon-10-forever": _coupon,
    "rec-trial-14": _trial,
    "rec-cancel-at-period-end": _canceled_at_period_end,
    "rec-reactivate": _reactivated,
    "rec-sca-incomplete": _asks_for_authentication,
    "rec-credit-note-refund": _credit_note,
    "der-upgrade-day10-of-30": _invoiced_now,
    "der-downgrade-day10-of-30": _invoiced_now,
    "der-cancel-now-prorate": _canceled_now,
    "der-jpy-zero-decimal": _on_next_invoice,
    "der-month-end-anchor": _month_ends,
    "der-lock-preview": _previewed,
    "der-proration-none": _without_prorations,
    "der-end-trial-now": _trial_ended_now,
    "der-free-to-paid": _free_to_paid,
    "der-flex-credit-uses-original-debit": _credit_of_what_was_paid,
}


def run(stage: Stage, recordings: Path) -> list[Outcome]:
    """Play all cases; one that is new in the data fails until it is written here."""
    cases = json.loads((recordings / "proration_cases.json").read_text())["cases"]
    return [_outcome(stage, case) for case in cases]


def _outcome(stage: Stage, case: Json) -> Outcome:
    scene = Scene(stage, case["input"], case["expected"])
    if case["id"] not in _CASES:
        return Outcome(GATE, case["id"], "nobody has written down how to play this case")
    try:
        _CASES[case["id"]](scene)
    except WrongAnswerError as error:
        scene.wrong.append(str(error))
    return Outcome(GATE, case["id"], "; ".join(scene.wrong) or None)
