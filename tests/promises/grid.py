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
STAFF = "the operator's staff"
ADMIN = "an admin of the staff"

Json = dict[str, Any]


class Called:
    """What is named by its method and its path."""

    call: str

    @property
    def method(self) -> str:
        return self.call.split(" ")[0]

    @property
    def path(self) -> str:
        return self.call.split(" ")[1]

    @property
    def writes(self) -> bool:
        return self.method != "GET"


@dataclass(frozen=True)
class Route(Called):
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


def wrong(**fields: Any) -> tuple[Json, frozenset[str]]:
    return fields, frozenset(fields)


THEIRS = {"customer": "{eve_id}"}
CUSTOMER = wrong(customer="x" * 5000)
ZERO = "00000000-0000-7000-8000-000000000000"
LISTED = wrong(limit="101", cursor="x" * 65, customer="x" * 5000)
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
    # Links of mails are followed in tests/orgs/test_passwords_api.py, and logins ended.
    Route("POST /api/auth/verify", PUBLIC, None, {"token": "x"}, wrong=wrong(token=5)),
    Route("POST /api/auth/verify/resend", PUBLIC, 202, {"email": "ada@example.com"}, wrong=wrong(email="no address")),
    Route("POST /api/auth/password/forgot", PUBLIC, 202, {"email": "ada@example.com"}, wrong=wrong(email="no address")),
    Route(
        "POST /api/auth/password/reset",
        PUBLIC,
        None,
        {"token": "x", "password": PASSWORD},
        wrong=wrong(token=5, password=5),
    ),
    Route(
        "POST /api/auth/password/strength",
        PUBLIC,
        body={"password": PASSWORD},
        wrong=wrong(password=5, email=5, name=5),
    ),
    Route("GET /api/plans", PUBLIC),
    Route("POST /api/webhooks/stripe", PUBLIC, None, {}),
    Route("POST /api/csp-reports", PUBLIC, None),  # told in tests/wiring/test_reports.py
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
        caller="ada leaving",
    ),
    Route("GET /api/auth/me", ANYONE),
    # Second factors. Hedy has a passkey; what devices answer is told by tests/orgs/test_factors_api.py.
    Route("POST /api/auth/passkey/options", PUBLIC, None),
    Route("POST /api/auth/passkey", PUBLIC, None, {"credential": {}}, wrong=wrong(credential=5)),
    Route("GET /api/auth/step-up", PERSON),
    Route(
        "POST /api/auth/step-up",
        PERSON,
        body={"password": PASSWORD},
        wrong=wrong(password=5, otp=["1"], credential="x"),
    ),
    Route("GET /api/profile/factors", PERSON),
    Route("POST /api/profile/totp", PERSON, 201),
    Route("POST /api/profile/totp/confirm", PERSON, None, {"code": "000000"}, wrong=wrong(code=5)),
    Route("DELETE /api/profile/totp", PERSON, 204),
    Route("POST /api/profile/recovery-codes", PERSON, 201, caller="hedy"),
    Route("POST /api/profile/passkeys/options", PERSON, None),
    Route(
        "POST /api/profile/passkeys",
        PERSON,
        None,
        {"name": "laptop", "credential": {}},
        wrong=wrong(name="", credential=5),
    ),
    Route(
        "PATCH /api/profile/passkeys/{passkey_id}",
        PERSON,
        body={"name": "desk"},
        wrong=wrong(name=""),
        caller="hedy",
        others={"passkey_id": "{hedy_passkey_id}", "as": "ada"},
    ),
    Route(
        "DELETE /api/profile/passkeys/{passkey_id}",
        PERSON,
        204,
        caller="hedy",
        others={"passkey_id": "{hedy_passkey_id}", "as": "ada"},
    ),
    Route(
        "POST /api/auth/password",
        PERSON,
        None,
        {"current_password": PASSWORD, "new_password": "another horse, another battery"},
        wrong=wrong(current_password=5, new_password=5),
    ),
    Route("POST /api/auth/email", PERSON, 202, {"email": "ada.l@example.com"}, wrong=wrong(email="no address")),
    Route("GET /api/auth/sessions", PERSON),
    Route("DELETE /api/auth/sessions", PERSON, None),
    Route("DELETE /api/auth/sessions/{session_id}", PERSON, 204, others={"session_id": "{eve_session_id}"}),
    Route("GET /api/profile", PERSON),
    Route("PATCH /api/profile", PERSON, body={"name": "Ada L."}, wrong=wrong(name="", time_zone=5)),
    Route("GET /api/profile/settings", PERSON),
    Route(
        "PATCH /api/profile/settings",
        PERSON,
        body={"theme": "dark", "language": "de", "notifications": {"news": False}},
        wrong=wrong(theme="pink", language=5, notifications=7),
    ),
    Route("GET /api/profile/usage", PERSON),
    Route(
        "GET /api/profile/activity",
        PERSON,
        query={"limit": "2"},
        wrong=wrong(**{"action": "", "from": "noon", "to": "tea", "limit": "0", "cursor": "x" * 65}),
    ),
    # Staff, who act as others.
    Route(
        "POST /api/staff/impersonations",
        STAFF,
        201,
        {"email": "eve@example.com", "reason": "she asked for help", "minutes": 5},
        wrong=wrong(email=5, organization="", reason=" ", minutes=61),
        caller="staff",
        others={"email": "eve@example.com", "organization": "{ada_id}"},
    ),
    Route("GET /api/staff/impersonations", STAFF, caller="staff"),
    Route(
        "DELETE /api/staff/impersonations/{impersonation_id}",
        STAFF,
        204,
        caller="staff",
        others={"impersonation_id": ZERO},
    ),
    # The trail.
    Route(
        "GET /api/audit",
        Permission.AUDIT_READ,
        query={"action": "key.", "limit": "2"},
        wrong=wrong(
            **{"action": "", "from": "noon", "to": "tea", "actor": "me", "target_kind": "", "target_id": "x" * 300},
            request_id="",
            impersonated="maybe",
            customer="",
            limit="101",
            cursor="x" * 65,
        ),
        others=THEIRS,
    ),
    Route(
        "GET /api/audit/export",
        Permission.AUDIT_READ,
        query={"format": "jsonl"},
        wrong=wrong(**{"from": "noon", "to": "tea", "format": "xml", "customer": ""}),
        others=THEIRS,
    ),
    # Pictures and files are told of in tests/orgs/test_profile_api.py and test_exports_api.py.
    Route("GET /api/profile/picture", PERSON),
    Route("POST /api/profile/picture", PERSON, None),
    Route("DELETE /api/profile/picture", PERSON, 204),
    Route("GET /api/profile/exports", PERSON),
    Route("POST /api/profile/exports", PERSON, 202, once=True),
    Route("GET /api/profile/exports/{export_id}/content", PERSON, None, others={"export_id": ZERO}),
    Route("GET /api/profile/deletion", PERSON),
    Route("POST /api/profile/deletion", PERSON, 202),
    Route("DELETE /api/profile/deletion", PERSON, 204),
    # Signing in elsewhere. The way out and back is pages; tests/web tells it.
    Route("GET /api/auth/providers", PUBLIC),
    Route("GET /api/profile/identities", PERSON),
    Route("DELETE /api/profile/identities/{identity_id}", PERSON, 204, others={"identity_id": "{eve_identity_id}"}),
    Route("GET /api/sso", Permission.ORGANIZATION_MANAGE, wrong=CUSTOMER, others=THEIRS),
    Route(
        "PATCH /api/sso",
        Permission.ORGANIZATION_MANAGE,
        body={"role": "developer", "passwords": "allowed"},
        wrong=wrong(issuer="x", client_id="", client_secret=5, role=5, passwords="maybe", customer=7),
        others=THEIRS,
    ),
    Route("DELETE /api/sso", Permission.ORGANIZATION_MANAGE, 204, wrong=CUSTOMER, others=THEIRS),
    Route(
        "POST /api/sso/domains",
        Permission.ORGANIZATION_MANAGE,
        201,
        {"domain": "analytical.example"},
        wrong=wrong(domain=5, customer=7),
        others=THEIRS,
    ),
    Route(
        "POST /api/sso/domains/{domain_id}/verify",
        Permission.ORGANIZATION_MANAGE,
        query={"customer": "{customer}"},
        wrong=CUSTOMER,
        caller="operator",
        others={"domain_id": "{eve_domain_id}"},
    ),
    Route(
        "DELETE /api/sso/domains/{domain_id}",
        Permission.ORGANIZATION_MANAGE,
        204,
        wrong=CUSTOMER,
        others={"domain_id": "{eve_domain_id}"},
    ),
    # SCIM. What it takes to provision somebody, and what becomes of it, is told in tests/web/test_scim.py.
    Route("GET /api/scim/v2/ServiceProviderConfig", Permission.MEMBERS_PROVISION),
    Route("GET /api/scim/v2/ResourceTypes", Permission.MEMBERS_PROVISION),
    Route("GET /api/scim/v2/ResourceTypes/{kind}", Permission.MEMBERS_PROVISION, others={"kind": "Device"}),
    Route("GET /api/scim/v2/Schemas", Permission.MEMBERS_PROVISION),
    Route("GET /api/scim/v2/Schemas/{schema}", Permission.MEMBERS_PROVISION, others={"schema": "urn:nothing"}),
    Route(
        "GET /api/scim/v2/Users",
        Permission.MEMBERS_PROVISION,
        wrong=wrong(count="x", startIndex="y"),
        others=THEIRS,
    ),
    Route(
        "POST /api/scim/v2/Users",
        Permission.MEMBERS_PROVISION,
        None,
        {"userName": "ada@example.com"},
        wrong=wrong(userName=5),
        open=True,
    ),
    Route("GET /api/scim/v2/Users/{user_id}", Permission.MEMBERS_PROVISION, others={"user_id": "{eve_user_id}"}),
    Route(
        "PUT /api/scim/v2/Users/{user_id}",
        Permission.MEMBERS_PROVISION,
        body={"userName": "hopper@example.com", "active": False},
        wrong=wrong(userName=5),
        others={"user_id": "{eve_user_id}"},
        open=True,
    ),
    Route(
        "PATCH /api/scim/v2/Users/{user_id}",
        Permission.MEMBERS_PROVISION,
        body={"Operations": [{"op": "replace", "path": "active", "value": True}]},
        wrong=wrong(Operations=[]),
        others={"user_id": "{eve_user_id}"},
        open=True,
    ),
    Route(
        "DELETE /api/scim/v2/Users/{user_id}",
        Permission.MEMBERS_PROVISION,
        204,
        others={"user_id": "{eve_user_id}"},
    ),
    Route(
        "GET /api/scim/v2/Groups",
        Permission.MEMBERS_PROVISION,
        wrong=wrong(count="x", startIndex="y"),
        others=THEIRS,
    ),
    Route("GET /api/scim/v2/Groups/{group_id}", Permission.MEMBERS_PROVISION, others={"group_id": "of-eve"}),
    Route(
        "PUT /api/scim/v2/Groups/{group_id}",
        Permission.MEMBERS_PROVISION,
        body={"members": []},
        wrong=wrong(members=5),
        others={"group_id": "of-eve"},
        open=True,
    ),
    Route(
        "PATCH /api/scim/v2/Groups/{group_id}",
        Permission.MEMBERS_PROVISION,
        body={"Operations": [{"op": "remove", "path": "members"}]},
        wrong=wrong(Operations=[]),
        others={"group_id": "of-eve"},
        open=True,
    ),
    # API keys.
    Route("GET /api/keys", Permission.KEYS_READ, wrong=wrong(limit="0", with_revoked="maybe"), others=THEIRS),
    Route(
        "POST /api/keys",
        Permission.KEYS_MANAGE,
        201,
        {"name": "laptop", "scopes": ["usage:write"]},
        wrong=wrong(name="", kind="gold", expires_at="yesterday", per_minute=0, networks=7, customer=7),
        others=THEIRS,
        once=True,
    ),
    Route(
        "PATCH /api/keys/{key_id}",
        Permission.KEYS_MANAGE,
        body={"name": "desk", "per_minute": 600, "networks": []},
        wrong=wrong(name="", per_minute=1.5, networks=7),
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
        wrong=wrong(key="", feature=5, quantity=0, address=""),
        caller="operator",
    ),
    # Teams. What only one person can do once, accepting, joining, leaving and handing over, is told in tests/orgs.
    Route("GET /api/organizations", PERSON),
    Route("POST /api/organizations", PERSON, 201, {"name": "Second"}, wrong=wrong(name=" "), once=True),
    Route(
        "PATCH /api/organizations/{organization_id}",
        Permission.ORGANIZATION_MANAGE,
        body={"name": "Analytical Engines"},
        wrong=wrong(name=5),
        others={"organization_id": "{eve_id}"},
    ),
    Route(
        "POST /api/organizations/{organization_id}/switch",
        PERSON,
        caller="ada elsewhere",
        others={"organization_id": "{eve_id}"},
    ),
    Route(
        "POST /api/organizations/{organization_id}/leave",
        PERSON,
        None,
        {"keep_keys": False},
        wrong=wrong(keep_keys="maybe"),
        others={"organization_id": "{eve_id}"},
    ),
    Route(
        "POST /api/organizations/{organization_id}/transfer",
        Permission.ORGANIZATION_MANAGE,
        None,
        {"user_id": ZERO},
        wrong=wrong(user_id="me"),
        others={"organization_id": "{eve_id}"},
    ),
    Route("GET /api/members", Permission.MEMBERS_READ, wrong=LISTED, others=THEIRS),
    Route("GET /api/members/{user_id}", Permission.MEMBERS_READ, wrong=CUSTOMER, others={"user_id": "{eve_user_id}"}),
    Route(
        "PATCH /api/members/{user_id}",
        Permission.MEMBERS_MANAGE,
        body={"role": "developer"},
        wrong=wrong(role=""),
        others={"user_id": "{eve_user_id}"},
    ),
    Route(
        "POST /api/members/{user_id}/suspend",
        Permission.MEMBERS_MANAGE,
        wrong=CUSTOMER,
        others={"user_id": "{eve_user_id}"},
    ),
    Route(
        "POST /api/members/{user_id}/reactivate",
        Permission.MEMBERS_MANAGE,
        wrong=CUSTOMER,
        others={"user_id": "{eve_user_id}"},
    ),
    Route(
        "DELETE /api/members/{user_id}",
        Permission.MEMBERS_MANAGE,
        204,
        wrong=wrong(keep_keys="maybe"),
        others={"user_id": "{eve_user_id}"},
    ),
    Route("GET /api/invitations", Permission.MEMBERS_READ, wrong=LISTED, others=THEIRS),
    Route(
        "POST /api/invitations",
        Permission.MEMBERS_MANAGE,
        201,
        {"email": "guest@example.com", "role": "viewer"},
        wrong=wrong(email=5, role="", customer=7),
        others=THEIRS,
        once=True,
    ),
    Route(
        "POST /api/invitations/{invitation_id}/resend",
        Permission.MEMBERS_MANAGE,
        wrong=CUSTOMER,
        others={"invitation_id": "{eve_invitation_id}"},
    ),
    Route(
        "DELETE /api/invitations/{invitation_id}",
        Permission.MEMBERS_MANAGE,
        204,
        wrong=CUSTOMER,
        others={"invitation_id": "{eve_invitation_id}"},
    ),
    # Who is invited may have no login yet: the token of the mail is the proof.
    Route("POST /api/invitations/look", PUBLIC, None, {"token": "x"}, wrong=wrong(token=5)),
    Route(
        "POST /api/invitations/join",
        PUBLIC,
        None,
        {"token": "x", "password": PASSWORD},
        wrong=wrong(token=5, password=5, name=5),
    ),
    Route("POST /api/invitations/accept", PERSON, None, {"token": "x"}, wrong=wrong(token=5)),
    Route("GET /api/roles", Permission.MEMBERS_READ, wrong=CUSTOMER, others=THEIRS),
    Route(
        "POST /api/roles",
        Permission.MEMBERS_MANAGE,
        201,
        {"key": "auditor", "name": "Auditor", "permissions": ["usage:read"]},
        wrong=wrong(key=5, name="", description=7, permissions="all", customer=7),
        others=THEIRS,
        once=True,
    ),
    Route(
        "PATCH /api/roles/{key}",
        Permission.MEMBERS_MANAGE,
        body={"name": "Support staff"},
        wrong=wrong(name="", description=7, permissions="all"),
        others={"key": "of-eve"},
    ),
    Route("DELETE /api/roles/{key}", Permission.MEMBERS_MANAGE, 204, wrong=CUSTOMER, others={"key": "of-eve"}),
    Route("GET /api/operator/keys", OPERATOR, wrong=wrong(limit="0", with_revoked="maybe"), caller="operator"),
    Route(
        "POST /api/operator/keys/{operator_key_id}/rotate",
        OPERATOR,
        body={"grace_seconds": 60},
        wrong=wrong(grace_seconds=-1),
        caller="operator",
        others={"operator_key_id": "{eve_key_id}"},
        once=True,
    ),
    Route(
        "DELETE /api/operator/keys/{operator_key_id}",
        OPERATOR,
        204,
        caller="operator",
        others={"operator_key_id": "{eve_key_id}"},
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
        once=True,
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
        once=True,
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
