"""Every writing call that succeeds leaves a record, in its own transaction, of who did it and how."""

from uuid import UUID

import pytest
from prometheus_client import REGISTRY

from tollkeeper.infra import NOBODY, Runtime, Sought, seal_trail, search_trail, verify_trail

from .grid import GRID, PUBLIC, Route
from .pages import PAGES
from .visits import Visits
from .world import World

# Calls that write and leave no record, each with its reason.
UNRECORDED = {
    "POST /api/auth/refresh": "a login goes on; what is refused because a token came twice is recorded",
    "POST /api/usage/track": "a usage event is a record itself: who, when, what, by which key",
    "POST /api/usage/track/batch": "as a single event",
    "POST /api/events": "as a single event",
    "POST /api/usage/check": "it asks",
    "POST /api/usage/reserve": "it is an event once it is settled",
    "POST /api/keys/verify": "it asks",
    "POST /api/keys/verify/batch": "it asks",
    "DELETE /api/profile/picture": "there is none to be removed here",
    "DELETE /api/profile/totp": "as above",
    "POST /api/auth/verify/resend": "a mail is asked for, and nothing changed; whose it is must not show",
    "POST /api/auth/password/forgot": "as above",
    "POST /api/auth/password/strength": "it asks",
    "PUT /api/scim/v2/Groups/{group_id}": "nobody has the role here, so nobody loses it",
    "PATCH /api/scim/v2/Groups/{group_id}": "as above",
    "POST /api/leases": "how much runs at this moment: it is gone a moment later",
}
UNRECORDED_FORMS = {
    "POST /password/forgot": "a mail is asked for, and nothing changed; whose it is must not show",
    "POST /verify/resend": "as above",
    "POST /security/email/verify": "as above",
    "POST /security/totp/remove": "there is none to be removed here",
    "POST /team/roles/{key}": "nothing of it is changed here",
    "POST /profile/picture/remove": "there is none to be removed here",
    "POST /profile/delete/keep": "nothing was asked for here",
    "POST /admin/organizations/{organization_id}/reinstate": "nobody is suspended here",
    "POST /admin/catalogue/file": "it shows what would change",
    "POST /admin/catalogue/preview": "as above",
    "POST /admin/catalogue/apply": "it is refused here",
    "POST /step-up/keep": "what was typed is carried over the proof; the form it belongs to leaves the record",
    "POST /ui": "components are tried out",
}
LOOKING = ("/preview",)


def writing() -> list[Route]:
    return [
        route
        for route in GRID
        if route.writes
        and route.success is not None
        and route.call not in UNRECORDED
        and not route.path.endswith(LOOKING)
    ]


def test_what_is_excepted_exists() -> None:
    assert set(UNRECORDED) <= {route.call for route in GRID}
    assert set(UNRECORDED_FORMS) <= {page.call for page in PAGES}


async def test_every_good_writing_call_leaves_a_record(world: World, runtime: Runtime) -> None:
    faults = []
    for number, route in enumerate(writing()):
        known = await world.fill(route)
        request_id = f"trail-{number}"
        answer = await world.good(route, headers={"X-Request-Id": request_id})
        if answer.status_code != route.success:
            faults.append(f"{route.call}: {answer.status_code} {answer.text[:200]}")
            continue
        async with runtime.transaction() as tx:
            found = (await search_trail(tx, Sought(request_id=request_id))).data
        if not found:
            faults.append(f"{route.call} leaves no record")
        for record in found:
            if record.origin.via != route.call:
                faults.append(f"{route.call} is told as {record.origin.via}")
            if record.origin.kind == "system" or not record.origin.ip:
                faults.append(f"{route.call} does not say who or where: {record.origin}")
            secrets = [each for each in (known.get("secret"), known.get("refresh_token")) if each]
            if any(each in str(record.before) + str(record.after) for each in secrets):
                faults.append(f"{route.call} writes a secret down")
    assert not faults, "\n".join(faults)


async def test_every_good_form_leaves_a_record(visits: Visits, runtime: Runtime) -> None:
    faults = []
    for number, page in enumerate(PAGES):
        if not page.writes or page.foreign or page.success is None or page.call in UNRECORDED_FORMS:
            continue
        answer = await visits.good(page, headers={"X-Request-Id": f"form-{number}"})
        async with runtime.transaction() as tx:
            found = (await search_trail(tx, Sought(request_id=f"form-{number}"))).data
        if answer.status_code != page.success or not found:
            faults.append(f"{page.call}: {answer.status_code}, {len(found)} records")
        faults += [f"{page.call} is told as {each.origin.via}" for each in found if each.origin.via != page.call]
        await visits.renew(page)
    assert not faults, "\n".join(faults)


async def test_a_refused_call_leaves_none(world: World, runtime: Runtime) -> None:
    marked = {"headers": {"X-Request-Id": "refused"}}
    for route in writing():
        if route.needs != PUBLIC and route.call != "POST /api/auth/logout":
            assert (await world.good(route, by="nobody", **marked)).status_code == 401, route.call
        if route.wrong is not None:
            sent = route.wrong[0]
            change = {"params": sent} if route.body is None else {"body": sent}
            assert (await world.good(route, **change, **marked)).status_code == 422, route.call
    async with runtime.transaction() as tx:
        assert (await search_trail(tx, Sought(request_id="refused"))).data == []


@pytest.mark.usefixtures("world")
async def test_what_happened_in_this_world_is_one_sound_chain(runtime: Runtime) -> None:
    async with runtime.transaction() as tx:
        head = await seal_trail(tx)
    async with runtime.transaction() as tx:
        found = await verify_trail(tx, noted=head)
    assert (found.faults, found.waiting) == ([], 0)
    assert found.head.sequence > 10


@pytest.mark.parametrize(("caller", "kind"), [("ada", "token"), ("operator", "operator_key")])
async def test_who_did_it_is_told(world: World, runtime: Runtime, caller: str, kind: str) -> None:
    wish = {"name": "spare", "scopes": ["usage:read"], "customer": world.known["ada_id"]}
    made = await world.call("POST", "/api/keys", wish, by=caller, headers={"User-Agent": "curl/8"})
    async with runtime.transaction() as tx:
        (record,) = (await search_trail(tx, Sought(target_kind="key", target_id=made.json()["id"]))).data
    assert record.organization_id == UUID(world.known["ada_id"])
    assert (record.origin.kind, record.origin.user_agent) == (kind, "curl/8")
    assert (record.origin.user_id is not None) is (caller == "ada")
    assert record.origin.credential_id is not None
    assert record.after is not None
    assert (record.after["name"], record.after["scopes"]) == ("spare", ["usage:read"])


async def test_a_failed_login_is_recorded_and_counted(world: World, runtime: Runtime) -> None:
    counter = ("tollkeeper_security_events_total", {"event": "login.failed"})
    before = REGISTRY.get_sample_value(*counter) or 0
    for email in ("ada@example.com", "nobody@example.com"):
        answer = await world.call("POST", "/api/auth/login", {"email": email, "password": "not the password"})
        assert answer.status_code == 401
    async with runtime.transaction() as tx:
        unknown, known = (await search_trail(tx, Sought(action="login.failed"))).data
    assert unknown.target_id == "", "what was typed is not kept"
    assert str(UUID(known.target_id)) == known.target_id
    assert (known.origin.kind, known.origin.user_id, known.before, known.after) == (NOBODY, None, None, None)
    assert REGISTRY.get_sample_value(*counter) == before + 2


async def test_refused_deliveries_are_recorded_sparingly(world: World, runtime: Runtime) -> None:
    for _ in range(3):
        await world.webhook(b"{}", secret="whsec_somebody_elses")
    await world.webhook(b"{}", seconds=-301)
    async with runtime.transaction() as tx:
        found = (await search_trail(tx, Sought(action="webhook.refused"))).data
    reasons = [each.after and each.after["reason"] for each in found]
    assert reasons == ["webhook_timestamp_stale", "webhook_signature_invalid"]
