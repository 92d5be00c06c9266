"""Pages that links in mails lead to, and the forms that ask for such mails."""

from mailbox_process import Post
from tollkeeper.infra import Runtime, Switch

from .conftest import PASSWORD, Browser

ADA = "ada@example.com"
NEW = "a bridge for every toll"


async def test_an_address_is_verified_by_the_press_of_a_button(browser: Browser, post: Post) -> None:
    await browser.sign_up(ADA)
    assert "Not verified" in (await browser.get("/security")).text
    token = await post.token(ADA)
    page = f"/verify?token={token}"
    for _ in range(2):  # programs that look through mails open links, which must not use them up
        shown = (await browser.get(page)).text
        assert ADA in shown
        assert 'href="/password/forgot"' in shown, "who did not sign up takes the account over instead"
    done = await browser.send(page, "/verify", token=token)
    assert (done.status_code, "Your address is verified" in done.text) == (200, True)
    gone = await browser.get(page)
    assert (gone.status_code, "Send another mail" in gone.text) == (404, True)
    assert (await browser.send("/verify/resend", "/verify", token=token)).status_code == 404
    assert "Not verified" not in (await browser.get("/security")).text


async def test_a_password_is_chosen_anew(browser: Browser, other_browser: Browser, post: Post) -> None:
    await browser.sign_up(ADA)
    known = await other_browser.send("/password/forgot", "/password/forgot", email=ADA)
    unknown = await other_browser.send("/password/forgot", "/password/forgot", email="nobody@example.com")
    assert known.status_code == unknown.status_code == 200
    assert known.text == unknown.text
    token = await post.token(ADA)
    page = f"/password/reset?token={token}"
    weak = await other_browser.send(page, "/password/reset", token=token, password="password1")
    assert (weak.status_code, "very common password" in weak.text) == (422, True)
    assert 'aria-invalid="true"' in weak.text
    assert "password1" not in weak.text
    done = await other_browser.send(page, "/password/reset", token=token, password=NEW)
    assert (done.status_code, "Your password is changed" in done.text) == (200, True)
    assert (await other_browser.get(page)).status_code == 404
    assert (await other_browser.send("/login", "/login", email=ADA, password=PASSWORD)).status_code == 401
    assert (await other_browser.send("/login", "/login", email=ADA, password=NEW)).status_code == 303


async def test_asking_for_a_mail_needs_an_address(browser: Browser) -> None:
    for page in ("/password/forgot", "/verify/resend"):
        answer = await browser.send(page, page, email="no address")
        assert answer.status_code == 422
        assert 'value="no address"' in answer.text
        assert 'aria-invalid="true"' in answer.text


async def test_where_addresses_are_proved_first_signing_up_says_to_look_into_the_mailbox(
    browser: Browser, other_browser: Browser, runtime: Runtime, post: Post
) -> None:
    runtime.settings = runtime.settings.model_copy(update={"verified_email": Switch.ON})
    fields = {"name": "Ada", "email": ADA, "password": PASSWORD}
    first = await browser.send("/signup", "/signup", **fields)
    await post.mails(ADA)
    again = await other_browser.send("/signup", "/signup", **fields)
    assert (first.status_code, first.text) == (again.status_code, again.text)
    assert "Look into your mailbox" in first.text
    refused = await browser.send("/login", "/login", email=ADA, password=PASSWORD)
    assert refused.status_code == 403
    assert "/verify/resend" in refused.text
    token = (await post.mails(ADA))[-1]["text"].partition("token=")[2].split()[0]
    await browser.send(f"/verify?token={token}", "/verify", token=token)
    assert (await browser.send("/login", "/login", email=ADA, password=PASSWORD)).status_code == 303
