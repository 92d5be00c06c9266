"""Records of the trail as pages show them: an organization's, a person's, and everybody's."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from tollkeeper.identity import device_name
from tollkeeper.infra import NOBODY
from tollkeeper.kit import ActorKind, FieldProblem, InvalidInputError
from tollkeeper.orgs import Told

FIRST_DAY, LAST_DAY = datetime(2000, 1, 1, tzinfo=UTC), datetime(3000, 1, 1, tzinfo=UTC)

_SAID = {
    "login.opened": "Logged in",
    "login.closed": "Logged out",
    "login.failed": "Log-in failed",
    "login.proved": "Proved who they are again",
    "login.token_reused": "A refresh token came twice; the login was ended",
    "totp.begun": "Authenticator app begun to be set up",
    "totp.enrolled": "Authenticator app set up",
    "totp.removed": "Authenticator app removed",
    "user.registered": "Registered",
    "user.verified": "E-mail address verified",
    "user.password_changed": "Password changed",
    "user.password_withdrawn": "Password withdrawn, since the address was registered again",
    "user.logged_out": "Logged out everywhere",
    "user.move_wanted": "Change of e-mail address asked for",
    "user.moved": "E-mail address changed",
    "user.changed": "Profile changed",
    "subscription.extended": "Paid period made longer",
    "subscription.ordered": "Change of subscription asked for",
    "billing_portal.opened": "Payment provider's page opened",
    "impersonation.begun": "Support staff began to look",
    "impersonation.ended": "Support staff stopped looking",
    "trail.exported": "Audit trail exported",
    "trail.erased": "Personal details erased",
    "webhook.refused": "A delivery was refused",
    "webhook.replayed": "A webhook was worked off again",
    "job.retried": "A job was run again",
    "job.cancelled": "A job was called off",
}
_WHO = {
    ActorKind.API_KEY: "API key",
    ActorKind.OPERATOR_KEY: "Operator",
    ActorKind.SYSTEM: "Tollkeeper",
    NOBODY: "Not logged in",
}
_LONGEST = 200


@dataclass(frozen=True, slots=True)
class Detail:
    """One thing that changed; empty texts: it was not there before, or is not any more."""

    name: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class TrailRow:
    """One record in the list. `by_staff`: support staff acted in the person's place."""

    id: UUID
    at: datetime
    what: str
    action: str
    who: str
    by_staff: bool
    target: str
    ip: str
    device: str
    via: str
    request_id: str
    details: Sequence[Detail]
    erased: bool
    organization_id: UUID | None
    user_id: UUID | None
    target_kind: str
    target_id: str


def trail_rows(found: Sequence[Told]) -> list[TrailRow]:
    """Return the rows of these records."""
    return [_row(each) for each in found]


def day_of(name: str, typed: str) -> datetime | None:
    """Return the beginning of a day as a form has it; None: nothing was typed.

    Raises:
        InvalidInputError: it is none, or nobody's; told of the field `name`.
    """
    if not typed:
        return None
    try:
        day = datetime.strptime(typed, "%Y-%m-%d").replace(tzinfo=UTC)
    except ValueError:
        day = LAST_DAY
    if not FIRST_DAY <= day < LAST_DAY:
        raise InvalidInputError([FieldProblem(name, "Use a day such as 2026-03-31")])
    return day


def _row(told: Told) -> TrailRow:
    record, origin = told.record, told.record.origin
    return TrailRow(
        id=record.id,
        at=record.at,
        what=_SAID.get(record.action) or _words(record.action),
        action=record.action,
        who=told.person.email if told.person else _who(origin.kind, is_person=origin.user_id is not None),
        by_staff=origin.impersonator_id is not None,
        target=f"{record.target_kind.replace('_', ' ')} {record.target_id}".strip(),
        ip=origin.ip,
        device=device_name(origin.user_agent) if origin.user_agent else "",
        via=origin.via,
        request_id=origin.request_id,
        details=_details(record.before or {}, record.after or {}),
        erased=record.erased,
        organization_id=record.organization_id,
        user_id=origin.user_id,
        target_kind=record.target_kind,
        target_id=record.target_id,
    )


def _who(kind: str, *, is_person: bool) -> str:
    return "Somebody who is gone" if is_person else _WHO.get(kind, kind)


def _words(action: str) -> str:
    return action.replace("_", " ").replace(".", " ").capitalize()


def _details(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[Detail]:
    names = dict.fromkeys([*before, *after])
    return [Detail(name.replace("_", " "), _shown(before.get(name)), _shown(after.get(name))) for name in names]


def _shown(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        text = ", ".join(_shown(each) for each in value)
    elif isinstance(value, dict):
        text = ", ".join(f"{name}: {_shown(each)}" for name, each in value.items())
    else:
        text = str(value)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"
