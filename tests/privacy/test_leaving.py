"""People leave for good, and nothing of them is left behind."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text

from tollkeeper.identity import ask_for_deletion, erase_person, find_credentials
from tollkeeper.infra import Runtime, run_job, verify_trail
from tollkeeper.kit import FixedClock
from tollkeeper.orgs import OWNER, admit, found_organization, get_organization, list_members, role_named
from tollkeeper.wiring import every_job
from tollkeeper.wiring.privacy import check_erasures, find_text

from .conftest import PASSWORD, Join, Person, WorkOff, mails

GRACE = timedelta(days=14)


async def the_day_comes(runtime: Runtime, clock: FixedClock, work_off: WorkOff, *, after: timedelta = GRACE) -> None:
    clock.advance(after)
    await run_job(runtime, next(each for each in every_job() if each.name == "orgs.delete_people"))
    await work_off()


async def belongs(runtime: Runtime, person: Person, organization_id: UUID, role: str = "owner") -> None:
    async with runtime.transaction() as tx:
        await admit(tx, organization_id, person.user_id, await role_named(tx, organization_id, role))


async def known(runtime: Runtime, email: str) -> bool:
    async with runtime.transaction() as tx:
        return await find_credentials(tx, email) is not None


async def members(runtime: Runtime, organization_id: UUID) -> dict[str, str]:
    async with runtime.transaction() as tx:
        return {each.user.email: each.role.key for each in (await list_members(tx, organization_id)).data}


async def residue(runtime: Runtime, *texts: str) -> list[Any]:
    """Places that should hold nothing of a deleted person; also of the texts given."""
    async with runtime.transaction() as tx:
        found = [*await check_erasures(tx), *[each for wanted in texts for each in await find_text(tx, wanted)]]
    return [each for each in found if each.why_kept is None]


async def test_somebody_is_deleted_after_the_days_of_grace_and_nothing_is_left(
    join: Join, runtime: Runtime, clock: FixedClock, work_off: WorkOff
) -> None:
    ada = await join("Ada Countess Lovelace", **{"User-Agent": "Netscape/4 (Ada)"})
    eve = await join("Eve")
    await ada("PATCH", "/profile/settings", {"theme": "dark"})
    key = (await ada("POST", "/keys", {"name": "laptop"})).json()
    await ada("POST", "/profile/exports")
    await ada("POST", "/usage/track", {"feature": "prompts", "count": 3})
    async with runtime.transaction() as tx:
        assert await find_text(tx, "netscape/4 (ada)"), "there is something to be forgotten"
        assert await find_text(tx, "lovelace@example.com")
    wish = (await ada("POST", "/profile/deletion")).json()
    again = (await ada("POST", "/profile/deletion")).json()
    assert again == wish
    assert [each["template"] for each in await mails(runtime)].count("deletion_requested") == 1
    await the_day_comes(runtime, clock, work_off, after=GRACE - timedelta(seconds=1))
    assert await known(runtime, ada.email)
    await the_day_comes(runtime, clock, work_off, after=timedelta(seconds=1))
    assert not await known(runtime, ada.email)
    assert await known(runtime, eve.email)
    assert await residue(runtime, "netscape", "lovelace", "ada countess", "ada.") == []
    bearer = {"Authorization": f"Bearer {key['secret']}"}
    assert (await eve("GET", "/usage", headers=bearer)).status_code == 401
    assert (await ada("GET", "/profile")).status_code == 401
    login = await eve("POST", "/auth/login", {"email": ada.email, "password": PASSWORD})
    assert login.json()["code"] == "invalid_credentials"
    last = (await mails(runtime))[-1]
    assert (last["to"], last["template"]) == (ada.email, "account_deleted")
    async with runtime.transaction() as tx:
        assert (await get_organization(tx, ada.organization_id)).name == "Deleted organization"
    async with runtime.transaction() as tx:
        assert (await verify_trail(tx)).faults == []


async def test_a_wish_can_be_taken_back(join: Join, runtime: Runtime, clock: FixedClock, work_off: WorkOff) -> None:
    ada = await join("Ada")
    wish = (await ada("POST", "/profile/deletion")).json()
    assert (await ada("GET", "/profile/deletion")).json() == wish
    for _ in range(2):
        assert (await ada("DELETE", "/profile/deletion")).status_code == 204
    assert (await ada("GET", "/profile/deletion")).json() == {"requested_at": None, "due_at": None}
    await the_day_comes(runtime, clock, work_off)
    assert await known(runtime, ada.email)


async def test_without_days_of_grace_it_is_done_at_once(join: Join, runtime: Runtime, work_off: WorkOff) -> None:
    runtime.settings = runtime.settings.model_copy(update={"deletion_days": 0})
    ada = await join("Ada")
    await ada("POST", "/profile/deletion")
    await work_off()
    assert not await known(runtime, ada.email)


async def test_nobody_is_deleted_who_did_not_ask_or_before_the_day(
    join: Join, runtime: Runtime, clock: FixedClock
) -> None:
    ada, eve = await join("Ada"), await join("Eve")
    await ada("POST", "/profile/deletion")
    async with runtime.transaction() as tx:
        assert not await erase_person(tx, ada.user_id)
        assert not await erase_person(tx, eve.user_id)
    clock.advance(GRACE)
    async with runtime.transaction() as tx:
        assert await erase_person(tx, ada.user_id)
    async with runtime.transaction() as tx:
        assert not await erase_person(tx, ada.user_id)


async def test_the_only_owner_of_a_team_hands_it_over_first(join: Join, runtime: Runtime) -> None:
    ada, eve = await join("Ada"), await join("Eve")
    await belongs(runtime, eve, ada.organization_id, "developer")
    answer = await ada("POST", "/profile/deletion")
    assert (answer.status_code, answer.json()["code"]) == (409, "last_owner")
    assert answer.json()["organizations"] == [str(ada.organization_id)]
    assert (await ada("GET", "/profile/deletion")).json()["due_at"] is None
    await ada("PATCH", f"/members/{eve.user_id}", {"role": "owner"})
    assert (await ada("POST", "/profile/deletion")).status_code == 202


async def test_organizations_one_does_not_act_for_count_too(join: Join, runtime: Runtime) -> None:
    ada, eve = await join("Ada"), await join("Eve")
    async with runtime.transaction() as tx:
        organization_id = (await found_organization(tx, ada.user_id, "Engines")).organization.id
    await belongs(runtime, eve, organization_id, "viewer")
    answer = await ada("POST", "/profile/deletion")
    assert (answer.status_code, answer.json()["code"]) == (409, "last_owner")
    assert answer.json()["organizations"] == [str(organization_id)]


@pytest.mark.parametrize("others", [["viewer", "admin"], ["developer", "viewer"], ["owner", "admin"]])
async def test_whoever_is_nearest_to_owning_inherits(
    join: Join, runtime: Runtime, clock: FixedClock, work_off: WorkOff, others: list[str]
) -> None:
    ada, bob, eve = await join("Ada"), await join("Bob"), await join("Eve")
    async with runtime.transaction() as tx:
        await ask_for_deletion(tx, ada.user_id)
    await belongs(runtime, bob, ada.organization_id, others[0])
    await belongs(runtime, eve, ada.organization_id, others[1])
    await the_day_comes(runtime, clock, work_off)
    heir = eve if others == ["viewer", "admin"] else bob
    found = await members(runtime, ada.organization_id)
    assert set(found) == {bob.email, eve.email}
    assert [email for email, role in found.items() if role == OWNER.key] == [heir.email]
    async with runtime.transaction() as tx:
        assert (await get_organization(tx, ada.organization_id)).name == "Ada"
    assert await residue(runtime, ada.email) == []


async def test_invitations_to_and_from_somebody_deleted(
    join: Join, runtime: Runtime, clock: FixedClock, work_off: WorkOff
) -> None:
    ada, eve = await join("Ada"), await join("Eve")
    sent = await eve("POST", "/invitations", {"email": ada.email, "role": "viewer"})
    assert sent.status_code == 201, sent.text
    await belongs(runtime, ada, eve.organization_id, "admin")
    async with runtime.transaction() as tx:
        await ask_for_deletion(tx, ada.user_id)
    await the_day_comes(runtime, clock, work_off)
    assert await residue(runtime, ada.email) == []


async def test_the_check_finds_what_was_left_behind(
    join: Join, runtime: Runtime, clock: FixedClock, work_off: WorkOff
) -> None:
    ada, eve = await join("Ada"), await join("Eve")
    await ada("POST", "/profile/deletion")
    await the_day_comes(runtime, clock, work_off)
    assert await residue(runtime) == []
    plant = {
        "organizations.name": "update organizations set name = 'of ADA@example.com, mainly' where id = :eve",
        "plans.description": "update plans set description = 'write to <ada@example.com>'",
        "provider_events.body": "insert into provider_events (id, account, provider_id, type, livemode, created_at,"
        " received_at, body, status) values (:eve, 'a', 'evt', 't', false, now(), now(),"
        """ '{"email":"ada@example.com"}', 'received')""",
        "usage_grants.reason": "insert into usage_grants (id, organization_id, meter_id, amount, used, reason,"
        " created_at) select :eve, :eve, id, 1, 0, 'ada@example.com', now() from meters limit 1",
    }
    for place, statement in plant.items():
        async with runtime.transaction() as tx:
            done = await tx.connection.execute(
                text(statement), {"eve": eve.organization_id} if ":eve" in statement else {}
            )
            assert done.rowcount
            found = [each for each in await check_erasures(tx) if each.why_kept is None]
            assert {f"{each.table}.{each.column}" for each in found} == {place}
            assert {each.user_id for each in found} == {ada.user_id}
            await tx.connection.rollback()


async def test_somebody_who_comes_back_is_no_residue(
    join: Join, runtime: Runtime, clock: FixedClock, work_off: WorkOff
) -> None:
    ada = await join("Ada")
    await ada("POST", "/profile/deletion")
    await the_day_comes(runtime, clock, work_off)
    assert (await join("Ada")).user_id != ada.user_id
    assert await residue(runtime) == []
