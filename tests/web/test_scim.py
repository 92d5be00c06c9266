"""Provisioning by SCIM: a directory says who belongs to an organization, and as what; nobody else's accounts move."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import httpx
import pytest

from support import client_of
from tollkeeper import identity, orgs
from tollkeeper.identity.mailed import note_address_proved
from tollkeeper.infra import Runtime, Sought, search_trail
from tollkeeper.kit import Permission
from tollkeeper.orgs import sign_on
from tollkeeper.orgs.leaving import delete_by_email
from tollkeeper.wiring.privacy import collect, find_text

ACME = "acme.example"
HOME = "/api/scim/v2"
PATCH = "urn:ietf:params:scim:api:messages:2.0:PatchOp"


@dataclass
class Directory:
    """A directory outside, with a key of the organization it speaks for, which has an owner."""

    client: httpx.AsyncClient
    organization_id: UUID
    owner_id: str

    async def call(self, method: str, path: str, body: Any = None, **headers: str) -> httpx.Response:
        return await self.client.request(method, HOME + path, json=body, headers=headers)

    async def provision(self, name: str = "bob", **more: Any) -> dict[str, Any]:
        wish = {"userName": f"{name}@{ACME}", "name": {"givenName": name.title(), "familyName": "Acme"}, **more}
        answer = await self.call("POST", "/Users", wish)
        assert answer.status_code == 201, answer.text
        made: dict[str, Any] = answer.json()
        assert answer.headers["location"].endswith(f"/Users/{made['id']}")
        return made

    async def patch(self, path: str, *operations: dict[str, Any], **headers: str) -> httpx.Response:
        return await self.call("PATCH", path, {"schemas": [PATCH], "Operations": list(operations)}, **headers)


@pytest.fixture
async def directory(runtime: Runtime, application: httpx.ASGITransport) -> AsyncIterator[Directory]:
    async with runtime.transaction() as tx:
        owner = await orgs.sign_up(tx, email="owner@elsewhere.example", password_hash=None, name="Owner")
        domain = await sign_on.claim_domain(tx, owner.organization.id, ACME)
        await sign_on.accept_domain(tx, domain, sign_on.ShownBy.OPERATOR)
        _, secret = await identity.create_key(
            tx,
            organization_id=owner.organization.id,
            created_by=None,
            name="directory",
            kind=identity.KeyKind.LIVE,
            scopes=[Permission.MEMBERS_PROVISION],
        )
    async with client_of(application, secret) as client:
        yield Directory(client, owner.organization.id, str(owner.user.id))


async def test_what_is_described_is_what_there_is(directory: Directory) -> None:
    made = await directory.provision()
    described = (await directory.call("GET", "/Schemas")).json()
    assert described["totalResults"] == 2
    examples = {"User": made, "Group": (await directory.call("GET", "/Groups/viewer")).json()}
    for schema in described["Resources"]:
        shown = examples[schema["name"]]
        assert shown["schemas"] == [schema["id"]]
        known = {each["name"]: each for each in schema["attributes"]}
        assert set(shown) - {"schemas", "id", "meta"} == set(known)  # common attributes are described by none
        for name, attribute in known.items():
            assert attribute["multiValued"] is isinstance(shown[name], list)
            parts = {part["name"] for part in attribute.get("subAttributes", ())}
            held = shown[name] if isinstance(shown[name], list) else [shown[name]]
            assert all(set(each) <= parts for each in held if isinstance(each, dict)), name
        path = schema["meta"]["location"].partition(HOME)[2]
        assert (await directory.call("GET", path)).json() == schema
    kinds = (await directory.call("GET", "/ResourceTypes")).json()["Resources"]
    assert [(each["id"], each["endpoint"]) for each in kinds] == [("User", "/Users"), ("Group", "/Groups")]
    for each in kinds:
        assert each["schema"] in {schema["id"] for schema in described["Resources"]}
        assert (await directory.call("GET", f"/ResourceTypes/{each['id']}")).json() == each
        assert (await directory.call("GET", each["endpoint"])).status_code == 200
    for path in ("/Schemas/urn:nothing", "/ResourceTypes/Device"):
        answer = await directory.call("GET", path)
        assert (answer.status_code, answer.headers["content-type"]) == (404, "application/problem+json")
    told = (await directory.call("GET", "/ServiceProviderConfig")).json()
    assert told["meta"]["location"].endswith(f"{HOME}/ServiceProviderConfig")


async def test_a_user_is_made_a_member(directory: Directory, runtime: Runtime) -> None:
    made = await directory.provision()
    assert (made["userName"], made["displayName"], made["active"]) == (f"bob@{ACME}", "Bob Acme", True)
    assert made["groups"] == [{"value": "viewer", "display": "Viewer", "type": "direct"}]
    async with runtime.transaction() as tx:
        member = await orgs.find_member(tx, directory.organization_id, UUID(made["id"]))
        assert member.user.verified_at is not None, "whose domain it is has proved the address"
    again = await directory.call("POST", "/Users", {"userName": f"BOB@{ACME}"})
    assert (again.status_code, again.json()["scimType"]) == (409, "uniqueness")


async def test_an_address_of_a_domain_that_is_not_theirs_is_not_provisioned(
    directory: Directory, runtime: Runtime
) -> None:
    async with runtime.transaction() as tx:
        await orgs.sign_up(tx, email="victim@victim.example", password_hash=None, name="V", is_verified=True)
    for email in ("victim@victim.example", f"x@sub.{ACME}", f"x@{ACME}.evil.example"):
        answer = await directory.call("POST", "/Users", {"userName": email})
        assert (answer.status_code, answer.json()["code"]) == (403, "scim_foreign_domain")


async def test_an_account_somebody_made_with_anothers_address_comes_in_once_the_address_is_verified(
    directory: Directory, runtime: Runtime
) -> None:
    email = f"bob@{ACME}"
    async with runtime.transaction() as tx:
        mallory = await orgs.sign_up(tx, email=email, password_hash=None, name="Bob")
    answer = await directory.call("POST", "/Users", {"userName": email})
    assert (answer.status_code, answer.json()["code"]) == (409, "scim_account_unproven")
    async with runtime.transaction() as tx:
        places = await orgs.organizations_of(tx, mallory.user.id)
        assert [each.organization.id for each in places] == [mallory.organization.id]
        await note_address_proved(tx, mallory.user)
    assert (await directory.provision())["id"] == str(mallory.user.id)


async def test_users_are_found_by_filter_and_page(directory: Directory) -> None:
    for name in ("bob", "carol", "dave"):
        await directory.provision(name)
    found = (await directory.client.get(f"{HOME}/Users", params={"filter": f'userName eq "CAROL@{ACME}"'})).json()
    assert [each["displayName"] for each in found["Resources"]] == ["Carol Acme"]
    page = (await directory.client.get(f"{HOME}/Users", params={"startIndex": 2, "count": 2})).json()
    assert (page["totalResults"], page["startIndex"], page["itemsPerPage"]) == (4, 2, 2)
    for least in (0, -1):
        none = (await directory.client.get(f"{HOME}/Users", params={"startIndex": least, "count": least})).json()
        assert (none["totalResults"], none["startIndex"], none["Resources"]) == (4, 1, [])
    by_schema = {"filter": f'urn:ietf:params:scim:schemas:core:2.0:User:userName eq "carol@{ACME}"'}
    assert (await directory.client.get(f"{HOME}/Users", params=by_schema)).json()["totalResults"] == 1
    both = {"filter": f'active eq true and userName ew "@{ACME}"'}
    assert (await directory.client.get(f"{HOME}/Users", params=both)).json()["totalResults"] == 3
    for wrong in (
        "nonsense",
        'password eq "x"',
        'userName eq "a" or userName eq "b"',
        "userName pr",
        'userName eq "\\x"',
        'id eq "a" and ',
    ):
        answer = await directory.client.get(f"{HOME}/Users", params={"filter": wrong})
        assert (answer.status_code, answer.json()["scimType"]) == (400, "invalidFilter")


@pytest.mark.parametrize(
    "operation",
    [
        {"op": "replace", "path": "active", "value": False},
        {"op": "Replace", "path": "active", "value": "False"},
        {"op": "replace", "value": {"active": False}},
        {"OP": "replace", "Path": "Active", "Value": False},
        {"op": "replace", "value": {"Active": False}},
        {"op": "replace", "path": "urn:ietf:params:scim:schemas:core:2.0:User:active", "value": False},
        {"op": "replace", "value": {"urn:ietf:params:scim:schemas:core:2.0:User:active": False}},
    ],
)
async def test_deactivated_they_rest_and_come_again(directory: Directory, operation: dict[str, Any]) -> None:
    path = f"/Users/{(await directory.provision())['id']}"
    answer = await directory.patch(path, operation)
    assert (answer.status_code, answer.json()["active"]) == (200, False), answer.text
    answer = await directory.patch(path, {"op": "replace", "path": "active", "value": True})
    assert answer.json()["active"] is True
    answer = await directory.call("PUT", path, {"USERNAME": f"bob@{ACME}", "Active": False})
    assert answer.json()["active"] is False


async def test_deprovisioned_they_are_gone_and_their_account_stays(directory: Directory, runtime: Runtime) -> None:
    made = await directory.provision()
    assert (await directory.call("DELETE", f"/Users/{made['id']}")).status_code == 204
    assert (await directory.call("GET", f"/Users/{made['id']}")).status_code == 404
    async with runtime.transaction() as tx:
        assert await identity.find_credentials(tx, f"bob@{ACME}") is not None


async def test_what_a_directory_calls_somebody_is_kept_and_finds_them(directory: Directory) -> None:
    bob = await directory.provision("bob", externalId="00u Bob and co")
    carol = await directory.provision("carol")
    assert (bob["externalId"], "externalId" in carol) == ("00u Bob and co", False)
    path = f"/Users/{carol['id']}"

    async def found(external_id: str, kind: str = "Users") -> list[str]:
        asked = {"filter": f'externalId eq "{external_id}" and id ne "nobody"'}
        answer = (await directory.client.get(f"{HOME}/{kind}", params=asked)).json()
        return [each["id"] for each in answer["Resources"]]

    assert await found("00u Bob and co") == [bob["id"]]
    assert await found("00U BOB AND CO") == [], "as it was sent, letter by letter"
    for taken in (
        await directory.patch(path, {"op": "add", "path": "externalId", "value": "00u Bob and co"}),
        await directory.call("POST", "/Users", {"userName": f"dave@{ACME}", "externalId": "00u Bob and co"}),
    ):
        assert (taken.status_code, taken.json()["scimType"]) == (409, "uniqueness")
    steps: list[tuple[dict[str, Any], str | None]] = [
        ({"op": "add", "path": "externalId", "value": "c1"}, "c1"),
        ({"op": "Replace", "value": {"externalId": "c2", "active": True}}, "c2"),
        ({"op": "replace", "path": "active", "value": True}, "c2"),
        ({"op": "remove", "path": "externalId"}, None),
    ]
    for operation, after in steps:
        version = (await directory.call("GET", path)).headers["etag"]
        answer = await directory.patch(path, operation, **{"If-Match": version})
        assert (answer.status_code, answer.json().get("externalId")) == (200, after), answer.text
        assert (await directory.call("GET", path)).json() == answer.json()
    for wrong in (5, "x" * 256, "a\x00b", {"value": "c"}):
        answer = await directory.patch(path, {"op": "replace", "path": "externalId", "value": wrong})
        assert (answer.status_code, answer.json()["scimType"]) == (400, "invalidValue")
    whole = {"userName": f"carol@{ACME}", "externalId": "c3"}
    assert (await directory.call("PUT", path, whole)).json()["externalId"] == "c3"
    del whole["externalId"]
    assert "externalId" not in (await directory.call("PUT", path, whole)).json()
    group = await directory.patch("/Groups/developer", {"op": "add", "path": "externalId", "value": "00u Bob and co"})
    assert (group.status_code, group.json()["externalId"]) == (200, "00u Bob and co"), "groups have names of their own"
    assert await found("00u Bob and co", "Groups") == ["developer"]
    one = {"op": "add", "value": {"externalId": "00u Bob and co", "members": [{"value": bob["id"]}]}}
    taken = await directory.patch("/Groups/viewer", one)
    assert (taken.status_code, taken.json()["scimType"]) == (409, "uniqueness")
    answer = await directory.call("PUT", "/Groups/developer", {"members": [{"value": bob["id"]}]})
    assert ([each["value"] for each in answer.json()["members"]], "externalId" in answer.json()) == ([bob["id"]], False)


async def test_what_a_directory_calls_somebody_is_forgotten_with_the_membership_and_told_in_exports(
    directory: Directory, runtime: Runtime
) -> None:
    bob = await directory.provision(externalId="bob-1")
    owner = {"op": "add", "path": "externalId", "value": "boss"}
    assert (await directory.patch(f"/Users/{directory.owner_id}", owner)).json()["externalId"] == "boss"
    async with runtime.transaction() as tx:
        assert await find_text(tx, "bob-1"), "there is something to be forgotten"
        told = (await search_trail(tx, Sought(action="member.named_by_directory"))).data
        assert {each.after["external_id"] for each in told if each.after} == {"bob-1", "boss"}
    await directory.call("DELETE", f"/Users/{bob['id']}")
    again = await directory.provision()
    assert (again["id"], "externalId" in again) == (bob["id"], False)
    await directory.patch(f"/Users/{bob['id']}", {"op": "add", "path": "externalId", "value": "bob-2"})
    async with runtime.transaction() as tx:
        exported = await collect(tx, UUID(bob["id"]))
    assert "bob-2" in str(exported["scim_users.json"])
    async with runtime.transaction() as tx:
        await delete_by_email(tx, f"bob@{ACME}")
    async with runtime.transaction() as tx:
        for name in ("bob-1", "bob-2"):
            assert [each for each in await find_text(tx, name) if each.why_kept is None] == []


async def test_groups_are_roles(directory: Directory) -> None:
    bob, carol = (await directory.provision("bob"))["id"], (await directory.provision("carol"))["id"]
    listed = (await directory.client.get(f"{HOME}/Groups", params={"filter": 'displayName eq "developer"'})).json()
    (group,) = listed["Resources"]
    path = f"/Groups/{group['id']}"
    answer = await directory.patch(path, {"op": "add", "path": "members", "value": [{"value": bob}, {"value": carol}]})
    assert {each["value"] for each in answer.json()["members"]} == {bob, carol}
    assert (await directory.call("GET", f"/Users/{bob}")).json()["groups"][0]["value"] == "developer"
    answer = await directory.patch(path, {"op": "remove", "path": f'members[value eq "{bob}"]'})
    assert [each["value"] for each in answer.json()["members"]] == [carol]
    assert (await directory.call("GET", f"/Users/{bob}")).json()["groups"][0]["value"] == "viewer"
    answer = await directory.call("PUT", path, {"members": [{"value": bob}]})
    assert [each["value"] for each in answer.json()["members"]] == [bob]
    answer = await directory.patch(path, {"op": "replace", "path": "displayName", "value": "Hackers"})
    assert (answer.status_code, answer.json()["scimType"]) == (400, "mutability")
    assert (await directory.patch(path, {"op": "add", "path": "members", "value": [{"value": "x"}]})).status_code == 404


async def test_owners_are_out_of_reach(directory: Directory) -> None:
    bob = (await directory.provision())["id"]
    owner = f"/Users/{directory.owner_id}"
    calls = [
        directory.call("DELETE", owner),
        directory.patch(owner, {"op": "replace", "path": "active", "value": False}),
        directory.patch("/Groups/owner", {"op": "add", "path": "members", "value": [{"value": bob}]}),
        directory.patch("/Groups/viewer", {"op": "add", "path": "members", "value": [{"value": directory.owner_id}]}),
    ]
    for call in calls:
        answer = await call
        assert (answer.status_code, answer.json()["code"]) == (403, "owner_needed")


async def test_a_person_who_provisions_reaches_no_further_than_their_role(
    directory: Directory, runtime: Runtime, application: httpx.ASGITransport
) -> None:
    bob = await directory.provision()
    async with runtime.transaction() as tx:
        permissions = {Permission.MEMBERS_PROVISION, Permission.MEMBERS_READ}
        await orgs.create_role(
            tx,
            directory.organization_id,
            orgs.GRANTABLE,
            key="hiring",
            name="Hiring",
            description="",
            permissions=permissions,
        )
        await orgs.change_member(tx, orgs.PROVISIONER, directory.organization_id, UUID(bob["id"]), "hiring")
        tokens = await identity.open_tokens(tx, UUID(bob["id"]), directory.organization_id)
    wish = {"Operations": [{"op": "add", "path": "members", "value": [{"value": bob["id"]}]}]}
    async with client_of(application, tokens.access_token) as client:
        assert (await client.get(f"{HOME}/Users")).status_code == 200
        answer = await client.patch(f"{HOME}/Groups/admin", json=wish)
        assert (answer.status_code, answer.json()["code"]) == (403, "role_beyond_yours")


async def test_versions_tell_whether_it_changed_meanwhile(directory: Directory) -> None:
    made = await directory.provision()
    path, version = f"/Users/{made['id']}", made["meta"]["version"]
    assert (await directory.call("GET", path, **{"If-None-Match": version})).status_code == 304
    off = {"op": "replace", "path": "active", "value": False}
    changed = await directory.patch(path, off, **{"If-Match": version})
    assert changed.headers["etag"] != version
    answer = await directory.call("DELETE", path, **{"If-Match": version})
    assert (answer.status_code, answer.json()["code"]) == (412, "scim_changed")


async def test_the_directory_is_told_what_is_spoken(directory: Directory) -> None:
    told = (await directory.call("GET", "/ServiceProviderConfig")).json()
    assert (told["patch"]["supported"], told["etag"]["supported"], told["bulk"]["supported"]) == (True, True, False)
    kinds = (await directory.call("GET", "/ResourceTypes")).json()["Resources"]
    assert [each["endpoint"] for each in kinds] == ["/Users", "/Groups"]
