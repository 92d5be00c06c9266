"""What is held of people, why, and for how long. The list that exports, the check and the documentation are made from.

Every table stands here once: with what it holds of people, or among those that hold nothing of them. A test fails for
a table that is in neither, so that nothing personal is begun to be kept without somebody having thought of it.
"""

from dataclasses import dataclass

GONE = "deleted with the person"
LAW = "kept: what was bought and paid is a record the law wants"
NUMBER = "kept without the person: the id leads to nobody then"


@dataclass(frozen=True, slots=True)
class Held:
    """What one table holds of people.

    Attributes:
        table: its name.
        what: in words for everybody.
        why: what it is for.
        until: how long it is kept while the person has an account.
        after: what becomes of it when they are deleted.
        person: the column with the person's id; None: they are not found by one.
        hidden: columns an export leaves out: proofs of identity, and what is another's.
        exported: whether the person's rows are in their export.
        keeps: columns that may name a deleted person all the same, as `after` says.
    """

    table: str
    what: str
    why: str
    until: str
    after: str = GONE
    person: str | None = "user_id"
    hidden: tuple[str, ...] = ()
    exported: bool = True
    keeps: tuple[str, ...] = ()


HELD = (
    Held(
        "users",
        "name, address, time zone, language",
        "knowing whom an account is of",
        "the account is there",
        person="id",
        hidden=("password_hash",),
    ),
    Held("user_preferences", "how they want to be treated", "treating them so", "the account is there"),
    Held("user_pictures", "a picture", "showing it beside the name", "it is changed or removed", hidden=("content",)),
    Held(
        "sessions",
        "browser, network address and times of log-ins",
        "keeping people logged in, and showing them where",
        "30 days, or until they log out",
        hidden=("token_digest", "impersonator_id"),
    ),
    Held(
        "token_families",
        "times of log-ins of programs",
        "keeping programs logged in",
        "30 days after their last use",
        hidden=("current_token_id",),
    ),
    Held(
        "known_devices",
        "a digest of each browser",
        "telling a log-in from a new device",
        "400 days after its last use",
        hidden=("mark",),
    ),
    Held(
        "login_failures",
        "digests of addresses and network addresses",
        "slowing down who guesses passwords",
        "a day",
        person=None,
        exported=False,
        after="gone within a day; nobody can be read from it",
    ),
    Held(
        "mail_proofs",
        "the address a link was sent to",
        "proving that the address is theirs",
        "3 days at most",
        hidden=("digest",),
    ),
    Held(
        "identities",
        "what other services call them, and their address there",
        "logging in by these services",
        "it is unlinked",
    ),
    Held(
        "passkeys",
        "public keys and names of their devices",
        "logging in by them",
        "it is removed",
        hidden=("credential_id", "public_key"),
    ),
    Held(
        "totp_secrets",
        "the secret of a device that makes codes, sealed",
        "a second proof at log-in",
        "it is removed",
        hidden=("sealed", "last_step"),
    ),
    Held(
        "recovery_codes", "digests of codes", "logging in without the device", "they are made anew", hidden=("digest",)
    ),
    Held("code_failures", "how many wrong codes came in a row", "slowing down who guesses codes", "a right one comes"),
    Held("account_deletions", "the wish to be deleted", "doing it after the days of grace", "it is done or taken back"),
    Held("data_exports", "a copy of everything here", "giving it to them", "7 days", hidden=("content",)),
    Held("members", "which organizations they belong to, as what", "knowing what they may do", "they leave"),
    Held(
        "scim_users",
        "what their organization's directory calls them",
        "the directory finding them again",
        "they leave, or the directory says else",
    ),
    Held(
        "invitations",
        "addresses of people asked to join, and who asked",
        "letting them in",
        "a month after it is closed or has expired",
        person="invited_by",
        hidden=("token_digest", "email"),
        after="those to the person are deleted; in those they sent the sender is emptied",
    ),
    Held(
        "api_keys",
        "who made a key",
        "showing it in the list of keys",
        "the organization is there",
        person="created_by",
        after="revoked; who made them is emptied",
        hidden=("organization_id",),
    ),
    Held(
        "organizations",
        "its name, which for a person alone is theirs",
        "naming the customer",
        "it is renamed",
        person=None,
        exported=False,
        after="renamed when nobody is left in it",
    ),
    Held(
        "audit_trail",
        "what they did, and when",
        "finding out what happened",
        "kept for good: it cannot be changed",
        after=NUMBER,
        keeps=("user_id", "target_id", "impersonator_id"),
    ),
    Held(
        "audit_details",
        "network address, browser, and what was changed",
        "finding out what happened",
        "as the record it belongs to",
        person=None,
        exported=False,
        after="emptied, which the trail's seals allow for",
    ),
    Held(
        "billing_customers",
        "address for invoices, brand and last digits of the card",
        "being paid",
        "the organization is there",
        person=None,
        exported=False,
        after="the address is emptied here and at the payment provider",
        keeps=("payment_method",),
    ),
    Held(
        "subscriptions",
        "brand and last digits of the card",
        "being paid",
        "kept for good",
        person=None,
        exported=False,
        after=LAW,
        keeps=("payment_method",),
    ),
    Held(
        "payments",
        "brand and last digits of the card",
        "proving what was paid",
        "kept for good",
        person=None,
        exported=False,
        after=LAW,
        keeps=("method",),
    ),
    Held(
        "invoices",
        "whom an invoice was made out to",
        "proving what was charged",
        "kept for good",
        person=None,
        exported=False,
        after=LAW,
        keeps=("billed_to", "lines", "memo"),
    ),
    Held(
        "credit_notes",
        "what was given back",
        "proving it",
        "kept for good",
        person=None,
        exported=False,
        after=LAW,
        keeps=("lines", "memo"),
    ),
    Held(
        "refunds",
        "why money was given back, in words",
        "proving it",
        "kept for good",
        person=None,
        exported=False,
        after=LAW,
        keeps=("note", "reason"),
    ),
    Held(
        "disputes",
        "what was answered to the card's bank",
        "proving it",
        "kept for good",
        person=None,
        exported=False,
        after=LAW,
        keeps=("evidence",),
    ),
    Held(
        "provider_events",
        "what the payment provider told, addresses included",
        "acting on it, and looking into faults",
        "30 days after it came",
        person=None,
        exported=False,
        after="emptied of the person at once, wholly after 30 days",
    ),
    Held(
        "idempotency_keys",
        "answers to calls, encrypted",
        "answering a repeated call alike",
        "a day",
        person=None,
        exported=False,
        after="gone within a day",
        keeps=("scope",),
    ),
    Held(
        "usage_events",
        "who used how much of what, and what the event itself says",
        "counting against limits, and charging",
        "as long as TOLLKEEPER_KEEP_EVENTS says; for ever unless set",
        person="member_id",
        exported=False,
        after=NUMBER,
        keeps=("member_id",),
    ),
    Held(
        "usage_counters",
        "how much each member used",
        "counting against limits of members",
        "the organization is there",
        person="member_id",
        exported=False,
        after=NUMBER,
        keeps=("member_id",),
    ),
    Held(
        "usage_values",
        "which values a member's events had",
        "counting each value once",
        "as the counter it belongs to",
        person="member_id",
        exported=False,
        after=NUMBER,
        keeps=("member_id",),
    ),
    Held(
        "usage_reservations",
        "who set usage aside",
        "counting it against their limit",
        "it is settled",
        person="member_id",
        exported=False,
        after=NUMBER,
        keeps=("member_id",),
    ),
    Held(
        "staff_notes",
        "what support staff wrote about somebody",
        "helping them without asking everything again",
        "the account is there, or staff remove it",
        person="person_id",
        hidden=("author_id", "organization_id"),
        keeps=("author_id",),
    ),
    Held(
        "erasures",
        "a keyed digest of the address of somebody deleted",
        "finding it left behind",
        "kept for good",
        after="begins with the deletion; tells nothing to who does not know the address",
        exported=False,
        keeps=("user_id",),
    ),
)

NOTHING_OF_PEOPLE = frozenset(
    [
        "addon_grants", "addon_plans", "addon_prices", "addons", "api_key_secrets", "audit_seals", "audit_unsealed",
        "billing_standings", "card_warnings", "catalogue_versions", "coupons", "dunning_cases", "features", "gate_past",
        "gate_standings",
        "invoice_terms", "job_notes", "leases", "meters", "organization_domains", "overage_prices", "plan_concurrency",
        "plan_entitlements", "plan_rates", "plans", "prices", "product_clock", "promotion_codes",
        "provider_addon_prices", "provider_codes", "provider_coupons", "provider_prices", "reconcile_cursors", "roles",
        "scim_groups", "spent_challenges", "sso_connections", "subscription_addons", "subscription_history",
        "uptime_spans", "usage_charges", "usage_cursors", "usage_dropped", "usage_event_keys", "usage_grants",
        "usage_hour_values", "usage_hours",
    ]
)  # fmt: skip
"""Tables that hold organizations, prices and counts. Whatever text an operator's own events bring is the operator's to
answer for; the check looks at these tables all the same."""
