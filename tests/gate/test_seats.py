"""Seats: members are a gauge of the plan, exact under parallel invitations and joins, and nobody is kept by it."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
from sqlalchemy import text

from posted import posted
from support import client_of
from tollkeeper import catalog
from tollkeeper.infra import Runtime
from tollkeeper.metering import counters_replay

PASSWORD = "a toll for every bridge"
CATALOGUE = """
features:
  seats: {name: Seats, kind: metered, unit: seat, aggregation: latest}
plans:
  free:
    name: Free
    default: true
    entitlements:
      seats: {limit: 3, period: never}
"""
NO_LIMIT = CATALOGUE.replace("limit: 3", "limit: null")
SOFT = CATALOGUE.replace("{limit: 3,", "{limit: 3, hard: false,")
NOT_MENTIONED = CATALOGUE.replace("      seats: {limit: 3, period: never}", "      other: {limit: 1}").replace(
    "plans:", "  other: {name: Other, kind: metered, unit: x}\nplans:"
)


@dataclass
class Office:
    """Ada, who owns an organization, and people who come to it."""

    runtime: Runtime
    application: httpx.ASGITransport
    ada: httpx.AsyncClient

    async def invite(self, name: str) -> httpx.Response:
        return await self.ada.post("/api/invitations", json={"email": f"{name}@example.com"})

    async def token(self, name: str) -> str:
        found: str = (await posted(self.runtime, f"{name}@example.com", "invitation"))[-1]["token"]
        return found

    async def join(self, name: str) -> httpx.Response:
        async with client_of(self.application, None) as somebody:
            wish = {"token": await self.token(name), "password": PASSWORD}
            return await somebody.post("/api/invitations/join", json=wish)

    async def used(self) -> tuple[int, int | None]:
        listed = (await self.ada.get("/api/usage/limits")).json()["data"]
        [seats] = [each for each in listed if each["feature"] == "seats"]
        return seats["used"], seats["limit"]

    async def sell(self, content: str) -> None:
        async with self.runtime.transaction() as tx:
            await catalog.apply(tx, catalog.read_catalogue_file(content))

    async def members(self) -> dict[str, str]:
        listed = (await self.ada.get("/api/members")).json()["data"]
        return {each["name"]: each["user_id"] for each in listed}


@pytest.fixture
async def office(runtime: Runtime, application: httpx.ASGITransport) -> AsyncIterator[Office]:
    async with runtime.transaction() as tx:
        await catalog.apply(tx, catalog.read_catalogue_file(CATALOGUE))
    async with client_of(application, None) as somebody:
        body: dict[str, Any] = (
            await somebody.post("/api/auth/register", json={"email": "ada@example.com", "password": PASSWORD})
        ).json()
    async with client_of(application, body["access_token"]) as ada:
        yield Office(runtime, application, ada)
    async with runtime.transaction() as tx:
        assert await counters_replay(tx) == []


def code(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]


async def test_members_are_counted_as_they_come_and_go(office: Office) -> None:
    assert await office.used() == (1, 3)
    await office.invite("grace")
    assert await office.used() == (1, 3)  # a seat is taken by who comes
    assert (await office.join("grace")).status_code == 201
    assert await office.used() == (2, 3)
    grace = (await office.members())["grace"]
    await office.ada.post(f"/api/members/{grace}/suspend")
    assert await office.used() == (1, 3)
    await office.ada.post(f"/api/members/{grace}/reactivate")
    assert await office.used() == (2, 3)
    await office.ada.delete(f"/api/members/{grace}")
    assert await office.used() == (1, 3)


async def test_an_invitation_that_could_not_be_accepted_is_not_sent(office: Office) -> None:
    assert [(await office.invite(name)).status_code for name in ("grace", "hopper")] == [201, 201]
    refused = await office.invite("one-more")
    assert code(refused) == (402, "quota_exceeded")
    assert (refused.json()["feature"], refused.json()["limit"]) == ("seats", 3)
    assert await posted(office.runtime, "one-more@example.com", "invitation") == []
    [first, *_] = (await office.ada.get("/api/invitations")).json()["data"]
    await office.ada.delete(f"/api/invitations/{first['id']}")
    assert (await office.invite("one-more")).status_code == 201


async def test_who_would_be_one_too_many_does_not_join(office: Office) -> None:
    for name in ("grace", "hopper"):
        await office.invite(name)
    await office.sell(CATALOGUE.replace("limit: 3", "limit: 2"))
    answers = await asyncio.gather(office.join("grace"), office.join("hopper"))
    assert sorted(answer.status_code for answer in answers) == [201, 402]
    assert len(await office.members()) == 2
    assert await office.used() == (2, 2)
    async with office.runtime.transaction() as tx:  # nothing of the refused one is left, the account neither
        users = (await tx.connection.execute(text("select count(*) from users"))).scalar_one()
    assert users == 2


async def test_of_many_at_once_as_many_join_as_there_are_seats(office: Office) -> None:
    await office.sell(NO_LIMIT)
    names = [f"guest{number}" for number in range(5)]
    assert {(await office.invite(name)).status_code for name in names} == {201}
    await office.sell(CATALOGUE)
    answers = await asyncio.gather(*(office.join(name) for name in names))
    assert sorted(answer.status_code for answer in answers) == [201, 201, 402, 402, 402]
    assert await office.used() == (3, 3)


async def test_nobody_is_kept_by_a_limit_that_was_lowered(office: Office) -> None:
    for name in ("grace", "hopper"):
        await office.invite(name)
        await office.join(name)
    await office.sell(CATALOGUE.replace("limit: 3", "limit: 1"))
    members = await office.members()
    assert (await office.ada.delete(f"/api/members/{members['grace']}")).status_code == 204
    suspended = await office.ada.post(f"/api/members/{members['hopper']}/suspend")
    assert suspended.status_code == 200
    again = await office.ada.post(f"/api/members/{members['hopper']}/reactivate")
    assert code(again) == (402, "quota_exceeded")


@pytest.mark.parametrize("content", [NO_LIMIT, SOFT, NOT_MENTIONED], ids=["no limit", "soft", "not mentioned"])
async def test_a_plan_without_a_hard_limit_takes_everybody(office: Office, content: str) -> None:
    await office.sell(content)
    for name in ("grace", "hopper", "lovelace", "turing"):
        assert (await office.invite(name)).status_code == 201
        assert (await office.join(name)).status_code == 201
    assert len(await office.members()) == 5


async def test_more_seats_are_told_by_the_thresholds_of_the_plan(office: Office) -> None:
    for name in ("grace", "hopper"):
        await office.invite(name)
        await office.join(name)
    told = text(
        "select args ->> 'percent' from procrastinate_jobs where task_name = 'metering.announce_threshold' order by id"
    )
    async with office.runtime.transaction() as tx:
        assert "100" in {str(each) for each in (await tx.connection.execute(told)).scalars()}
