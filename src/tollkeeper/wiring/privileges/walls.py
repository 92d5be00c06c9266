"""Which rows of each table a tenant may see and write.

What has an `organization_id` belongs to that organization, what has only a `user_id` to that person. Every other table
is spoken of here; `tests/wiring/test_privileges.py` fails for one that is not.
"""

from typing import NamedTuple

from sqlalchemy import Table

OURS = "organization_id = tollkeeper_organization()"
MINE = "user_id = tollkeeper_person()"
EVERY = "true"
DONE_TO_ME = "target_kind = 'user' and target_id = tollkeeper_person()::text"
CHANGING = frozenset({"select", "insert", "update", "delete"})


class Wall(NamedTuple):
    """What a tenant may do with a table.

    Attributes:
        verbs: of `CHANGING`; empty: nothing at all.
        sees: which rows, in SQL; None: the table knows no tenants, and there is nothing to tell apart.
        writes: which rows may come of it; None: those it sees.
        columns: what may be read of it, where it may not be read as a whole.
    """

    verbs: frozenset[str] = CHANGING
    sees: str | None = None
    writes: str | None = None
    columns: tuple[str, ...] = ()


CLOSED = Wall(frozenset())
"""Not for tenants: what the application does for all of them."""
READ = Wall(frozenset({"select"}))
"""The same for every tenant: what is for sale, and the like."""
SHARED = Wall()
"""Of no tenant that could be told, and written by whoever comes first, such as ids at the provider."""
_ADDED = frozenset({"insert"})


def _through(column: str, parent: str) -> Wall:
    """What belongs to a row of another table, whose own wall decides."""
    return Wall(sees=f"{column} in (select id from {parent})")  # noqa: S608 - constants


DECLARED: dict[str, Wall] = {
    # People: oneself, and those one shares the organization with.
    "users": Wall(sees="id = tollkeeper_person() or id in (select user_id from members)"),
    "members": Wall(sees=f"{OURS} or {MINE}", writes=OURS),
    "organizations": Wall(
        sees="id = tollkeeper_organization() or id in (select organization_id from members)",
        writes="id = tollkeeper_organization()",
    ),
    "sessions": Wall(sees=f"{OURS} or {MINE}"),
    "token_families": Wall(sees=f"{OURS} or {MINE}"),
    "api_key_secrets": _through("key_id", "api_keys"),
    "login_failures": SHARED,
    "spent_challenges": SHARED,
    "idempotency_keys": Wall(sees="split_part(scope, ':', 1) = tollkeeper_organization()::text"),
    # The trail: everybody adds to it, and reads what was done by them, to them, and in their organization.
    "audit_trail": Wall(frozenset({"select", "insert"}), f"{OURS} or {MINE} or {DONE_TO_ME}", EVERY),
    "audit_details": Wall(frozenset({"select", "insert"}), "record_id in (select id from audit_trail)", EVERY),
    "audit_unsealed": Wall(_ADDED, "false", EVERY),
    "audit_seals": CLOSED,
    # Billing.
    "subscriptions": _through("customer_id", "billing_customers"),
    "subscription_addons": _through("subscription_id", "subscriptions"),
    "subscription_history": _through("subscription_id", "subscriptions"),
    "card_warnings": _through("subscription_id", "subscriptions"),
    "invoices": _through("customer_id", "billing_customers"),
    "credit_notes": _through("invoice_id", "invoices"),
    "payments": _through("customer_id", "billing_customers"),
    "refunds": _through("customer_id", "billing_customers"),
    "disputes": _through("customer_id", "billing_customers"),
    "invoice_terms": SHARED,
    "provider_prices": SHARED,
    "provider_addon_prices": SHARED,
    "provider_coupons": SHARED,
    "provider_codes": SHARED,
    "provider_events": CLOSED,
    "reconcile_cursors": CLOSED,
    "job_notes": CLOSED,
    "uptime_spans": CLOSED,
    # The catalogue; its versions are the operator's own business.
    "catalogue_versions": Wall(frozenset(), columns=("number", "record_id")),  # which one holds
    **dict.fromkeys(
        (
            "addon_grants",
            "addon_plans",
            "addon_prices",
            "addons",
            "coupons",
            "features",
            "meters",
            "overage_prices",
            "plan_concurrency",
            "plan_entitlements",
            "plan_rates",
            "plans",
            "prices",
            "promotion_codes",
        ),
        READ,
    ),
    # Usage: keys are only ever looked up by the gate; how far the worker has come says how old a history is.
    "usage_event_keys": CLOSED,
    # What staff wrote is for staff.
    "staff_notes": CLOSED,
    "usage_cursors": READ,
    "usage_dropped": READ,
    "product_clock": READ,
}


def wall_of(table: Table) -> Wall | None:
    """Return what a tenant may do with a table; None when nobody has said it, which means nothing."""
    declared = DECLARED.get(table.name)
    if declared is not None:
        return declared
    if "organization_id" in table.columns:
        return Wall(sees=OURS)
    return Wall(sees=MINE) if "user_id" in table.columns else None
