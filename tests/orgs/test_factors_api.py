"""Second factors as a caller sees them: enrolling, logging in, losing them, and proving oneself again."""

import asyncio
from datetime import timedelta
from typing import Any

import pyotp
import pytest
from sqlalchemy import text

from authenticator import Authenticator
from tollkeeper.identity import jobs as identity_jobs
from tollkeeper.infra import Runtime, run_job
from tollkeeper.kit import FixedClock

from .callers import PASSWORD, Caller, problem

HERE = "http://localhost:8000"
ADA = {"email": "ada@example.com", "password": PASSWORD}


@pytest.fixture(autouse=True)
def by_name(runtime: Runtime) -> None:
    """Passkeys belong to names, and the callers of these tests use a number."""
    runtime.settings = runtime.settings.model_copy(update={"public_url": HERE})


async def with_app(caller: Caller, clock: FixedClock) -> tuple[pyotp.TOTP, list[str]]:
    """Enrol an authenticator app; the clock is then past the code that was used for it."""
    begun = (await caller("POST", "/profile/totp")).json()
    app = pyotp.TOTP(begun["secret"])
    confirmed = await caller("POST", "/profile/totp/confirm", {"code": app.at(clock.now())})
    assert confirmed.status_code == 200, confirmed.text
    clock.advance(timedelta(seconds=60))
    return app, confirmed.json()["recovery_codes"]


async def with_passkey(caller: Caller, name: str = "laptop") -> tuple[Authenticator, dict[str, Any]]:
    device = Authenticator(HERE)
    options = (await caller("POST", "/profile/passkeys/options")).json()["options"]
    added = await caller("POST", "/profile/passkeys", {"name": name, "credential": device.create(options)})
    assert added.status_code == 201, added.text
    return device, added.json()


async def log_in(program: Caller, **more: Any) -> Any:
    return await Caller(program.http)("POST", "/auth/login", {**ADA, **more})


async def challenge(program: Caller) -> dict[str, Any]:
    options: dict[str, Any] = (await Caller(program.http)("POST", "/auth/passkey/options")).json()["options"]
    return options


async def by_passkey(program: Caller, credential: dict[str, Any]) -> Any:
    return await Caller(program.http)("POST", "/auth/passkey", {"credential": credential})


async def test_an_app_that_is_begun_changes_nothing_until_its_first_code(ada: Caller, program: Caller) -> None:
    begun = await ada("POST", "/profile/totp")
    assert begun.status_code == 201
    body = begun.json()
    assert body["uri"].startswith("otpauth://totp/Tollkeeper:ada%40example.com?")
    assert f"secret={body['secret']}" in body["uri"]
    assert body["qr"].startswith("data:image/svg+xml")
    assert (await log_in(program)).status_code == 200
    wrong = await ada("POST", "/profile/totp/confirm", {"code": "000000"})
    assert problem(wrong) == (422, "invalid_input")
    assert wrong.json()["errors"][0]["field"] == "code"
    assert (await ada("GET", "/profile/factors")).json()["enrolled"] is False


async def test_once_enrolled_the_password_alone_does_not_let_in(
    ada: Caller, program: Caller, clock: FixedClock
) -> None:
    app, codes = await with_app(ada, clock)
    assert len(set(codes)) == 10
    refused = await log_in(program)
    assert problem(refused) == (401, "second_factor_required")
    assert refused.json()["methods"] == ["totp", "recovery_code"]
    assert "set-cookie" not in refused.headers
    assert problem(await log_in(program, otp="000000")) == (401, "invalid_code")
    shown = app.at(clock.now())
    assert (await log_in(program, otp=f"{shown[:3]} {shown[3:]}")).status_code == 200
    factors = (await ada("GET", "/profile/factors")).json()
    assert (factors["enrolled"], factors["recovery_codes_left"]) == (True, 10)


async def test_a_wrong_password_tells_nothing_of_a_second_factor(
    ada: Caller, program: Caller, clock: FixedClock
) -> None:
    app, _ = await with_app(ada, clock)
    refused = await log_in(program, password="not it", otp=app.at(clock.now()))
    assert problem(refused) == (401, "invalid_credentials")
    assert "methods" not in refused.json()


async def test_a_code_is_taken_once_and_none_before_it_after(ada: Caller, program: Caller, clock: FixedClock) -> None:
    app, _ = await with_app(ada, clock)
    code = app.at(clock.now())
    earlier = app.at(clock.now() - timedelta(seconds=30))
    assert (await log_in(program, otp=code)).status_code == 200
    assert problem(await log_in(program, otp=code)) == (401, "invalid_code")
    assert problem(await log_in(program, otp=earlier)) == (401, "invalid_code")
    clock.advance(timedelta(seconds=30))
    assert (await log_in(program, otp=app.at(clock.now()))).status_code == 200


async def test_of_two_at_once_with_one_code_exactly_one_gets_in(
    ada: Caller, program: Caller, clock: FixedClock
) -> None:
    app, codes = await with_app(ada, clock)
    for code in (app.at(clock.now()), codes[0]):
        answers = await asyncio.gather(*(log_in(program, otp=code) for _ in range(4)))
        assert sorted(answer.status_code for answer in answers) == [200, 401, 401, 401]


@pytest.mark.parametrize(("seconds", "taken"), [(-60, False), (-30, True), (30, True), (60, False)])
async def test_a_phone_may_be_off_by_half_a_minute(
    ada: Caller, program: Caller, clock: FixedClock, seconds: int, taken: bool
) -> None:
    app, _ = await with_app(ada, clock)
    clock.advance(timedelta(seconds=30))  # the code before is newer than the one that confirmed the app
    answer = await log_in(program, otp=app.at(clock.now() + timedelta(seconds=seconds)))
    assert (answer.status_code == 200) is taken


async def test_a_recovery_code_stands_in_for_a_lost_phone_once(ada: Caller, program: Caller, clock: FixedClock) -> None:
    _, codes = await with_app(ada, clock)
    typed = codes[3].upper().replace("-", " ").replace("0", "O")
    entered = await log_in(program, otp=typed)
    assert entered.status_code == 200
    assert problem(await log_in(program, otp=codes[3])) == (401, "invalid_code")
    assert (await ada("GET", "/profile/factors")).json()["recovery_codes_left"] == 9
    found = Caller(program.http, entered.json()["access_token"])
    assert (await found("DELETE", "/profile/totp")).status_code == 204  # a login just made is fresh
    assert (await log_in(program)).status_code == 200
    assert (await ada("GET", "/profile/factors")).json()["recovery_codes_left"] == 0


async def test_new_recovery_codes_end_the_old_ones(ada: Caller, program: Caller, clock: FixedClock) -> None:
    assert problem(await ada("POST", "/profile/recovery-codes")) == (409, "no_second_factor")
    _, old = await with_app(ada, clock)
    new = (await ada("POST", "/profile/recovery-codes")).json()["recovery_codes"]
    assert not set(old) & set(new)
    assert problem(await log_in(program, otp=old[0])) == (401, "invalid_code")
    assert (await log_in(program, otp=new[0])).status_code == 200


async def test_codes_of_somebody_else_are_worth_nothing(
    ada: Caller, eve: Caller, program: Caller, clock: FixedClock
) -> None:
    await with_app(ada, clock)
    hers, codes = await with_app(eve, clock)
    for code in (hers.at(clock.now()), codes[0]):
        assert problem(await log_in(program, otp=code)) == (401, "invalid_code")
    assert (await eve("GET", "/profile/factors")).json()["recovery_codes_left"] == 10


async def test_wrong_codes_in_a_row_make_even_a_right_one_wait(ada: Caller, program: Caller, clock: FixedClock) -> None:
    app, _ = await with_app(ada, clock)
    for _ in range(5):
        assert problem(await log_in(program, otp="000000")) == (401, "invalid_code")
    waits = await log_in(program, otp=app.at(clock.now()))
    assert problem(waits) == (429, "too_many_wrong_codes")
    assert waits.headers["retry-after"] == "30"
    clock.advance(timedelta(seconds=30))
    assert problem(await log_in(program, otp="000000")) == (401, "invalid_code")
    assert (await log_in(program, otp="000000")).headers["retry-after"] == "60"  # each wrong one doubles the wait
    clock.advance(timedelta(seconds=60))
    assert (await log_in(program, otp=app.at(clock.now()))).status_code == 200
    clock.advance(timedelta(seconds=30))
    assert problem(await log_in(program, otp="000000")) == (401, "invalid_code")
    assert (await log_in(program, otp=app.at(clock.now()))).status_code == 200  # a right one began the count anew


async def test_a_second_app_is_not_set_up_beside_the_first(ada: Caller, clock: FixedClock) -> None:
    assert problem(await ada("POST", "/profile/totp/confirm", {"code": "000000"})) == (409, "totp_not_begun")
    await with_app(ada, clock)
    assert problem(await ada("POST", "/profile/totp")) == (409, "totp_enrolled")
    assert problem(await ada("POST", "/profile/totp/confirm", {"code": "000000"})) == (409, "totp_not_begun")
    assert (await ada("DELETE", "/profile/totp")).status_code == 204
    assert (await ada("DELETE", "/profile/totp")).status_code == 204
    await with_app(ada, clock)


async def test_no_secret_rests_readable(ada: Caller, runtime: Runtime, clock: FixedClock) -> None:
    app, codes = await with_app(ada, clock)
    async with runtime.transaction() as tx:
        rows = await tx.connection.execute(
            text(
                "select to_jsonb(t)::text from totp_secrets t union all select to_jsonb(r)::text from recovery_codes r"
            )
        )
        kept = "\n".join(rows.scalars())
    assert app.secret not in kept
    assert not any(code in kept or code.replace("-", "") in kept for code in codes)


async def test_a_passkey_lets_in_alone_and_makes_the_password_need_more(ada: Caller, program: Caller) -> None:
    device, added = await with_passkey(ada)
    assert added["passkey"]["name"] == "laptop"
    assert len(added["recovery_codes"]) == 10
    entered = await by_passkey(program, device.get(await challenge(program)))
    assert entered.status_code == 200
    assert entered.json()["user"]["email"] == "ada@example.com"
    assert "tollkeeper_session=" in entered.headers["set-cookie"]
    refused = await log_in(program)
    assert problem(refused) == (401, "second_factor_required")
    assert refused.json()["methods"] == ["passkey", "recovery_code"]
    assert (await log_in(program, otp=added["recovery_codes"][0])).status_code == 200
    _, second = await with_passkey(ada, "phone")
    assert second["recovery_codes"] is None


async def test_an_answer_of_a_passkey_is_taken_once_and_in_time(
    ada: Caller, program: Caller, clock: FixedClock
) -> None:
    device, _ = await with_passkey(ada)
    answer = device.get(await challenge(program))
    assert (await by_passkey(program, answer)).status_code == 200
    assert problem(await by_passkey(program, answer)) == (401, "invalid_passkey")
    late = await challenge(program)
    clock.advance(timedelta(minutes=10))
    assert problem(await by_passkey(program, device.get(late))) == (401, "invalid_passkey")


async def test_passkeys_that_are_not_what_they_should_be_are_refused(ada: Caller, eve: Caller, program: Caller) -> None:
    device, _ = await with_passkey(ada)
    options = await challenge(program)
    stranger = Authenticator(HERE, user_handle=device.user_handle)
    phisher = Authenticator("http://localhost.evil.example", credential_id=device.credential_id, _key=device._key)
    careless = Authenticator(HERE, verifies=False, sign_count=7, credential_id=device.credential_id, _key=device._key)
    forged = Authenticator(HERE, sign_count=7, credential_id=device.credential_id)
    other_site = {**options, "rpId": "evil.example"}
    made_up = {**options, "challenge": "aGVsbG8"}
    for_adding = (await eve("POST", "/profile/passkeys/options")).json()["options"]
    answers = [
        stranger.get(options),
        phisher.get(options),
        careless.get(options),
        forged.get(options),
        device.get(other_site),
        device.get(made_up),
        device.get({**options, "challenge": for_adding["challenge"]}),
        {**device.get(options), "response": {}},
        {},
    ]
    for answer in answers:
        assert problem(await by_passkey(program, answer)) == (401, "invalid_passkey"), answer
    replayed = Authenticator(HERE, credential_id=device.credential_id, _key=device._key)  # a copy that is behind
    assert problem(await by_passkey(program, replayed.get(options))) == (401, "invalid_passkey")
    device.sign_count += 1
    assert (await by_passkey(program, device.get(options))).status_code == 200


async def test_a_passkey_is_added_to_the_person_it_was_made_for_alone(ada: Caller, eve: Caller) -> None:
    device = Authenticator(HERE)
    made = device.create((await ada("POST", "/profile/passkeys/options")).json()["options"])
    assert problem(await eve("POST", "/profile/passkeys", {"name": "hers", "credential": made})) == (
        401,
        "invalid_passkey",
    )
    assert (await ada("POST", "/profile/passkeys", {"name": "mine", "credential": made})).status_code == 201
    again = device.create((await eve("POST", "/profile/passkeys/options")).json()["options"])
    assert problem(await eve("POST", "/profile/passkeys", {"name": "hers", "credential": again})) == (
        401,
        "invalid_passkey",
    )


async def test_passkeys_are_renamed_and_removed_by_their_owner_alone(ada: Caller, eve: Caller, program: Caller) -> None:
    device, added = await with_passkey(ada)
    path = f"/profile/passkeys/{added['passkey']['id']}"
    assert problem(await eve("PATCH", path, {"name": "hers"})) == (404, "passkey_not_found")
    assert problem(await eve("DELETE", path)) == (404, "passkey_not_found")
    assert problem(await ada("DELETE", "/profile/passkeys/none")) == (404, "passkey_not_found")
    assert (await ada("PATCH", path, {"name": "desk"})).json()["name"] == "desk"
    assert (await ada("DELETE", path)).status_code == 204
    assert problem(await by_passkey(program, device.get(await challenge(program)))) == (401, "invalid_passkey")
    assert (await log_in(program)).status_code == 200


async def test_passkeys_need_a_name_not_a_number(ada: Caller, program: Caller, runtime: Runtime) -> None:
    runtime.settings = runtime.settings.model_copy(update={"public_url": "http://127.0.0.1:8000"})
    for answer in (
        await ada("POST", "/profile/passkeys/options"),
        await Caller(program.http)("POST", "/auth/passkey/options"),
    ):
        assert problem(answer) == (409, "passkeys_unavailable")


DANGEROUS = [
    ("POST", "/profile/totp", None),
    ("POST", "/profile/totp/confirm", {"code": "000000"}),
    ("DELETE", "/profile/totp", None),
    ("POST", "/profile/recovery-codes", None),
    ("POST", "/profile/passkeys/options", None),
    ("POST", "/profile/passkeys", {"name": "x", "credential": {}}),
    ("DELETE", "/profile/passkeys/00000000-0000-7000-8000-000000000000", None),
]


@pytest.mark.parametrize(("method", "path", "body"), DANGEROUS)
async def test_factors_change_only_right_after_a_proof(
    ada: Caller, clock: FixedClock, method: str, path: str, body: Any
) -> None:
    clock.advance(timedelta(minutes=10))
    assert problem(await ada(method, path, body)) == (403, "step_up_required")
    assert (await ada("POST", "/auth/step-up", {"password": PASSWORD})).status_code == 200
    assert (await ada(method, path, body)).status_code != 403


async def test_stepping_up_by_password_counts_for_ten_minutes(anyone: Caller, clock: FixedClock) -> None:
    await anyone("POST", "/auth/register", ADA)
    clock.advance(timedelta(minutes=10))
    assert (await anyone("GET", "/auth/step-up")).json() == {"fresh": False, "methods": ["password"]}
    for _ in range(5):
        assert problem(await anyone("POST", "/auth/step-up", {"password": "not it"})) == (401, "invalid_credentials")
    assert problem(await anyone("POST", "/auth/step-up", {"password": PASSWORD})) == (429, "too_many_wrong_codes")
    clock.advance(timedelta(seconds=30))
    answer = (await anyone("POST", "/auth/step-up", {"password": PASSWORD})).json()
    assert answer["fresh_until"] == (clock.now() + timedelta(minutes=10)).isoformat().replace("+00:00", "Z")
    clock.advance(timedelta(minutes=10) - timedelta(microseconds=1))
    assert (await anyone("GET", "/auth/step-up")).json()["fresh"] is True
    clock.advance(timedelta(microseconds=1))
    assert (await anyone("GET", "/auth/step-up")).json()["fresh"] is False


async def test_with_a_second_factor_the_password_does_not_step_up(
    anyone: Caller, eve: Caller, clock: FixedClock
) -> None:
    await anyone("POST", "/auth/register", ADA)
    app, codes = await with_app(anyone, clock)
    device, _ = await with_passkey(anyone)
    hers, _ = await with_passkey(eve)
    clock.advance(timedelta(minutes=10))
    assert problem(await anyone("POST", "/auth/step-up", {"password": PASSWORD})) == (422, "invalid_input")
    foreign = await anyone("POST", "/auth/step-up", {"credential": hers.get(await challenge(anyone))})
    assert problem(foreign) == (401, "invalid_passkey")
    for way in ("app", "paper", "device"):
        proof = {
            "app": {"otp": app.at(clock.now())},
            "paper": {"otp": codes[0]},
            "device": {"credential": device.get(await challenge(anyone))},
        }[way]
        stale = {"fresh": False, "methods": ["totp", "passkey", "recovery_code"]}
        assert (await anyone("GET", "/auth/step-up")).json() == stale
        assert (await anyone("POST", "/auth/step-up", proof)).status_code == 200
        assert (await anyone("GET", "/auth/step-up")).json()["fresh"] is True
        clock.advance(timedelta(minutes=10))


@pytest.mark.parametrize("body", [{}, {"password": "x", "otp": "123456"}, {"password": None}, {"credential": 5}])
async def test_a_step_up_is_exactly_one_proof(ada: Caller, body: Any) -> None:
    assert problem(await ada("POST", "/auth/step-up", body)) == (422, "invalid_input")


async def test_keys_prove_nothing_and_have_no_factors(operator: Caller) -> None:
    assert problem(await operator("GET", "/profile/factors")) == (403, "person_needed")
    assert problem(await operator("POST", "/auth/step-up", {"password": "x"})) == (403, "person_needed")


async def test_stepping_up_gives_a_browser_another_session_cookie(anyone: Caller, clock: FixedClock) -> None:
    await anyone("POST", "/auth/register", ADA)
    before = anyone.http.cookies["tollkeeper_session"]
    clock.advance(timedelta(minutes=10))
    answer = await anyone("POST", "/auth/step-up", {"password": PASSWORD})
    after = anyone.http.cookies["tollkeeper_session"]
    assert before != after
    me = (await anyone("GET", "/auth/me")).json()
    assert me["user"]["email"] == ADA["email"]
    assert len(answer.json()["csrf_token"]) == 64
    anyone.http.cookies.clear()
    anyone.http.cookies["tollkeeper_session"] = before
    assert problem(await anyone("GET", "/auth/me")) == (401, "unauthenticated")


async def test_what_can_never_be_used_again_is_forgotten(
    ada: Caller, program: Caller, runtime: Runtime, clock: FixedClock
) -> None:
    device, _ = await with_passkey(ada)
    await by_passkey(program, device.get(await challenge(program)))
    await ada("POST", "/profile/totp")
    forget = next(job for job in identity_jobs if job.name == "identity.forget_ended")
    counts = text("select (select count(*) from spent_challenges), (select count(*) from totp_secrets)")

    async def kept() -> tuple[int, int]:
        await run_job(runtime, forget)
        async with runtime.transaction() as tx:
            spent, begun = (await tx.connection.execute(counts)).one()
            return spent, begun

    assert await kept() == (2, 1)
    clock.advance(timedelta(minutes=10))
    assert await kept() == (0, 1)
    clock.advance(timedelta(days=1))
    assert await kept() == (0, 0)


async def test_people_are_told_by_mail_what_happens_to_their_factors(
    ada: Caller, program: Caller, runtime: Runtime, clock: FixedClock
) -> None:
    mails = text("select count(*) from procrastinate_jobs where task_name = 'notify.deliver'")

    async def told() -> int:
        async with runtime.transaction() as tx:
            return int((await tx.connection.execute(mails)).scalar_one())

    before = await told()
    _, codes = await with_app(ada, clock)
    assert await told() == before + 1
    await with_passkey(ada)
    assert await told() == before + 2
    refused = await told()
    assert problem(await log_in(program, otp="000000")) == (401, "invalid_code")
    assert await told() == refused
    assert (await log_in(program, otp=codes[0])).status_code == 200
    assert await told() > refused
