"""Pure decisions of provisioning: what filters and patches ask for, and how members and roles are shown."""

import hashlib
import json
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from tollkeeper.orgs.roles import TeamRole
from tollkeeper.orgs.teams import TeamMember

from .model import Change, Comparison, ScimInvalidError

USER = "urn:ietf:params:scim:schemas:core:2.0:User"
GROUP = "urn:ietf:params:scim:schemas:core:2.0:Group"
LIST = "urn:ietf:params:scim:api:messages:2.0:ListResponse"
MAX_PAGE = 200
MAX_CHANGES = 100
MAX_EXTERNAL_ID = 255
_SCHEMA = re.compile(r"urn:ietf:params:scim:schemas:core:2\.0:(?:User|Group):", re.IGNORECASE)
_COMPARISON = re.compile(
    r'\s*(?:urn:ietf:params:scim:schemas:core:2\.0:(?:User|Group):)?([A-Za-z.]+)\s+(eq|ne|co|sw|ew)\s+("(?:[^"\\]|\\.)*"|true|false)\s*',
    re.IGNORECASE,
)
_AND = re.compile(r"and\s+", re.IGNORECASE)
_ONE_MEMBER = re.compile(r'members\[\s*value\s+eq\s+"([^"]*)"\s*\]', re.IGNORECASE)
_OPERATORS: dict[str, Callable[[str, str], bool]] = {
    "eq": lambda held, wanted: held == wanted,
    "ne": lambda held, wanted: held != wanted,
    "co": lambda held, wanted: wanted in held,
    "sw": lambda held, wanted: held.startswith(wanted),
    "ew": lambda held, wanted: held.endswith(wanted),
}
_ATTRIBUTES = {
    "username": "userName",
    "displayname": "displayName",
    "emails": "userName",
    "emails.value": "userName",
    "active": "active",
    "id": "id",
    "externalid": "externalId",
}
_EXACT = frozenset({"externalId"})
_OPS = frozenset({"add", "replace", "remove"})
_UNSAID = object()
Json = dict[str, Any]


def read_filter(text: str | None) -> list[Comparison]:
    """Return what a filter asks, all of which has to hold; nothing for none.

    Raises:
        ScimInvalidError: it is more than comparisons joined by `and`.
    """
    if not text:
        return []
    found: list[Comparison] = []
    at = 0
    while at < len(text):
        joined = _AND.match(text, at) if found else None
        matched = _COMPARISON.match(text, joined.end() if joined else at)
        if matched is None or matched[1].lower() not in _ATTRIBUTES or (found and not joined):
            raise ScimInvalidError(
                "invalidFilter", "Comparisons of userName, displayName, active, id or externalId, with `and`."
            )
        attribute, at = _ATTRIBUTES[matched[1].lower()], matched.end()
        found.append(Comparison(attribute, matched[2].lower(), _as_compared(attribute, _read_value(matched[3]))))
    return found


def _read_value(written: str) -> str:
    try:
        return str(json.loads(written)) if written.startswith('"') else written
    except ValueError:
        raise ScimInvalidError("invalidFilter", "Values are written as in JSON.") from None


def fits(resource: Json, asked: Iterable[Comparison]) -> bool:
    """Whether a resource is what a filter asks for; only an `externalId` is compared with regard to case."""
    return all(
        _OPERATORS[each.operator](_as_compared(each.attribute, _text(resource.get(each.attribute))), each.value)
        for each in asked
    )


def _as_compared(attribute: str, value: str) -> str:
    return value if attribute in _EXACT else value.lower()


def _text(value: object) -> str:
    return ("true" if value else "false") if isinstance(value, bool) else str(value or "")


def user_resource(member: TeamMember, base: str, external_id: str | None) -> Json:
    """Show a member as a SCIM user, whom the directory calls `external_id`; None: nothing."""
    user = member.user
    shown: Json = {
        "schemas": [USER],
        "id": str(user.id),
        **_called(external_id),
        "userName": user.email,
        "displayName": user.name,
        "name": {"formatted": user.name},
        "emails": [{"value": user.email, "type": "work", "primary": True}],
        "active": member.suspended_at is None,
        "groups": [{"value": member.role.key, "display": member.role.name, "type": "direct"}],
    }
    return _with_meta(shown, "User", f"{base}/Users/{user.id}", created=member.joined_at.isoformat())


def group_resource(role: TeamRole, members: Iterable[TeamMember], base: str, external_id: str | None) -> Json:
    """Show a role as a SCIM group of those who have it, which the directory calls `external_id`; None: nothing."""
    shown: Json = {
        "schemas": [GROUP],
        "id": role.key,
        **_called(external_id),
        "displayName": role.name,
        "members": [
            {"value": str(each.user.id), "display": each.user.name, "$ref": f"{base}/Users/{each.user.id}"}
            for each in members
            if each.role.key == role.key
        ],
    }
    return _with_meta(shown, "Group", f"{base}/Groups/{role.key}")


def _called(external_id: str | None) -> Json:
    return {} if external_id is None else {"externalId": external_id}


def _with_meta(shown: Json, kind: str, location: str, **more: str) -> Json:
    digest = hashlib.sha256(json.dumps(shown, sort_keys=True).encode()).hexdigest()[:16]
    return {**shown, "meta": {"resourceType": kind, "location": location, "version": f'W/"{digest}"', **more}}


def page_of(resources: list[Json], start: int, count: int) -> Json:
    """Return a page; `start` counts from 1, and a `count` of 0 asks how many there are."""
    first = max(start, 1)
    shown = resources[first - 1 : first - 1 + max(0, min(count, MAX_PAGE))]
    return {
        "schemas": [LIST],
        "totalResults": len(resources),
        "startIndex": first,
        "itemsPerPage": len(shown),
        "Resources": shown,
    }


def read_changes(operations: Iterable[Mapping[str, Any]]) -> list[Change]:
    """Return what a PATCH asks for, in its order. Some directories write operations with a capital letter.

    Raises:
        ScimInvalidError: an operation there is not.
    """
    told = [{str(name).lower(): value for name, value in each.items()} for each in operations]
    changes = [
        Change(str(each.get("op", "")).lower(), _plain_name(str(each.get("path") or "")), each.get("value"))
        for each in told
    ]
    if not all(each.op in _OPS for each in changes):
        raise ScimInvalidError("invalidValue", "`op` is add, replace or remove.")
    return changes


def _plain_name(name: str) -> str:
    """Return an attribute's name without the schema that may stand before it (RFC 7644, 3.10)."""
    return _SCHEMA.sub("", name.strip())


def wanted_active(changes: Iterable[Change]) -> bool | None:
    """Return whether a PATCH wants a user active in the end; None: it says nothing of it.

    What people say of themselves (names, addresses) is theirs: it is read over and left as it is.

    Raises:
        ScimInvalidError: a value of `active` that means nothing.
    """
    wanted: bool | None = None
    for change in changes:
        value = _asked_of(change, "active")
        if value is not _UNSAID and change.op != "remove":
            wanted = read_active(value)
    return wanted


def read_active(value: object) -> bool:
    """Return a truth, which some directories write as text.

    Raises:
        ScimInvalidError: it is none.
    """
    if isinstance(value, bool):
        return value
    if isinstance(value, str) and value.lower() in {"true", "false"}:
        return value.lower() == "true"
    raise ScimInvalidError("invalidValue", "`active` is true or false.")


def external_id_after(changes: Iterable[Change], held: str | None) -> str | None:
    """Return what the directory calls a resource after a PATCH; None: nothing.

    Raises:
        ScimInvalidError: a value that is no name.
    """
    for change in changes:
        value = _asked_of(change, "externalId")
        if value is not _UNSAID:
            held = None if change.op == "remove" else read_external_id(value)
    return held


def _asked_of(change: Change, attribute: str) -> object:
    """Return what a change has for an attribute, which it names itself or in its value; `_UNSAID` for nothing."""
    if change.path.lower() == attribute.lower():
        return change.value
    if not change.path and isinstance(change.value, dict):
        told = {_plain_name(str(name)).lower(): value for name, value in change.value.items()}
        return told.get(attribute.lower(), _UNSAID)
    return _UNSAID


def read_external_id(value: object) -> str | None:
    """Return what a directory calls a resource; None, and nothing at all, stand for none.

    Raises:
        ScimInvalidError: it is no text, too long, or holds what cannot be seen.
    """
    if value is None or value == "":
        return None
    if isinstance(value, str) and len(value) <= MAX_EXTERNAL_ID and value.isprintable():
        return value
    raise ScimInvalidError("invalidValue", f"`externalId` is a text of at most {MAX_EXTERNAL_ID} characters.")


def members_after(changes: Iterable[Change], held: frozenset[str]) -> frozenset[str]:
    """Return the ids of a group's members after a PATCH.

    Raises:
        ScimInvalidError: it changes something else, or is not understood. Names of roles are changed as roles.
    """
    for change in changes:
        said = _asked_of(change, "members")
        if said is _UNSAID and _asked_of(change, "externalId") is not _UNSAID:
            continue  # `external_id_after` reads it
        one = _ONE_MEMBER.fullmatch(change.path)
        named = None if said is _UNSAID else said
        if one is not None and change.op == "remove":
            held -= {one[1]}
        elif change.path.lower() not in {"members", ""} or (not change.path and named is None):
            raise ScimInvalidError("mutability", "Only `members` and `externalId` can be changed; groups are roles.")
        elif change.op == "remove":
            held = held - member_ids(named) if named else frozenset()
        elif change.op == "add":
            held |= member_ids(named)
        else:
            held = member_ids(named)
    return held


def member_ids(value: object) -> frozenset[str]:
    """Return the ids of a list of members, or of one.

    Raises:
        ScimInvalidError: it is no such list.
    """
    listed = value if isinstance(value, list) else [value]
    ids = [each.get("value") if isinstance(each, dict) else None for each in listed]
    if not all(isinstance(each, str) for each in ids):
        raise ScimInvalidError("invalidValue", '`members` is a list of `{"value": id}`.')
    return frozenset(str(each) for each in ids)
