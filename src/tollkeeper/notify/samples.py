"""Each mail with made-up data, for people who want to see what customers get."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from typing import Any

_NOW = datetime(2026, 3, 10, 9, 30, tzinfo=UTC)
_SOON = (_NOW + timedelta(hours=1)).isoformat()
_ADA = {"name": "Ada Lovelace"}
_NORTHWIND = {**_ADA, "organization": "Northwind Traders"}
_LINK = {**_ADA, "token": "this-is-no-proof", "expires_at": _SOON}


@dataclass(frozen=True, slots=True)
class SampleMail:
    """A mail with made-up data. `about` says when it is sent; the data has no proof in it that anybody could use."""

    template: str
    about: str
    data: Mapping[str, Any]


SAMPLES: Mapping[str, SampleMail] = MappingProxyType(
    {
        template: SampleMail(template, about, data)
        for template, about, data in (
            ("verify_email", "Somebody signed up and is to prove the address.", _LINK),
            ("registered_already", "Somebody signed up with an address that has an account.", _LINK),
            ("password_reset", "Somebody forgot their password.", _LINK),
            ("password_changed", "A password was changed.", {**_ADA, "changed_at": _NOW.isoformat()}),
            (
                "new_device",
                "Somebody logged in from a device not seen before.",
                {**_ADA, "device": "Firefox on Linux", "ip": "203.0.113.7", "place": "Vienna", "at": _NOW.isoformat()},
            ),
            (
                "factor_changed",
                "A second factor was added, used up or removed.",
                {**_ADA, "what": "A passkey called “laptop” was added.", "at": _NOW.isoformat()},
            ),
            (
                "move_email",
                "Somebody wants another address; to the new one.",
                {**_LINK, "old_email": "ada@example.com"},
            ),
            (
                "email_moving",
                "The same, to the address until now.",
                {**_ADA, "new_email": "ada@lovelace.example"},
            ),
            ("email_moved", "The address was changed.", {**_ADA, "new_email": "ada@lovelace.example"}),
            (
                "invitation",
                "Somebody is invited to an organization.",
                {**_LINK, "inviter": "Grace Hopper", "organization": "Northwind Traders", "role": "member"},
            ),
            (
                "team_changed",
                "Somebody joined, or the reader's own role is another.",
                {**_NORTHWIND, "title": "Grace Hopper joined", "what": "Grace Hopper joined as Member."},
            ),
            (
                "limit_near",
                "80, 90 or 100 % of a limit are used.",
                {
                    **_NORTHWIND,
                    "feature": "prompts",
                    "key": "prompts",
                    "used": "900",
                    "limit": "1,000",
                    "percent": 90,
                    "hard": True,
                    "resets_at": (_NOW + timedelta(days=12)).isoformat(),
                },
            ),
            (
                "trial_ending",
                "A trial ends within three days.",
                {
                    **_NORTHWIND,
                    "plan": "Pro",
                    "ends_at": (_NOW + timedelta(days=3)).isoformat(),
                    "can_be_paid": False,
                },
            ),
            (
                "payment_failed",
                "A payment could not be collected.",
                {
                    **_NORTHWIND,
                    "plan": "Pro",
                    "amount": "24.00 USD",
                    "invoice_id": "0195d3c4-8f00-7000-8000-000000000001",
                    "number": "TK-0042",
                    "lines": ["Pro, a month from 10 Mar 2026", "1,200 prompts beyond the limit"],
                    "next_try_at": (_NOW + timedelta(days=3)).isoformat(),
                    "requires_action": False,
                    "page_url": "https://pay.example/invoice",
                },
            ),
            ("export_ready", "The file of somebody's personal data is made.", {**_ADA, "expires_at": _SOON}),
            (
                "deletion_requested",
                "Somebody asked for their account to be deleted.",
                {**_ADA, "due_at": (_NOW + timedelta(days=14)).isoformat()},
            ),
            ("account_deleted", "An account was deleted.", _ADA),
        )
    }
)
"""By template, in the order in which somebody would get them."""
