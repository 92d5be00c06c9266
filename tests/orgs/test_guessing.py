"""Guessing at passwords: strangers wait, the owner goes on, and nothing tells who has an account."""

import asyncio
import math
import time
from collections.abc import Sequence
from datetime import timedelta

import httpx
import pytest
from fastapi import FastAPI

from mailbox_process import Post
from tollkeeper.identity import InvalidCredentialsError
from tollkeeper.infra import Runtime
from tollkeeper.kit import FixedClock
from tollkeeper.orgs import Client, log_in

from .callers import PASSWORD, Caller, problem, register

ADA = "ada@example.com"
WRONG = "not this one"
SAMPLES = 120
NEW_DEVICE = "A log-in from a new device"


async def guess(caller: Caller, email: str = ADA, password: str = WRONG) -> tuple[int, str]:
    answer = await caller("POST", "/auth/login", {"email": email, "password": password})
    return (200, "") if answer.status_code == 200 else problem(answer)


def browser(app: FastAPI, ip: str = "203.0.113.7") -> Caller:
    """A browser somewhere else."""
    transport = httpx.ASGITransport(app, client=(ip, 4711))
    return Caller(httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8000"))


async def test_strangers_wait_longer_and_longer(app: FastAPI, program: Caller, clock: FixedClock) -> None:
    await register(program)
    stranger = browser(app)
    for _ in range(10):
        assert await guess(stranger) == (401, "invalid_credentials")
    waits = []
    for _ in range(7):
        answer = await stranger("POST", "/auth/login", {"email": ADA, "password": PASSWORD})
        assert problem(answer) == (429, "login_throttled")
        waits.append(answer.json()["retry_after"])
        assert answer.headers["retry-after"] == str(waits[-1])
        clock.advance(timedelta(seconds=waits[-1]))
        assert await guess(stranger) == (401, "invalid_credentials")
    assert waits == [31, 61, 121, 241, 481, 901, 901]
    clock.advance(timedelta(days=1))
    assert await guess(stranger, password=PASSWORD) == (200, "")


async def test_an_address_nobody_has_waits_the_same(app: FastAPI, program: Caller) -> None:
    await register(program)
    stranger = browser(app)
    answers: dict[str, list[tuple[int, bytes]]] = {ADA: [], "nobody@example.com": []}
    for _ in range(12):
        for email, seen in answers.items():
            answer = await stranger("POST", "/auth/login", {"email": email, "password": "not this one"})
            seen.append((answer.status_code, answer.content))
    assert answers[ADA] == answers["nobody@example.com"]
    assert answers[ADA][-1][0] == 429


async def test_the_owner_goes_on_where_they_logged_in_before(app: FastAPI, anyone: Caller) -> None:
    await register(anyone)
    for number in range(30):
        await guess(browser(app, f"198.51.{number}.1"))
    assert (await guess(browser(app)))[0] == 429
    anyone.http.cookies.delete("tollkeeper_session")
    at_home = await guess(anyone, password=PASSWORD)
    moved = browser(app, "192.0.2.1")
    moved.http.cookies.set("tollkeeper_device", anyone.http.cookies["tollkeeper_device"])
    assert (at_home, await guess(moved, password=PASSWORD)) == ((200, ""), (200, ""))
    assert (await guess(browser(app), password=PASSWORD))[0] == 429, "that changed nothing for strangers"


async def test_a_device_of_the_owner_s_waits_for_itself(anyone: Caller, app: FastAPI) -> None:
    await register(anyone)
    for _ in range(10):
        assert await guess(anyone) == (401, "invalid_credentials")
    assert await guess(anyone, password=PASSWORD) == (429, "login_throttled")
    assert await guess(browser(app), password=PASSWORD) == (200, "")


async def test_somebody_else_s_cookie_makes_nobody_known(anyone: Caller, app: FastAPI) -> None:
    await register(anyone, "eve@example.com")
    await register(Caller(httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://127.0.0.1")), ADA)
    stranger = browser(app)
    stranger.http.cookies.set("tollkeeper_device", anyone.http.cookies["tollkeeper_device"])
    for _ in range(10):
        await guess(stranger)
    assert (await guess(stranger, password=PASSWORD))[0] == 429
    assert (await guess(browser(app), password=PASSWORD))[0] == 429, "it was counted as a stranger's"


async def test_guesses_sent_at_once_are_worth_no_more(app: FastAPI, program: Caller) -> None:
    await register(program)
    stranger = browser(app)
    answers = await asyncio.gather(*(guess(stranger, password=f"guess {number}") for number in range(30)))
    assert answers.count((401, "invalid_credentials")) == 10
    assert answers.count((429, "login_throttled")) == 20
    assert (await guess(stranger, password=PASSWORD))[0] == 429


async def test_one_network_cannot_try_everybody(app: FastAPI, program: Caller) -> None:
    await register(program)
    for number in range(100):
        assert (await guess(browser(app, f"203.0.113.{number}"), f"person-{number}@example.com"))[0] == 401
    assert (await guess(browser(app, "203.0.113.200"), password=PASSWORD))[0] == 429
    assert await guess(browser(app, "198.51.100.1"), password=PASSWORD) == (200, "")


async def test_a_reset_lets_strangers_begin_anew_and_forgets_devices(app: FastAPI, anyone: Caller, post: Post) -> None:
    await register(anyone)
    stranger = browser(app)
    for _ in range(11):
        await guess(stranger)
    await stranger("POST", "/auth/password/forgot", {"email": ADA})
    new = "another horse, another battery"
    await stranger("POST", "/auth/password/reset", {"token": await post.token(ADA), "password": new})
    assert await guess(stranger, password=new) == (200, "")
    assert NEW_DEVICE not in await post.subjects(ADA), "no device was known any more"


async def test_a_log_in_from_a_new_device_is_told_by_mail_once(app: FastAPI, anyone: Caller, post: Post) -> None:
    await register(anyone)
    await guess(anyone, password=PASSWORD)
    elsewhere = browser(app)
    for _ in range(2):
        agent = "Mozilla/5.0 (X11; Linux x86_64; rv:130.0) Gecko/20100101 Firefox/130.0"
        await elsewhere("POST", "/auth/login", {"email": ADA, "password": PASSWORD}, user_agent=agent)
    mails = [each for each in await post.mails(ADA) if each["subject"] == NEW_DEVICE]
    assert len(mails) == 1
    assert "Firefox on Linux, 203.0.113.7" in mails[0]["text"]


async def test_a_program_without_cookies_is_known_by_its_sort_and_network(program: Caller, post: Post) -> None:
    await register(program)
    for version in ("1.0", "1.1", "2.0.7"):
        await program("POST", "/auth/login", {"email": ADA, "password": PASSWORD}, user_agent=f"tool/{version}")
    assert (await post.subjects(ADA)).count(NEW_DEVICE) == 1


async def test_unknown_and_wrong_cannot_be_told_apart_by_time(runtime: Runtime, program: Caller) -> None:
    """Times of both, taken in turns, are ranked: if they differ by nothing, one is as often the longer as the other."""
    await register(program)
    seconds: dict[str, list[float]] = {ADA: [], "nobody@example.com": []}
    for number in range(SAMPLES):
        client = Client("prober", f"10.0.{number}.1")
        for email in sorted(seconds, reverse=bool(number % 2)):
            seconds[email].append(await timed(runtime, email, client))
            await forget(runtime)
    share = share_of_longer(*seconds.values())
    # Mann and Whitney: of two such samples of one distribution the share lies within four deviations of one half.
    deviation = math.sqrt((2 * SAMPLES + 1) / (12 * SAMPLES**2))
    assert abs(share - 0.5) < 4 * deviation, (share, deviation)


async def timed(runtime: Runtime, email: str, client: Client) -> float:
    started = time.perf_counter()
    with pytest.raises(InvalidCredentialsError):
        await log_in(runtime, email=email, password=WRONG, client=client)
    return time.perf_counter() - started


async def forget(runtime: Runtime) -> None:
    async with runtime.transaction() as tx:
        await (await tx.raw()).execute("delete from login_failures")


def share_of_longer(first: Sequence[float], second: Sequence[float]) -> float:
    """How often one of the first is longer than one of the second: Mann and Whitney's U, as a share of all pairs."""
    return sum(one > other for one in first for other in second) / (len(first) * len(second))
