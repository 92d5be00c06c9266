"""Somebody signs up, proves their address by the mail, forgets the password and chooses a new one by mail."""

import re

import pytest
from playwright.sync_api import expect

from .conftest import Server
from .people import PASSWORD, Visitor, Visitors, fresh_email

NEW = "a bridge for every toll"


def open_mail(visitor: Visitor, server: Server, email: str, subject: str) -> None:
    """Wait for a mail in the mailbox that stands in for the mail server, and open it."""
    found = re.search(r"Mails\s+(http://\S+)", server.log.read_text())
    assert found, "the server does not say where mails are"
    mail = visitor.page.get_by_role("link", name=subject)
    for _ in range(100):
        visitor.page.goto(f"{found[1]}/?to={email}")
        if mail.count():
            break
        visitor.page.wait_for_timeout(200)
    mail.first.click()
    expect(visitor.page.get_by_role("heading", level=1)).to_have_text(subject)


def follow(visitor: Visitor, path: str) -> None:
    """Follow the link in the open mail that leads there."""
    visitor.page.locator(f"main ul a[href*='{path}']").click()


@pytest.mark.acts("POST /verify", scripts=False)
@pytest.mark.acts("POST /password/forgot", "POST /password/reset")
def test_sign_up_verify_forget_and_choose_a_new_password(visitors: Visitors, server: Server) -> None:
    ada, email = visitors.new(scripts=False), fresh_email("mails")
    ada.sign_up(email)
    ada.go("/security")
    expect(ada.page.get_by_text("Not verified")).to_be_visible()
    ada.screenshot("security-logins")
    open_mail(ada, server, email, "Verify your e-mail address")
    ada.screenshot("mailbox-mail")
    follow(ada, "/verify")
    ada.press("Verify this address")
    expect(ada.page.get_by_role("heading", level=1)).to_have_text("Your address is verified")
    ada.go("/security")
    expect(ada.page.get_by_text("Not verified")).to_have_count(0)

    phone = visitors.new(narrow=True, dark=True)
    phone.go("/login")
    phone.page.get_by_role("link", name="Forgot your password?").click()
    phone.page.get_by_label("E-mail").fill(email)
    phone.press("Send mail")
    expect(phone.page.get_by_role("heading", level=1)).to_have_text("Look into your mailbox")
    open_mail(phone, server, email, "Choose a new password")
    follow(phone, "/password/reset")
    phone.page.get_by_label("New password").fill("password1")
    phone.press("Change password")
    expect(phone.page.get_by_text("very common password")).to_be_visible()
    phone.screenshot("choose-a-new-password")
    phone.page.get_by_label("New password").fill(NEW)
    phone.press("Change password")
    expect(phone.page.get_by_role("heading", level=1)).to_have_text("Your password is changed")
    phone.go("/login")
    phone.page.get_by_label("E-mail").fill(email)
    phone.page.get_by_label("Password").fill(NEW)
    phone.press("Log in")
    expect(phone.page).to_have_url(re.compile("/dashboard$"))
    phone.go("/security")
    phone.screenshot("security-logins-narrow-dark")

    ada.go("/dashboard")  # she was logged out everywhere
    expect(ada.page).to_have_url(re.compile("/login"))
    ada.page.get_by_label("E-mail").fill(email)
    ada.page.get_by_label("Password").fill(PASSWORD)
    ada.press("Log in")
    expect(ada.page.get_by_role("alert")).to_contain_text("is wrong")
