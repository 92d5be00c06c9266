"""The sections of the security page about the password, the address, and where one is logged in."""

import re

from mailbox_process import Post

from .conftest import PASSWORD, Browser, until_status

ADA = "ada@example.com"
NEW = "a bridge for every toll"


async def test_the_password_is_changed_and_other_browsers_are_logged_out(
    browser: Browser, other_browser: Browser
) -> None:
    await browser.sign_up(ADA)
    await other_browser.send("/login", "/login", email=ADA, password=PASSWORD)
    changed = await browser.send("/security", "/security/password", current_password=PASSWORD, new_password=NEW)
    assert (changed.status_code, changed.headers["location"]) == (303, "/security#password")
    answer = await until_status(lambda: other_browser.client.get("/dashboard"), 303)
    assert answer.headers["location"].startswith("/login")
    assert (await browser.client.get("/dashboard")).status_code == 200
    assert (await other_browser.send("/login", "/login", email=ADA, password=NEW)).status_code == 303


async def test_what_is_wrong_stands_beside_the_fields(browser: Browser) -> None:
    await browser.sign_up(ADA)
    wrong = await browser.send("/security", "/security/password", current_password="not mine at all", new_password=NEW)
    assert (wrong.status_code, "The present password is wrong" in wrong.text) == (422, True)
    weak = await browser.send("/security", "/security/password", current_password=PASSWORD, new_password="password1")
    assert (weak.status_code, "very common password" in weak.text) == (422, True)
    assert NEW not in wrong.text
    missing = await browser.send("/security", "/security/password", new_password=NEW)
    assert missing.status_code == 422


async def test_an_address_is_moved_by_mail(browser: Browser, post: Post) -> None:
    await browser.sign_up(ADA)
    again = await browser.send("/security", "/security/email/verify")
    asked = await browser.send("/security", "/security/email", email="countess@example.com")
    assert "Look into your mailbox" in again.text
    assert "Look into your mailbox" in asked.text
    assert "Verify your e-mail address" in await post.subjects(ADA)
    token = await post.token("countess@example.com")
    await browser.send(f"/verify?token={token}", "/verify", token=token)
    page = await browser.get("/security")
    assert "countess@example.com" in page.text
    assert "Verified" in page.text
    same = await browser.send("/security", "/security/email", email="countess@example.com")
    assert (same.status_code, "Is your address already" in same.text) == (422, True)


async def test_logins_are_listed_and_ended(browser: Browser, other_browser: Browser) -> None:
    await browser.sign_up(ADA)
    assert "Log out everywhere else" not in (await browser.get("/security")).text
    for _ in range(3):
        other_browser.client.cookies.clear()
        await other_browser.send("/login", "/login", email=ADA, password=PASSWORD)
    page = (await browser.get("/security")).text
    listed = re.findall(r'data-login-id="([0-9a-f-]+)"', page)
    assert len(listed) == 4
    assert page.count("This browser") == 1
    ended = await browser.send("/security", f"/security/logins/{listed[1]}/end")
    assert (ended.status_code, ended.headers["location"]) == (303, "/security#logins")
    assert (await browser.send("/security", f"/security/logins/{listed[1]}/end")).status_code == 404
    await browser.send("/security", "/security/logins/end-others")
    assert len(re.findall("data-login-id", (await browser.get("/security")).text)) == 1
    await until_status(lambda: other_browser.client.get("/dashboard"), 303)
