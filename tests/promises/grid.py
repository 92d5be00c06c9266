"""The grid: every route of the API with what it needs. A route that is missing here fails `test_grid.py`."""

from dataclasses import dataclass, field
from typing import Any

from tollkeeper.kit import Permission

PASSWORD = "correct horse battery"
PUBLIC = "nobody"
"""No login is needed. Said of each public route below, so that nothing becomes public by being forgotten."""
ANYONE = "anyone who is known"
PERSON = "a person"
OPERATOR = "the operator"

Json = dict[str, Any]


@dataclass(frozen=True)
class Route:
    """One route and its promises. Words in braces stand for what `World` knows by that name.

    Attributes:
        call: method and path as the router has them.
        needs: PUBLIC, ANYONE, PERSON, OPERATOR, or the permission that is needed.
        success: the documented status of a good call by `caller`; None where a test of its own makes the good call.
        body: a good body; None when none is taken.
        wrong: a body or query with something wrong in every field it has, and the fields the answer has to name.
        others: names another tenant's thing, which must be answered with 404 like one that does not exist.
        once: takes `Idempotency-Key`.
        open: takes fields nobody knows, as its format says.
    """

    call: str
    needs: str
    success: int | None = 200
    body: Json | None = None
    query: Json = field(default_factory=dict)
    wrong: tuple[Json, frozenset[str]] | None = None
    caller: str = "ada"
    others: Json | None = None
    once: bool = False
    open: bool = False

    @property
    def method(self) -> str:
        return self.call.split(" ")[0]

    @property
    def path(self) -> str:
        return self.call.split(" ")[1]

    @property
    def writes(self) -> bool:
        return self.method != "GET"


def wrong(**fields: Any) -> tuple[Json, frozenset[str]]:
    return fields, frozenset(fields)


THEIRS = {"customer": "{eve_id}"}
CUSTOMER = wrong(customer="x" * 5000)
ZERO = "00000000-0000-7000-8000-000000000000"
PAGE = wrong(limit="0", cursor="not a cursor")

GRID = (
    # Public, each for its reason: who comes has no login yet, or proves itself otherwise, or there is nothing to hide.
    Route(
        "POST /api/auth/register",
        PUBLIC,
        201,
        {"email": "new@example.com", "password": PASSWORD, "name": "New"},
        wrong=wrong(email="no address", password="short", name="x" * 300),
    ),
    Route(
        "POST /api/auth/login",
        PUBLIC,
        body={"email": "ada@example.com", "password": PASSWORD},
        wrong=wrong(email=5, password=None, otp=["1"]),
    ),
    Route(
        "POST /api/auth/refresh", PUBLIC, body={"refresh_token": "{refresh_token}"}, wrong=wrong(refresh_token=[1, 2])
    ),
    Route("GET /api/plans", PUBLIC),
    Route("POST /api/webhooks/stripe", PUBLIC, None, {}),
    Route("GET /health", PUBLIC),
    Route("GET /health/live", PUBLIC),
    Route("GET /api/health", PUBLIC),
    Route("GET /metrics", PUBLIC),  # to loopback only; its own test is below
    # People.
    Route(
        "POST /api/auth/logout",
        ANYONE,
        204,
        {"refresh_token": "{refresh_token}"},
        wrong=wrong(refresh_token=5),
    ),
    Route("GET /api/auth/me", ANYONE),
    Route("GET /api/profile", PERSON),
    Route("PATCH /api/profile", PERSON, body={"name": "Ada L."}, wrong=wrong(name="", time_zone=5)),
    # API keys.
    Route("GET /api/keys", Permission.KEYS_READ, wrong=wrong(limit="0", with_revoked="maybe"), others=THEIRS),
    Route(
        "POST /api/keys",
        Permission.KEYS_MANAGE,
        201,
        {"name": "laptop", "scopes": ["usage:write"]},
        wrong=wrong(name="", kind="gold", expires_at="yesterday", per_minute=0, customer=7),
        others=THEIRS,
        once=True,
    ),
    Route(
        "PATCH /api/keys/{key_id}",
        Permission.KEYS_MANAGE,
        body={"name": "desk", "per_minute": 600},
        wrong=wrong(name="", per_minute=1.5),
        others={"key_id": "{eve_key_id}"},
    ),
    Route(
        "POST /api/keys/{key_id}/rotate",
        Permission.KEYS_MANAGE,
        body={"grace_seconds": 60},
        wrong=wrong(grace_seconds=-1),
        others={"key_id": "{eve_key_id}"},
        once=True,
    ),
    Route("DELETE /api/keys/{key_id}", Permission.KEYS_MANAGE, 204, others={"key_id": "{eve_key_id}"}),
    Route(
        "POST /api/keys/verify/batch",
        OPERATOR,
        body={"items": [{"key": "{secret}"}]},
        wrong=wrong(items=[]),
        caller="operator",
    ),
    Route(
        "POST /api/keys/verify",
        OPERATOR,
        body={"key": "{secret}", "feature": "prompts"},
        wrong=wrong(key="", feature=5, quantity=0),
        caller="operator",
    ),
    # Customers, for the operator.
    Route(
        "POST /api/customers",
        OPERATOR,
        201,
        {"name": "Grace", "external_id": "grace-1"},
        wrong=wrong(name="  ", external_id=" blank "),
        caller="operator",
        once=True,
    ),
    Route("GET /api/customers", OPERATOR, wrong=wrong(limit="101", cursor="x" * 65), caller="operator"),
    Route("GET /api/customers/{customer}", OPERATOR, caller="operator", others={"customer": "nobody-at-all"}),
    # Usage.
    Route(
        "POST /api/usage/track",
        Permission.USAGE_WRITE,
        body={"feature": "prompts", "count": 2, "idempotency_key": "once"},
        wrong=wrong(feature="", count=0, idempotency_key="", at="noon", customer=""),
        others={"feature": "prompts", **THEIRS},
    ),
    Route(
        "POST /api/usage/track/batch",
        Permission.USAGE_WRITE,
        body={"items": [{"feature": "prompts"}]},
        wrong=wrong(items=[]),
    ),
    Route(
        "POST /api/events",
        Permission.USAGE_WRITE,
        204,
        {"id": "1", "source": "tests", "type": "prompts"},
        wrong=wrong(
            id="",
            source="",
            type="",
            specversion="2",
            subject="",
            time="noon",
            datacontenttype="x",
            data=[],
            data_base64="",
        ),
        others={"subject": "{eve_id}"},
        open=True,
    ),
    Route("GET /api/meters", Permission.USAGE_READ),
    Route(
        "POST /api/usage/check",
        Permission.USAGE_READ,
        body={"feature": "prompts"},
        wrong=wrong(feature=5, count=1.5, customer=[]),
        others={"feature": "prompts", **THEIRS},
    ),
    Route(
        "POST /api/usage/reserve",
        Permission.USAGE_WRITE,
        201,
        {"feature": "prompts", "count": 2, "ttl_seconds": 60},
        wrong=wrong(feature="", count=0, ttl_seconds=0, idempotency_key="", customer=""),
        others={"feature": "prompts", "count": 1, **THEIRS},
    ),
    # What a good call does is told in tests/gate/test_reserving.py.
    Route(
        "POST /api/usage/reserve/{reservation_id}/settle",
        Permission.USAGE_WRITE,
        None,
        {"count": 1},
        wrong=wrong(count=-1, customer=""),
        others={"reservation_id": ZERO, "count": 1},
    ),
    Route(
        "POST /api/usage/reserve/{reservation_id}/release",
        Permission.USAGE_WRITE,
        None,
        {},
        wrong=CUSTOMER,
        others={"reservation_id": ZERO},
    ),
    # What gauges and credits do is told in tests/gate/test_gauges_and_members.py and test_credits.py.
    Route(
        "POST /api/usage/set",
        Permission.USAGE_WRITE,
        None,
        {"feature": "prompts", "value": 3},
        wrong=wrong(feature="", value=-1, at="noon", idempotency_key="", member="me", customer=""),
        others={"feature": "prompts", "value": 1, **THEIRS},
    ),
    Route(
        "GET /api/usage/members",
        Permission.USAGE_READ,
        query={"feature": "prompts"},
        wrong=wrong(feature="", customer=""),
        others={"feature": "prompts", **THEIRS},
    ),
    Route(
        "POST /api/usage/grants",
        Permission.USAGE_GRANT,
        201,
        {"feature": "prompts", "amount": 5, "reason": "sorry", "customer": "{ada_id}"},
        wrong=wrong(feature="", amount=0, reason="", external_id="", expires_at="noon", customer=""),
        caller="operator",
    ),
    Route(
        "GET /api/usage/grants",
        Permission.USAGE_READ,
        query={"limit": "2"},
        wrong=wrong(feature="", limit="0", cursor="x" * 200, customer=""),
        others=THEIRS,
    ),
    Route(
        "POST /api/usage/grants/{grant_id}/void",
        Permission.USAGE_GRANT,
        None,
        {"customer": "{ada_id}"},
        wrong=CUSTOMER,
        caller="operator",
        others={"grant_id": ZERO},
    ),
    # What correcting does is told in tests/gate/test_corrections.py.
    Route(
        "GET /api/usage/events",
        Permission.USAGE_READ,
        query={"feature": "prompts", "limit": "2"},
        wrong=wrong(**{"feature": "", "from": "noon", "to": "tea", "limit": "0", "cursor": "x" * 200, "customer": ""}),
        others=THEIRS,
    ),
    Route("GET /api/usage/events/{event_id}", Permission.USAGE_READ, None, wrong=CUSTOMER, others={"event_id": ZERO}),
    Route(
        "PATCH /api/usage/events/{event_id}",
        Permission.USAGE_CORRECT,
        None,
        {"count": 1, "reason": "counted twice", "customer": "{ada_id}"},
        wrong=wrong(count=-1, reason="", customer=""),
        caller="operator",
        others={"event_id": ZERO},
    ),
    Route(
        "DELETE /api/usage/events/{event_id}",
        Permission.USAGE_CORRECT,
        None,
        query={"reason": "a test", "customer": "{ada_id}"},
        wrong=wrong(reason="", customer="x" * 5000),
        caller="operator",
        others={"event_id": ZERO},
    ),
    Route(
        "GET /api/usage",
        Permission.USAGE_READ,
        query={"feature": "prompts", "bucket": "hour"},
        wrong=wrong(**{"feature": "", "from": "noon", "to": "tea", "bucket": "week", "customer": ""}),
        others=THEIRS,
    ),
    Route(
        "GET /api/usage/export",
        Permission.USAGE_READ,
        query={"feature": "prompts"},
        wrong=wrong(**{"feature": "", "from": "noon", "to": "tea", "format": "xml", "customer": ""}),
        others=THEIRS,
    ),
    Route("GET /api/usage/limits", Permission.USAGE_READ, wrong=CUSTOMER, others=THEIRS),
    # How much runs at once. What a good call does is told in tests/gate/test_leases.py.
    Route("GET /api/leases", Permission.USAGE_READ, wrong=CUSTOMER, others=THEIRS),
    Route(
        "POST /api/leases",
        Permission.USAGE_WRITE,
        201,
        {"name": "previews", "ttl_seconds": 60},
        wrong=wrong(name="", ttl_seconds=0, customer=""),
        others={"name": "previews", **THEIRS},
        once=True,
    ),
    Route(
        "POST /api/leases/{lease_id}/renew",
        Permission.USAGE_WRITE,
        None,
        {},
        wrong=wrong(ttl_seconds=1.5, customer=""),
        others={"lease_id": ZERO},
    ),
    Route("DELETE /api/leases/{lease_id}", Permission.USAGE_WRITE, None, wrong=CUSTOMER, others={"lease_id": ZERO}),
    # Buying and what was bought. `ada` has bought a plan, `eve` has not.
    Route(
        "POST /api/stripe/create-checkout",
        Permission.BILLING_MANAGE,
        body={"plan": "pro", "interval": "month"},
        wrong=wrong(
            plan="", interval="week", success_url=5, cancel_url=[], currency="USD", promotion_code="", customer=""
        ),
        caller="eve",
        others={"plan": "pro", "customer": "{ada_id}"},
    ),
    Route(
        "POST /api/stripe/portal",
        Permission.BILLING_MANAGE,
        body={},
        wrong=wrong(return_url=5, customer=""),
        others=THEIRS,
    ),
    Route("GET /api/subscription/status", Permission.BILLING_READ, wrong=CUSTOMER, others=THEIRS),
    Route(
        "POST /api/subscription/preview",
        Permission.BILLING_READ,
        body={"plan": "premium"},
        wrong=wrong(plan="", interval="week", quantity=0, at="noon", as_of="tea", customer=""),
        others={"plan": "premium", **THEIRS},
    ),
    Route(
        "POST /api/subscription/change",
        Permission.BILLING_MANAGE,
        body={"plan": "premium", "interval": "month"},
        wrong=wrong(plan=5, interval=5, quantity=1.5, at=1, as_of="", customer=5),
        others={"plan": "premium", **THEIRS},
    ),
    Route(
        "POST /api/subscription/change/cancel",
        Permission.BILLING_MANAGE,
        body={},
        wrong=wrong(customer=5),
        others=THEIRS,
    ),
    Route(
        "POST /api/subscription/cancel",
        Permission.BILLING_MANAGE,
        body={"at": "period_end"},
        wrong=wrong(at="tomorrow", customer=""),
        others=THEIRS,
    ),
    Route(
        "POST /api/subscription/resume",
        Permission.BILLING_MANAGE,
        body={},
        wrong=wrong(customer=5),
        others=THEIRS,
    ),
    Route("GET /api/subscription/addons", Permission.BILLING_READ, wrong=CUSTOMER, others=THEIRS),
    Route(
        "POST /api/subscription/addons",
        Permission.BILLING_MANAGE,
        body={"addon": "extra_prompts", "quantity": 1},
        wrong=wrong(addon="", quantity=-1, as_of="tea", customer=""),
        others={"addon": "extra_prompts", "quantity": 1, **THEIRS},
        once=True,
    ),
    Route(
        "POST /api/subscription/addons/preview",
        Permission.BILLING_READ,
        body={"addon": "extra_prompts", "quantity": 2},
        wrong=wrong(addon=5, quantity=1.5, as_of="", customer=5),
        others={"addon": "extra_prompts", "quantity": 2, **THEIRS},
    ),
    Route(
        "POST /api/subscription/promotion",
        Permission.BILLING_MANAGE,
        body={"code": "LAUNCH20"},
        wrong=wrong(code="", customer=5),
        others={"code": "LAUNCH20", **THEIRS},
    ),
    Route(
        "POST /api/subscription/promotion/preview",
        Permission.BILLING_READ,
        body={"code": "LAUNCH20"},
        wrong=wrong(code="", customer=5),
        others={"code": "LAUNCH20", **THEIRS},
    ),
    Route("DELETE /api/subscription/promotion", Permission.BILLING_MANAGE, wrong=CUSTOMER, others=THEIRS),
    # `ada` is on no trial: the good calls are in tests/billing/test_trials.py.
    Route("POST /api/subscription/trial/end", Permission.BILLING_MANAGE, None, {}, wrong=wrong(customer=5)),
    Route(
        "POST /api/subscription/trial/extend",
        OPERATOR,
        None,
        {"until": "2030-01-01T00:00:00Z", "customer": "{ada_id}"},
        wrong=wrong(until="tea", customer=5),
        caller="operator",
    ),
    Route("POST /api/subscription/trial/resume", Permission.BILLING_MANAGE, None, {}, wrong=wrong(customer=5)),
    # Members may pause only where that is set, and `ada` has nothing to come back to: the good calls are in
    # tests/billing/test_pauses.py and test_reactivate.py.
    Route(
        "POST /api/subscription/pause",
        Permission.BILLING_MANAGE,
        None,
        {"until": "2030-01-01T00:00:00Z"},
        wrong=wrong(until="tea", customer=5),
        others=THEIRS,
    ),
    Route("POST /api/subscription/unpause", Permission.BILLING_MANAGE, body={}, wrong=wrong(customer=5), others=THEIRS),
    Route(
        "POST /api/subscription/unpause/preview",
        Permission.BILLING_READ,
        body={},
        wrong=wrong(customer=5),
        others=THEIRS,
    ),
    Route(
        "POST /api/subscription/reactivate",
        Permission.BILLING_MANAGE,
        None,
        {},
        wrong=wrong(success_url=5, cancel_url=[], customer=""),
        others=THEIRS,
    ),
    Route(
        "POST /api/subscription/reactivate/preview",
        Permission.BILLING_READ,
        None,
        {},
        wrong=wrong(customer=5),
        others=THEIRS,
    ),
    Route("GET /api/billing/overview", Permission.BILLING_READ, wrong=CUSTOMER, others=THEIRS),
    Route(
        "GET /api/billing/invoices/{invoice_id}/pdf",
        Permission.BILLING_READ,
        wrong=wrong(customer=""),
        others={"invoice_id": "{invoice_id}", "as": "eve"},
    ),
    Route("GET /api/billing/details", Permission.BILLING_READ, wrong=CUSTOMER, others=THEIRS),
    Route(
        "PATCH /api/billing/details",
        Permission.BILLING_MANAGE,
        body={"name": "Ada", "address": {"country": "DE"}},
        wrong=wrong(name="", email="nobody", address=5, tax_exempt="maybe", customer=""),
        others=THEIRS,
    ),
    Route("GET /api/billing/tax-ids", Permission.BILLING_READ, wrong=CUSTOMER, others=THEIRS),
    Route(
        "POST /api/billing/tax-ids",
        Permission.BILLING_MANAGE,
        201,
        {"type": "eu_vat", "value": "DE123456789"},
        wrong=wrong(type="VAT", value="", customer=""),
        others={"type": "eu_vat", "value": "DE123456789", **THEIRS},
    ),
    Route(
        "DELETE /api/billing/tax-ids/{tax_id}",
        Permission.BILLING_MANAGE,
        None,
        others={"tax_id": "txi_of_somebody_else"},
    ),
    Route("GET /api/billing/payment-methods", Permission.BILLING_READ, wrong=CUSTOMER, others=THEIRS),
    Route(
        "POST /api/billing/payment-methods",
        Permission.BILLING_MANAGE,
        body={},
        wrong=wrong(return_url=5, customer=""),
        others=THEIRS,
    ),
    Route(
        "POST /api/billing/payment-methods/{method_id}/default",
        Permission.BILLING_MANAGE,
        None,
        {},
        others={"method_id": "pm_of_somebody_else"},
    ),
    Route(
        "DELETE /api/billing/payment-methods/{method_id}",
        Permission.BILLING_MANAGE,
        None,
        others={"method_id": "pm_of_somebody_else"},
    ),
    # Money given back: by the operator, who names the customer.
    Route("GET /api/billing/payments", Permission.BILLING_READ, wrong=wrong(limit="0", customer=""), others=THEIRS),
    Route("GET /api/billing/refunds", Permission.BILLING_READ, wrong=wrong(limit="0", customer=""), others=THEIRS),
    Route(
        "POST /api/billing/invoices/{invoice_id}/refund",
        Permission.BILLING_REFUND,
        201,
        {"amount": 1, "reason": "duplicate", "note": "twice", "customer": "{ada_id}"},
        wrong=wrong(amount=0, reason="whim", note="", credit_note="yes", end_subscription=1, customer=""),
        caller="operator",
        others={"invoice_id": ZERO},
        once=True,
    ),
    Route(
        "POST /api/billing/invoices/{invoice_id}/credit",
        Permission.BILLING_REFUND,
        201,
        {"amount": 1, "reason": "order_change", "to": "balance", "customer": "{ada_id}"},
        wrong=wrong(amount=1.5, reason="whim", memo="", to="the moon", customer=""),
        caller="operator",
        others={"invoice_id": ZERO},
        once=True,
    ),
    Route("GET /api/billing/disputes", Permission.BILLING_READ, wrong=wrong(limit="0", customer=""), others=THEIRS),
    Route("GET /api/billing/disputes/{dispute_id}", Permission.BILLING_READ, None, others={"dispute_id": ZERO}),
    Route(
        "POST /api/billing/disputes/{dispute_id}/evidence",
        Permission.BILLING_REFUND,
        None,
        {"customer_name": "Ada", "submit": True},
        wrong=wrong(customer_name="", customer_email_address="nobody", usage_log="yes", submit=1),
        caller="operator",
        others={"dispute_id": ZERO},
    ),
    Route(
        "POST /api/billing/disputes/{dispute_id}/accept",
        Permission.BILLING_REFUND,
        None,
        caller="operator",
        others={"dispute_id": ZERO},
    ),
    Route(
        "POST /api/billing/disputes/{dispute_id}/release",
        Permission.BILLING_REFUND,
        None,
        caller="operator",
        others={"dispute_id": ZERO},
    ),
    Route("GET /api/billing/invoices", Permission.BILLING_READ, wrong=wrong(limit="0", customer=""), others=THEIRS),
    Route(
        "GET /api/billing/invoices/{invoice_id}",
        Permission.BILLING_READ,
        wrong=wrong(customer=""),
        others={"invoice_id": "{invoice_id}", "as": "eve"},
    ),
    Route(
        "GET /api/billing/invoices/{invoice_id}/explain",
        Permission.BILLING_READ,
        wrong=wrong(customer=""),
        others={"invoice_id": "{invoice_id}", "as": "eve"},
    ),
)
