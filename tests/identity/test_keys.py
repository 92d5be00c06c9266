"""API keys: their form, their life, and the record of their use."""

import asyncio
import string
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tollkeeper.identity import (
    ApiKey,
    KeyEndedError,
    KeyKind,
    create_key,
    find_key,
    key_digest,
    key_kind_of,
    list_keys,
    revoke_key,
    rotate_key,
    touch_keys,
)
from tollkeeper.identity.jobs import forget_ended
from tollkeeper.identity.rules import make_key_secret, shown_parts
from tollkeeper.infra import Runtime
from tollkeeper.kit import ActorKind, FixedClock, Permission, new_id

ORGANIZATION = new_id()
LETTERS = string.ascii_letters + string.digits


@given(st.sampled_from(KeyKind), st.data())
def test_a_mistyped_key_is_told_from_a_good_one_without_a_question(kind: KeyKind, data: st.DataObject) -> None:
    secret = make_key_secret(kind)
    assert key_kind_of(secret) is kind
    place = data.draw(st.integers(len(secret) - 38, len(secret) - 1))
    other = data.draw(st.sampled_from(LETTERS).filter(lambda letter: letter != secret[place]))
    assert key_kind_of(secret[:place] + other + secret[place + 1 :]) is None
    assert key_kind_of(secret[:place]) is None
    assert key_kind_of(secret + other) is None
    assert key_kind_of(f"{secret}\n") is None


@given(st.text() | st.from_regex(r"tk_(live|test|op)_[0-9A-Za-z]{0,50}", fullmatch=True))
def test_no_text_upsets_the_reader_of_keys(text: str) -> None:
    assert key_kind_of(text) is None


def test_one_kind_does_not_pass_for_another() -> None:
    secret = make_key_secret(KeyKind.LIVE)
    assert key_kind_of(secret.replace("tk_live_", "tk_op_")) is None
    assert len({make_key_secret(KeyKind.LIVE) for _ in range(100)}) == 100
    assert shown_parts("tk_op_abcdefgh") == ("tk_op_abcd", "efgh")


async def make(runtime: Runtime, **more: object) -> tuple[ApiKey, str]:
    wanted = {"organization_id": ORGANIZATION, "created_by": None, "name": "key", "kind": KeyKind.LIVE, **more}
    async with runtime.transaction() as tx:
        return await create_key(tx, **wanted)  # type: ignore[arg-type]


async def find(runtime: Runtime, secret: str) -> ApiKey:
    async with runtime.transaction() as tx:
        found = await find_key(tx, key_digest(secret))
    assert found is not None
    return found


async def rotated(runtime: Runtime, key: ApiKey, grace_seconds: int) -> str:
    async with runtime.transaction() as tx:
        return (await rotate_key(tx, ORGANIZATION, key.id, grace_seconds=grace_seconds))[1]


async def test_a_key_is_found_by_its_secret_alone(runtime: Runtime) -> None:
    key, secret = await make(runtime, scopes=[Permission.USAGE_WRITE, Permission.USAGE_WRITE])
    assert await find(runtime, secret) == key
    assert key.scopes == (Permission.USAGE_WRITE,)
    assert key.actor.kind is ActorKind.API_KEY
    assert (key.actor.organization_id, key.actor.credential_id) == (ORGANIZATION, key.id)
    assert key.actor.permissions == {Permission.USAGE_WRITE}
    async with runtime.transaction() as tx:
        assert await find_key(tx, key_digest(secret + "x")) is None
        raw = await tx.raw()
        for table in ("api_keys", "api_key_secrets"):
            rows = await (await raw.execute(f"select {table}::text from {table}")).fetchall()  # noqa: S608 - our own names
            assert secret not in str(rows)


async def test_an_operators_key_may_everything_and_belongs_to_nobody(runtime: Runtime) -> None:
    key, _ = await make(runtime, organization_id=None, kind=KeyKind.OPERATOR)
    assert key.actor.is_operator
    assert key.permissions == set(Permission)
    async with runtime.transaction() as tx:
        assert [each.id for each in (await list_keys(tx, None)).data] == [key.id]
        assert (await list_keys(tx, ORGANIZATION)).data == []


async def test_a_key_ends_at_its_expiry_and_not_before(runtime: Runtime, clock: FixedClock) -> None:
    key, secret = await make(runtime, expires_at=clock.now() + timedelta(hours=1))
    assert key.problem(clock.now() + timedelta(minutes=59, seconds=59)) is None
    assert key.problem(clock.now() + timedelta(hours=1)) == "expired"
    async with runtime.transaction() as tx:
        await revoke_key(tx, ORGANIZATION, key.id)
    assert (await find(runtime, secret)).problem(clock.now()) == "revoked"


async def test_a_rotation_without_grace_ends_every_older_secret(runtime: Runtime, clock: FixedClock) -> None:
    key, first = await make(runtime)
    second = await rotated(runtime, key, 3600)
    assert (await find(runtime, first)).problem(clock.now()) is None
    third = await rotated(runtime, key, 0)
    problems = [(await find(runtime, secret)).problem(clock.now()) for secret in (first, second, third)]
    assert problems == ["expired", "expired", None]


async def test_a_later_rotation_does_not_lengthen_an_older_grace(runtime: Runtime, clock: FixedClock) -> None:
    key, first = await make(runtime)
    await rotated(runtime, key, 60)
    await rotated(runtime, key, 3600)
    assert (await find(runtime, first)).secret_expires_at == clock.now() + timedelta(seconds=60)


async def test_rotations_at_once_leave_one_current_secret(runtime: Runtime, clock: FixedClock) -> None:
    key, _ = await make(runtime)
    secrets = await asyncio.gather(*(rotated(runtime, key, 0) for _ in range(4)))
    found = [await find(runtime, secret) for secret in secrets]
    good = [secret for secret, each in zip(secrets, found, strict=True) if each.problem(clock.now()) is None]
    assert len(good) == 1
    assert good[0].endswith(found[0].last_four)


async def test_an_expired_key_cannot_be_rotated_back_to_life(runtime: Runtime, clock: FixedClock) -> None:
    key, _ = await make(runtime, expires_at=clock.now() + timedelta(seconds=1))
    clock.advance(timedelta(seconds=1))
    with pytest.raises(KeyEndedError, match="expired"):
        await rotated(runtime, key, 0)


async def test_uses_add_up_whoever_reports_them(runtime: Runtime, clock: FixedClock) -> None:
    keys = [(await make(runtime))[0] for _ in range(5)]
    early, late = clock.now(), clock.now() + timedelta(minutes=1)

    async def report(order: int) -> None:
        uses = {key.id: (2, late if order == 1 else early) for key in keys[::order]}
        for _ in range(5):
            async with runtime.transaction() as tx:
                await touch_keys(tx, uses)

    await asyncio.gather(report(1), report(-1))  # opposite orders: nobody waits in a ring
    async with runtime.transaction() as tx:
        await touch_keys(tx, {})
        await touch_keys(tx, {new_id(): (1, late)})
        found = (await list_keys(tx, ORGANIZATION)).data
    assert {(key.use_count, key.last_used_at) for key in found} == {(20, late)}


async def test_secrets_rotated_out_long_ago_are_forgotten(runtime: Runtime, clock: FixedClock) -> None:
    key, first = await make(runtime)
    second = await rotated(runtime, key, 0)
    clock.advance(timedelta(days=30))
    async with runtime.transaction() as tx:
        await forget_ended.handler(tx)
        assert await find_key(tx, key_digest(first)) is None
    assert (await find(runtime, second)).problem(clock.now()) is None
