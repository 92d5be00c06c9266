"""Proving addresses, choosing and changing passwords, and the list of logins, as a caller sees them."""

import asyncio
from datetime import timedelta
from uuid import UUID

import pytest

from mailbox_process import Post, run_waiting
from tollkeeper.identity import factors_of, find_credentials, register_user
from tollkeeper.identity.elsewhere import Vouched, link, list_identities
from tollkeeper.infra import Runtime, Switch
from tollkeeper.kit import FixedClock, new_id
from tollkeeper.orgs.sign_on.model import Connection
from tollkeeper.orgs.sign_on.store import connection_of, put_connection

from .callers import PASSWORD, Caller, problem, register
from .team import invited, joined
from .test_factors_api import with_app
from .test_keys_api import as_key

ADA = "ada@example.com"
NEW = "another horse, another battery"
VERIFY, ALREADY, RESET = "Verify your e-mail address", "You have an account already", "Choose a new password"
CHANGED = "Your password was changed"


@pytest.fixture
def demanding(runtime: Runtime) -> None:
    """This deployment wants addresses proved before anybody logs in."""
    runtime.settings = runtime.settings.model_copy(update={"verified_email": Switch.ON})


async def log_in(caller: Caller, password: str = PASSWORD, email: str = ADA) -> tuple[int, str]:
    answer = await caller("POST", "/auth/login", {"email": email, "password": password})
    return (200, "") if answer.status_code == 200 else problem(answer)


async def test_who_registers_is_sent_a_link_that_proves_the_address_once(program: Caller, post: Post) -> None:
    registered = await register(program)
    assert registered["user"]["email_verified"] is False
    assert await post.subjects(ADA) == [VERIFY]
    token = await post.token(ADA)
    proved = await program("POST", "/auth/verify", {"token": token})
    assert (proved.status_code, proved.json()["email"]) == (200, ADA)
    assert proved.json()["verified_at"] is not None
    assert problem(await program("POST", "/auth/verify", {"token": token})) == (404, "link_ended")
    ada = Caller(program.http, registered["access_token"])
    assert (await ada("GET", "/profile")).json()["email_verified"] is True


async def test_a_link_ends(program: Caller, post: Post, clock: FixedClock) -> None:
    await register(program)
    token = await post.token(ADA)
    clock.advance(timedelta(days=3))
    assert problem(await program("POST", "/auth/verify", {"token": token})) == (404, "link_ended")
    assert problem(await program("POST", "/auth/verify", {"token": ""})) == (404, "link_ended")


async def test_a_link_is_good_for_its_purpose_alone(program: Caller, post: Post) -> None:
    await register(program)
    verification = await post.token(ADA)
    wrong = await program("POST", "/auth/password/reset", {"token": verification, "password": NEW})
    assert problem(wrong) == (404, "link_ended")
    await program("POST", "/auth/password/forgot", {"email": ADA})
    assert problem(await program("POST", "/auth/verify", {"token": await post.token(ADA)})) == (404, "link_ended")


async def test_nobody_is_sent_more_than_a_few_links_an_hour(program: Caller, post: Post, clock: FixedClock) -> None:
    await register(program)
    for _ in range(7):
        await program("POST", "/auth/verify/resend", {"email": ADA})
    assert await post.subjects(ADA) == [VERIFY] * 5
    clock.advance(timedelta(hours=1))
    await program("POST", "/auth/verify/resend", {"email": ADA})
    assert len(await post.mails(ADA)) == 6


@pytest.mark.usefixtures("demanding")
async def test_where_addresses_are_to_be_proved_registering_tells_nothing(program: Caller, post: Post) -> None:
    wish = {"email": ADA, "password": PASSWORD, "name": "Ada"}
    first = await program("POST", "/auth/register", wish)
    await run_waiting(post.runtime)
    again = await program("POST", "/auth/register", {**wish, "password": NEW})
    assert (first.status_code, again.status_code) == (202, 202)
    assert first.content == again.content
    assert first.headers.get("set-cookie") == again.headers.get("set-cookie")
    assert await post.subjects(ADA) == [ALREADY, VERIFY]
    assert await log_in(program, NEW) == (401, "invalid_credentials"), "registering again changes no password"


@pytest.mark.usefixtures("demanding")
async def test_who_registers_first_gets_nothing_proved_by_who_registers_later(
    program: Caller, post: Post, clock: FixedClock
) -> None:
    await program("POST", "/auth/register", {"email": ADA, "password": PASSWORD})
    proof = await post.token(ADA)
    clock.advance(timedelta(minutes=10))
    await program("POST", "/auth/register", {"email": ADA, "password": NEW})
    assert await post.subjects(ADA) == [ALREADY, VERIFY]
    assert (await program("POST", "/auth/verify", {"token": proof})).status_code == 200
    assert await log_in(program) == (401, "invalid_credentials"), "it may be somebody else's mailbox"
    choice = {"token": await post.token(ADA), "password": NEW}
    assert (await program("POST", "/auth/password/reset", choice)).status_code == 204
    assert await log_in(program, NEW) == (200, "")


@pytest.mark.usefixtures("demanding")
async def test_of_registrations_at_once_one_wins_and_the_others_are_told_by_mail(program: Caller, post: Post) -> None:
    wish = {"email": ADA, "password": PASSWORD}
    answers = await asyncio.gather(*(program("POST", "/auth/register", wish) for _ in range(4)))
    assert {answer.status_code for answer in answers} == {202}
    assert sorted(await post.subjects(ADA)) == sorted([VERIFY, *[ALREADY] * 3])


@pytest.mark.usefixtures("demanding")
async def test_only_who_knows_the_password_learns_that_the_address_is_not_proved(program: Caller, post: Post) -> None:
    await program("POST", "/auth/register", {"email": ADA, "password": PASSWORD})
    token = await post.token(ADA)
    assert await log_in(program, "not this one") == (401, "invalid_credentials")
    assert await log_in(program) == (403, "email_unverified")
    await program("POST", "/auth/verify", {"token": token})
    assert await log_in(program) == (200, "")


async def test_a_forgotten_password_is_chosen_anew_and_ends_every_login(program: Caller, post: Post) -> None:
    old = await register(program)
    forgot = await program("POST", "/auth/password/forgot", {"email": " ADA@example.com"})
    unknown = await program("POST", "/auth/password/forgot", {"email": "nobody@example.com"})
    assert (forgot.status_code, forgot.content) == (unknown.status_code, unknown.content)
    assert await post.subjects(ADA) == [RESET, VERIFY]
    assert await post.mails("nobody@example.com") == []
    token = await post.token(ADA)
    weak = await program("POST", "/auth/password/reset", {"token": token, "password": "password1"})
    assert problem(weak) == (422, "invalid_input")
    assert (await program("POST", "/auth/password/reset", {"token": token, "password": NEW})).status_code == 204
    again = await program("POST", "/auth/password/reset", {"token": token, "password": NEW})
    assert problem(again) == (404, "link_ended")
    assert (await post.subjects(ADA))[0] == CHANGED
    assert await log_in(program) == (401, "invalid_credentials")
    assert await log_in(program, NEW) == (200, "")
    refreshed = await program("POST", "/auth/refresh", {"refresh_token": old["refresh_token"]})
    assert problem(refreshed) == (401, "invalid_refresh_token")
    session = await Caller(program.http, old["access_token"])("GET", "/profile")
    assert session.json()["email_verified"] is True, "whoever read the mail has the address"


async def test_a_new_password_leaves_second_factors_as_they_are(
    ada: Caller, program: Caller, post: Post, clock: FixedClock
) -> None:
    await program("POST", "/auth/verify", {"token": await post.token(ADA)})
    app, recovery_codes = await with_app(ada, clock)
    await program("POST", "/auth/password/forgot", {"email": ADA})
    reset = await program("POST", "/auth/password/reset", {"token": await post.token(ADA), "password": NEW})
    assert (reset.status_code, reset.content, reset.headers.get("set-cookie")) == (204, b"", None)
    assert await log_in(program, NEW) == (401, "second_factor_required"), "reading the mailbox does not do"
    wish = {"email": ADA, "password": NEW}
    for code, status in (
        ("000000", 401),
        (app.at(clock.now()), 200),
        (recovery_codes[0], 200),
        (recovery_codes[0], 401),
    ):
        assert (await program("POST", "/auth/login", {**wish, "otp": code})).status_code == status


async def test_who_made_an_account_with_anothers_address_has_no_way_in_once_its_holder_chooses_a_password(
    ada: Caller, program: Caller, post: Post, runtime: Runtime, clock: FixedClock
) -> None:
    await with_app(ada, clock)
    async with runtime.transaction() as tx:
        known = await find_credentials(tx, ADA)
        assert known is not None
        await link(tx, known.user_id, Vouched("google", "https://accounts.google.com", "mallory", None, "M"))
    await program("POST", "/auth/password/forgot", {"email": ADA})
    reset = await program("POST", "/auth/password/reset", {"token": await post.token(ADA), "password": NEW})
    assert reset.status_code == 204
    assert await log_in(program, NEW) == (200, ""), "the holder gets in by what the mail let them choose"
    async with runtime.transaction() as tx:
        assert await list_identities(tx, known.user_id) == []
        assert not (await factors_of(tx, known.user_id)).enrolled


async def chooses_by_mail(program: Caller, post: Post) -> None:
    await program("POST", "/auth/password/forgot", {"email": ADA})
    reset = await program("POST", "/auth/password/reset", {"token": await post.token(ADA), "password": NEW})
    assert reset.status_code == 204


async def works(program: Caller, secret: str) -> bool:
    return (await Caller(program.http, secret)("GET", "/keys")).status_code == 200


async def test_nothing_acts_any_more_that_who_made_the_account_left_in_its_organization(
    ada: Caller, program: Caller, post: Post, runtime: Runtime
) -> None:
    accomplice, _ = await joined(runtime, ada, "mallory@example.com", "admin")
    grace, _ = await joined(runtime, ada, "grace@example.com", "admin")
    keys = {name: await as_key(by) for name, by in {"ada": ada, "gone": accomplice, "grace": grace}.items()}
    home = UUID((await ada("GET", "/auth/me")).json()["organization"]["id"])
    await accomplice("POST", f"/organizations/{home}/leave", {"keep_keys": True})
    letters = [await invited(runtime, by, email) for by, email in ((ada, "x@example.com"), (grace, "y@example.com"))]
    async with runtime.transaction() as tx:
        made = ("https://mallory.example", "id", "", "admin")
        await put_connection(tx, Connection(new_id(), home, *made, passwords=True, created_at=tx.now))
    await chooses_by_mail(program, post)
    assert [await works(program, each.bearer) for each in keys.values()] == [False, False, True]
    looks = [await program("POST", "/invitations/look", {"token": token}) for token in letters]
    assert [answer.status_code for answer in looks] == [404, 200], "members have proved who they are, and stay"
    async with runtime.transaction() as tx:
        assert await connection_of(tx, home) is None
    assert "had not been verified before" in (await post.mails(ADA))[0]["text"]
    trail = (await grace("GET", "/audit")).json()["data"]
    ended = ["key.revoked", "key.revoked", "invitation.revoked", "sso.removed"]
    assert sorted(each["action"] for each in trail if each["action"] in ended) == sorted(ended)


async def test_where_the_address_was_verified_keys_and_invitations_outlive_a_new_password(
    ada: Caller, program: Caller, post: Post, runtime: Runtime
) -> None:
    await program("POST", "/auth/verify", {"token": await post.token(ADA)})
    key, token = await as_key(ada), await invited(runtime, ada, "x@example.com")
    await chooses_by_mail(program, post)
    assert await works(program, key.bearer)
    assert (await program("POST", "/invitations/look", {"token": token})).status_code == 200
    assert "verified before" not in (await post.mails(ADA))[0]["text"]


async def test_of_two_who_follow_a_link_at_once_one_wins(program: Caller, post: Post) -> None:
    await register(program)
    await program("POST", "/auth/password/forgot", {"email": ADA})
    token = await post.token(ADA)
    sent = [{"token": token, "password": f"{NEW} {number}"} for number in range(2)]
    answers = await asyncio.gather(*(program("POST", "/auth/password/reset", each) for each in sent))
    assert sorted(answer.status_code for answer in answers) == [204, 404]


async def test_changing_the_password_ends_every_other_login(program: Caller, post: Post) -> None:
    first = await register(program)
    other = (await program("POST", "/auth/login", {"email": ADA, "password": PASSWORD})).json()
    ada = Caller(program.http, first["access_token"])
    change = {"current_password": PASSWORD, "new_password": NEW}
    assert (await ada("POST", "/auth/password", change)).status_code == 204
    kept = await program("POST", "/auth/refresh", {"refresh_token": first["refresh_token"]})
    ended = await program("POST", "/auth/refresh", {"refresh_token": other["refresh_token"]})
    assert (kept.status_code, ended.status_code) == (200, 401)
    assert (await post.subjects(ADA))[0] == CHANGED
    assert await log_in(program, NEW) == (200, "")


async def test_the_present_password_is_needed_and_guesses_at_it_wait(ada: Caller, clock: FixedClock) -> None:
    missing = await ada("POST", "/auth/password", {"new_password": NEW})
    assert [error["field"] for error in missing.json()["errors"]] == ["current_password"]
    weak = await ada("POST", "/auth/password", {"current_password": PASSWORD, "new_password": "ada@example.com"})
    assert [error["field"] for error in weak.json()["errors"]] == ["new_password"]
    wrong = {"current_password": "not this one", "new_password": NEW}
    for _ in range(10):
        assert problem(await ada("POST", "/auth/password", wrong)) == (401, "invalid_credentials")
    right = {"current_password": PASSWORD, "new_password": NEW}
    assert problem(await ada("POST", "/auth/password", right)) == (429, "login_throttled")
    clock.advance(timedelta(minutes=1))
    assert (await ada("POST", "/auth/password", right)).status_code == 204


async def test_who_has_no_password_sets_one_while_the_login_is_fresh(
    program: Caller, runtime: Runtime, clock: FixedClock
) -> None:
    tokens = await register(program)
    async with runtime.transaction() as tx:
        await (await tx.raw()).execute("update users set password_hash = null")
    ada = Caller(program.http, tokens["access_token"])
    clock.advance(timedelta(minutes=11))
    assert problem(await ada("POST", "/auth/password", {"new_password": NEW})) == (403, "step_up_required")
    clock.advance(timedelta(minutes=-11))
    assert (await ada("POST", "/auth/password", {"new_password": NEW})).status_code == 204
    assert await log_in(program, NEW) == (200, "")


async def test_an_address_moves_once_the_new_one_is_proved(ada: Caller, program: Caller, post: Post) -> None:
    assert (await ada("POST", "/auth/email", {"email": "countess@example.com"})).status_code == 202
    assert await post.subjects(ADA) == ["Your e-mail address is about to change", VERIFY]
    assert (await ada("GET", "/profile")).json()["email"] == ADA, "nothing has changed yet"
    token = await post.token("countess@example.com")
    assert (await program("POST", "/auth/verify", {"token": token})).json()["email"] == "countess@example.com"
    assert (await post.subjects(ADA))[0] == "Your e-mail address was changed"
    assert await log_in(program) == (401, "invalid_credentials")
    assert await log_in(program, email="countess@example.com") == (200, "")


async def test_an_address_somebody_has_is_not_told_to_be_taken(ada: Caller, eve: Caller, post: Post) -> None:
    free = await ada("POST", "/auth/email", {"email": "countess@example.com"})
    taken = await ada("POST", "/auth/email", {"email": "eve@example.com"})
    assert (free.status_code, free.content) == (taken.status_code, taken.content)
    assert (await post.subjects("eve@example.com"))[0] == ALREADY
    assert problem(await ada("POST", "/auth/email", {"email": "ADA@example.com"})) == (422, "invalid_input")
    assert (await eve("GET", "/profile")).json()["email"] == "eve@example.com"


async def test_an_address_taken_meanwhile_is_not_given_twice(ada: Caller, program: Caller, post: Post) -> None:
    await ada("POST", "/auth/email", {"email": "countess@example.com"})
    token = await post.token("countess@example.com")
    await register(program, "countess@example.com")
    assert problem(await program("POST", "/auth/verify", {"token": token})) == (409, "email_taken")
    async with post.runtime.transaction() as tx:
        assert await find_credentials(tx, ADA) is not None


async def test_a_login_long_ago_changes_no_address(ada: Caller, clock: FixedClock) -> None:
    clock.advance(timedelta(minutes=11))
    answer = await ada("POST", "/auth/email", {"email": "countess@example.com"})
    assert problem(answer) == (403, "step_up_required")


async def test_a_long_password_is_taken_as_typed_and_whole(program: Caller) -> None:
    long = "Ünder the  old bridge " * 5
    assert len(long) > 100
    assert (await program("POST", "/auth/register", {"email": ADA, "password": long})).status_code == 201
    assert await log_in(program, long) == (200, "")
    for other in (long[:-1], long.strip(), long.lower(), long[:72]):
        assert await log_in(program, other) == (401, "invalid_credentials")


async def test_a_password_does_not_expire(program: Caller, clock: FixedClock) -> None:
    await register(program)
    clock.advance(timedelta(days=5 * 365))
    assert await log_in(program) == (200, "")


async def test_a_password_is_rated_with_advice(program: Caller) -> None:
    weak = (await program("POST", "/auth/password/strength", {"password": "password1"})).json()
    assert (weak["is_enough"], weak["warning"]) == (False, "This is a very common password.")
    about = {"password": "Lovelace1815", "email": "ada.lovelace@example.com", "name": "Ada Lovelace"}
    assert (await program("POST", "/auth/password/strength", about)).json()["score"] <= 2
    strong = (await program("POST", "/auth/password/strength", {"password": NEW})).json()
    assert (strong["score"], strong["label"], strong["is_enough"]) == (4, "Strong", True)


async def test_logins_are_listed_and_ended_one_by_one(anyone: Caller, program: Caller) -> None:
    await register(anyone)
    other = (await program("POST", "/auth/login", {"email": ADA, "password": PASSWORD}, user_agent="curl/8.1")).json()
    listed = (await anyone("GET", "/auth/sessions")).json()["data"]
    assert [each["current"] for each in listed] == [True, False]
    assert (listed[1]["device"], listed[1]["user_agent"], listed[1]["ip"]) == ("curl", "curl/8.1", "127.0.0.1")
    assert (await anyone("DELETE", f"/auth/sessions/{listed[1]['id']}")).status_code == 204
    ended = await program("POST", "/auth/refresh", {"refresh_token": other["refresh_token"]})
    assert problem(ended) == (401, "invalid_refresh_token")
    assert len((await anyone("GET", "/auth/sessions")).json()["data"]) == 1
    again = await anyone("DELETE", f"/auth/sessions/{listed[1]['id']}")
    assert problem(again) == (404, "login_not_found")


async def test_nobody_ends_a_login_of_somebody_else(ada: Caller, eve: Caller) -> None:
    (hers,) = (await eve("GET", "/auth/sessions")).json()["data"]
    assert problem(await ada("DELETE", f"/auth/sessions/{hers['id']}")) == (404, "login_not_found")
    assert problem(await ada("DELETE", "/auth/sessions/nonsense")) == (404, "login_not_found")
    assert (await eve("GET", "/auth/me")).status_code == 200


async def test_every_other_login_ends_at_once(program: Caller) -> None:
    first = await register(program)
    for _ in range(3):
        await program("POST", "/auth/login", {"email": ADA, "password": PASSWORD})
    ada = Caller(program.http, first["access_token"])
    assert (await ada("DELETE", "/auth/sessions")).json() == {"ended": 3}
    (left,) = (await ada("GET", "/auth/sessions")).json()["data"]
    assert left["current"] is True
    assert (await program("POST", "/auth/refresh", {"refresh_token": first["refresh_token"]})).status_code == 200


async def test_a_program_outlives_its_session_in_the_list(program: Caller, runtime: Runtime) -> None:
    tokens = await register(program)
    async with runtime.transaction() as tx:
        await (await tx.raw()).execute("delete from sessions")
    (left,) = (await Caller(program.http, tokens["access_token"])("GET", "/auth/sessions")).json()["data"]
    assert (left["device"], left["current"]) == ("Program", True)


async def test_keys_have_no_logins_and_no_password(operator: Caller) -> None:
    for method, path, body in [
        ("GET", "/auth/sessions", None),
        ("DELETE", "/auth/sessions", None),
        ("POST", "/auth/password", {"current_password": PASSWORD, "new_password": NEW}),
        ("POST", "/auth/email", {"email": "x@example.com"}),
    ]:
        assert problem(await operator(method, path, body)) == (403, "person_needed")


async def test_somebody_already_verified_is_sent_no_link(program: Caller, runtime: Runtime, post: Post) -> None:
    async with runtime.transaction() as tx:
        await register_user(tx, email=ADA, password_hash=None, name="Ada", is_verified=True)
    assert (await program("POST", "/auth/verify/resend", {"email": ADA})).status_code == 202
    assert await post.mails(ADA) == []
