"""How SCIM describes what it speaks of: the attributes of users and groups, as far as they are kept (RFC 7643, 7)."""

from .rules import GROUP, USER, Json

SCHEMA = "urn:ietf:params:scim:schemas:core:2.0:Schema"
RESOURCE_TYPE = "urn:ietf:params:scim:schemas:core:2.0:ResourceType"


def _attribute(name: str, described: str, kind: str = "string", **more: object) -> Json:
    """One attribute. Without more said: one value, of no fixed case, read and not written, returned by default."""
    text: Json = {"caseExact": False} if kind in {"string", "reference"} else {}
    return {
        "name": name,
        "type": kind,
        "multiValued": False,
        "description": described,
        "required": False,
        **text,
        "mutability": "readOnly",
        "returned": "default",
        "uniqueness": "none",
        **more,
    }


def _several(name: str, described: str, parts: list[Json], **more: object) -> Json:
    return _attribute(name, described, "complex", multiValued=True, subAttributes=parts, **more)


_USER: Json = {
    "id": USER,
    "name": "User",
    "description": "A member of the organization",
    "attributes": [
        _attribute(
            "userName",
            "The e-mail address, of a domain the organization holds; the person's own once they have an account",
            required=True,
            mutability="immutable",
            uniqueness="server",
        ),
        _attribute("displayName", "The name of somebody new; after that the person's own", mutability="immutable"),
        _attribute(
            "name",
            "The name in its parts, for somebody new",
            "complex",
            subAttributes=[
                _attribute(part, "Part of the name of somebody new", mutability="immutable")
                for part in ("formatted", "givenName", "familyName")
            ],
            mutability="immutable",
        ),
        _several(
            "emails",
            "The address, again",
            [
                _attribute("value", "The address"),
                _attribute("type", "Always `work`"),
                _attribute("primary", "Always true", "boolean"),
            ],
        ),
        _attribute("active", "False lets the membership rest", "boolean", mutability="readWrite"),
        _several(
            "groups",
            "The role",
            [
                _attribute("value", "The group's id"),
                _attribute("display", "The group's name"),
                _attribute("type", "Always `direct`"),
            ],
        ),
    ],
}
_GROUP: Json = {
    "id": GROUP,
    "name": "Group",
    "description": "A role, with the members who have it",
    "attributes": [
        _attribute("displayName", "The role's name; roles are made and named as roles"),
        _several(
            "members",
            "Who has the role; a member has exactly one",
            [
                _attribute("value", "The user's id", mutability="immutable"),
                _attribute("display", "The user's name"),
                _attribute("$ref", "The user's address", "reference", referenceTypes=["User"]),
            ],
            mutability="readWrite",
        ),
    ],
}


def schemas(base: str) -> list[Json]:
    """Return the schemas of what there is."""
    return [
        {
            "schemas": [SCHEMA],
            **each,
            "meta": {"resourceType": "Schema", "location": f"{base}/Schemas/{each['id']}"},
        }
        for each in (_USER, _GROUP)
    ]


def resource_types(base: str) -> list[Json]:
    """Return what can be provisioned: users, who are members, and groups, which are roles."""
    return [
        {
            "schemas": [RESOURCE_TYPE],
            "id": each["name"],
            "name": each["name"],
            "description": each["description"],
            "endpoint": f"/{each['name']}s",
            "schema": each["id"],
            "meta": {"resourceType": "ResourceType", "location": f"{base}/ResourceTypes/{each['name']}"},
        }
        for each in (_USER, _GROUP)
    ]


def one_of(described: list[Json], wanted: str) -> Json | None:
    """Return the schema or type with this id, in whatever case; None: there is none."""
    return next((each for each in described if each["id"].lower() == wanted.lower()), None)
