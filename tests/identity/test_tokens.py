"""Sessions and tokens: how long each is good, what a logout ends, what a stolen refresh token buys."""

import base64
import json
from datetime import timedelta

import pytest
from joserfc import jwt
from joserfc.jwk import OctKey
from pydantic import SecretStr

from tollkeeper.identity import (
    RefreshRefusal,
    Session,
    TokenPair,
    User,
    check_csrf,
    close_login,
    close_login_of,
    close_session,
    csrf_token,
    open_session,
    open_tokens,
    read_access_token,
    rotate,
    session_of,
)
from tollkeeper.identity.jobs import forget_ended
from tollkeeper.infra import Runtime
from tollkeeper.kit import FixedClock, new_id

ORGANIZATION = new_id()


async def find_session(runtime: Runtime, token: str) -> Session | None:
    async with runtime.transaction() as tx:
        return await session_of(tx, token)


async def trade(runtime: Runtime, refresh_token: str) -> TokenPair | RefreshRefusal:
    async with runtime.transaction() as tx:
        return await rotate(tx, refresh_token)


async def log_in(runtime: Runtime, user: User) -> TokenPair:
    async with runtime.transaction() as tx:
        return await open_tokens(tx, user.id, ORGANIZATION)


async def test_a_session_ends_when_left_alone_for_as_long_as_is_set(
    runtime: Runtime, clock: FixedClock, ada: User
) -> None:
    async with runtime.transaction() as tx:
        opened = await open_session(tx, ada.id, ORGANIZATION, user_agent="Browser", ip="127.0.0.1")
    assert runtime.settings.session_idle == timedelta(days=1)
    runtime.settings = runtime.settings.model_copy(update={"session_idle_hours": 14 * 24})
    assert opened.session.user_agent == "Browser"
    clock.advance(timedelta(days=14) - timedelta(seconds=1))
    assert await find_session(runtime, opened.token) is not None
    clock.advance(timedelta(days=14))
    assert await find_session(runtime, opened.token) is None


async def test_a_session_in_daily_use_ends_after_thirty_days(runtime: Runtime, clock: FixedClock, ada: User) -> None:
    async with runtime.transaction() as tx:
        opened = await open_session(tx, ada.id, ORGANIZATION)
    for _ in range(30 * 2 - 1):
        clock.advance(timedelta(hours=12))
        assert await find_session(runtime, opened.token) is not None
    clock.advance(timedelta(hours=12))
    assert await find_session(runtime, opened.token) is None


async def test_use_of_a_session_is_written_once_a_minute(runtime: Runtime, clock: FixedClock, ada: User) -> None:
    async with runtime.transaction() as tx:
        opened = await open_session(tx, ada.id, ORGANIZATION)
    clock.advance(timedelta(seconds=59))
    seen = await find_session(runtime, opened.token)
    assert seen is not None
    assert seen.last_seen_at == opened.session.last_seen_at
    clock.advance(timedelta(seconds=1))
    seen = await find_session(runtime, opened.token)
    assert seen is not None
    assert seen.last_seen_at == clock.now()
    assert seen == await find_session(runtime, opened.token)


async def test_closing_a_session_ends_the_tokens_of_the_same_login(runtime: Runtime, ada: User) -> None:
    async with runtime.transaction() as tx:
        opened = await open_session(tx, ada.id, ORGANIZATION)
        pair = await open_tokens(tx, ada.id, ORGANIZATION, session_id=opened.session.id)
        other = await open_tokens(tx, ada.id, ORGANIZATION)
    async with runtime.transaction() as tx:
        await close_session(tx, opened.session.id)
    assert await find_session(runtime, opened.token) is None
    assert await trade(runtime, pair.refresh_token) is RefreshRefusal.INVALID
    assert isinstance(await trade(runtime, other.refresh_token), TokenPair)


@pytest.mark.parametrize("by", ["family", "refresh_token"])
async def test_logging_a_program_out_closes_the_session_of_the_same_login(runtime: Runtime, ada: User, by: str) -> None:
    async with runtime.transaction() as tx:
        opened = await open_session(tx, ada.id, ORGANIZATION)
        pair = await open_tokens(tx, ada.id, ORGANIZATION, session_id=opened.session.id)
    async with runtime.transaction() as tx:
        await (close_login(tx, pair.family_id) if by == "family" else close_login_of(tx, pair.refresh_token))
    assert await find_session(runtime, opened.token) is None
    assert await trade(runtime, pair.refresh_token) is RefreshRefusal.INVALID


async def test_a_refresh_token_is_good_once(runtime: Runtime, clock: FixedClock, ada: User) -> None:
    first = await log_in(runtime, ada)
    clock.advance(timedelta(days=29))
    second = await trade(runtime, first.refresh_token)
    assert isinstance(second, TokenPair)
    assert (second.user_id, second.organization_id) == (ada.id, ORGANIZATION)
    assert second.refresh_token != first.refresh_token
    clock.advance(timedelta(days=29))
    assert isinstance(await trade(runtime, second.refresh_token), TokenPair)


async def test_a_spent_refresh_token_ends_the_whole_login_for_good(runtime: Runtime, ada: User) -> None:
    first = await log_in(runtime, ada)
    second = await trade(runtime, first.refresh_token)
    assert isinstance(second, TokenPair)
    assert await trade(runtime, first.refresh_token) is RefreshRefusal.REUSED
    assert await trade(runtime, second.refresh_token) is RefreshRefusal.INVALID
    assert await trade(runtime, first.refresh_token) is RefreshRefusal.INVALID


async def test_a_refresh_token_is_too_old_after_thirty_days(runtime: Runtime, clock: FixedClock, ada: User) -> None:
    pair = await log_in(runtime, ada)
    clock.advance(timedelta(days=30))
    assert await trade(runtime, pair.refresh_token) is RefreshRefusal.INVALID


async def test_an_access_token_is_good_for_a_quarter_of_an_hour(runtime: Runtime, clock: FixedClock, ada: User) -> None:
    pair = await log_in(runtime, ada)
    assert pair.expires_in == 900
    clock.advance(timedelta(seconds=899))
    claims = read_access_token(runtime.settings, pair.access_token, clock.now())
    assert claims is not None
    assert (claims.user_id, claims.organization_id, claims.family_id) == (ada.id, ORGANIZATION, pair.family_id)
    clock.advance(timedelta(seconds=1))
    assert claims.expires == clock.now()
    assert read_access_token(runtime.settings, pair.access_token, clock.now()) is None


async def test_access_and_refresh_tokens_do_not_stand_in_for_each_other(
    runtime: Runtime, clock: FixedClock, ada: User
) -> None:
    pair = await log_in(runtime, ada)
    assert read_access_token(runtime.settings, pair.refresh_token, clock.now()) is None
    assert await trade(runtime, pair.access_token) is RefreshRefusal.INVALID
    # Not even under one secret: the audience differs.
    careless = runtime.settings.model_copy(update={"jwt_refresh_secret": runtime.settings.jwt_secret})
    async with Runtime(careless, clock, runtime.database, runtime.jobs).transaction() as tx:
        assert await rotate(tx, pair.access_token) is RefreshRefusal.INVALID


def claims_for_now(clock: FixedClock) -> dict[str, object]:
    now = int(clock.now().timestamp())
    ids = {name: str(new_id()) for name in ("sub", "org", "sid", "jti")}
    return {**ids, "iss": "tollkeeper", "aud": "tollkeeper:access", "iat": now, "exp": now + 60}


def sign(claims: dict[str, object], algorithm: str = "HS256", secret: str = "a" * 64) -> str:
    return jwt.encode({"alg": algorithm}, claims, OctKey.import_key(secret), [algorithm])


async def test_a_token_signed_by_us_is_read(runtime: Runtime, clock: FixedClock) -> None:
    assert read_access_token(runtime.settings, sign(claims_for_now(clock)), clock.now()) is not None


@pytest.mark.parametrize(
    "change",
    [
        {"iss": "somebody"},
        {"aud": "tollkeeper:refresh"},
        {"exp": "never"},
        {"exp": None},
        {"sub": "not an id"},
        {"sub": 7},
        {"org": None},
        {"sid": ["x"]},
        {"iat": 99999999999},
    ],
)
async def test_a_token_with_a_wrong_claim_is_refused(
    runtime: Runtime, clock: FixedClock, change: dict[str, object]
) -> None:
    claims = {name: value for name, value in {**claims_for_now(clock), **change}.items() if value is not None}
    assert read_access_token(runtime.settings, sign(claims), clock.now()) is None


async def test_another_secret_or_algorithm_is_refused(runtime: Runtime, clock: FixedClock) -> None:
    claims = claims_for_now(clock)

    def part(value: object) -> str:
        return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()

    unsigned = f"{part({'alg': 'none', 'typ': 'JWT'})}.{part(claims)}."
    forged = [sign(claims, secret="c" * 64), sign(claims, "HS512"), unsigned, "", "a.b.c", "ä.ö.ü", "x" * 100_000]
    for token in forged:
        assert read_access_token(runtime.settings, token, clock.now()) is None


def test_a_csrf_token_belongs_to_one_session() -> None:
    token = csrf_token("one session")
    assert check_csrf("one session", token)
    for presented in (None, "", "ä", token[:-1], csrf_token("another session")):
        assert not check_csrf("one session", presented)


async def test_what_has_ended_is_forgotten(runtime: Runtime, clock: FixedClock, ada: User) -> None:
    async with runtime.transaction() as tx:
        old = await open_session(tx, ada.id, ORGANIZATION)
        await open_tokens(tx, ada.id, ORGANIZATION, session_id=old.session.id)
    clock.advance(timedelta(days=29, hours=12))
    async with runtime.transaction() as tx:
        new = await open_session(tx, ada.id, ORGANIZATION)
        pair = await open_tokens(tx, ada.id, ORGANIZATION, session_id=new.session.id)
    clock.advance(timedelta(hours=12))
    async with runtime.transaction() as tx:
        await forget_ended.handler(tx)
        raw = await tx.raw()
        for table in ("sessions", "token_families"):
            counted = await (await raw.execute(f"select count(*) from {table}")).fetchone()  # noqa: S608 - our own names
            assert counted == (1,)
    assert await find_session(runtime, new.token) is not None
    assert isinstance(await trade(runtime, pair.refresh_token), TokenPair)


def test_secrets_are_needed(runtime: Runtime, clock: FixedClock) -> None:
    bare = runtime.settings.model_copy(update={"jwt_secret": None})
    with pytest.raises(RuntimeError, match="load_settings"):
        read_access_token(bare, "a.b.c", clock.now())
    other = runtime.settings.model_copy(update={"jwt_secret": SecretStr("d" * 64)})
    assert read_access_token(other, sign(claims_for_now(clock)), clock.now()) is None
