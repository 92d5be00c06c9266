"""Somebody looks after their own account: the address, the password, where they are logged in, how it looks."""

from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import expect

from .conftest import Server
from .people import PASSWORD, Visitor, Visitors, fresh_email
from .test_mails import follow, open_mail

NEW = "a bridge for every toll"


def move(ada: Visitor, server: Server, email: str) -> None:
    """Ask for the mail that proves the address, and give another address."""
    ada.go("/security")
    ada.press("Send the mail to verify it")
    ada.says("Look into your mailbox")
    ada.go("/security")
    ada.page.get_by_label("New address").fill(email)
    ada.press("Change address")
    ada.says("Look into your mailbox")
    open_mail(ada, server, email, "Confirm your new e-mail address")
    follow(ada, "/verify")
    with ada.page.expect_navigation():
        ada.page.locator("main form button").click()
    ada.go("/security")
    expect(ada.page.get_by_text(email, exact=True).last).to_be_visible()
    expect(ada.page.get_by_text("Not verified")).to_have_count(0)


def end_logins(ada: Visitor, phone: Visitor, email: str) -> None:
    """End one login elsewhere, then all of them."""
    phone.log_in(email)
    ada.go("/security")
    with ada.page.expect_navigation():
        ada.page.locator("[data-login-id]").get_by_role("button", name="Log out").click()
    phone.go_until("/dashboard", lambda: phone.is_sent_to_log_in)
    phone.log_in(email)
    ada.go("/security")
    ada.press("Log out everywhere else")
    expect(ada.page.locator("[data-login-id]")).to_have_count(1)
    ada.page.get_by_label("Present password").fill(PASSWORD)
    ada.page.get_by_label("New password").fill(NEW)
    ada.press("Change password")
    phone.go_until("/dashboard", lambda: phone.is_sent_to_log_in)
    expect(phone.page.get_by_role("heading", name="Log in")).to_be_visible()


def say_who(ada: Visitor, picture: Path) -> None:
    """Name, place, picture, looks, and which mails are wanted."""
    ada.go("/profile")
    ada.page.get_by_label("Name").fill("Ada King")
    ada.page.get_by_label("Language and region").fill("de-AT")
    ada.page.get_by_label("Time zone").select_option("Europe/Vienna")
    ada.press("Save")
    expect(ada.page.get_by_label("Language and region")).to_have_value("de-AT")
    ada.page.get_by_label("File").set_input_files(picture)
    ada.press("Show this picture")
    ada.press("Remove the picture")
    expect(ada.page.get_by_alt_text("Your picture")).to_have_count(0)
    ada.page.get_by_label("Colours").select_option(label="Dark")
    ada.press("Save settings")
    expect(ada.page.locator("html")).to_have_attribute("data-theme", "dark")
    ada.screenshot("profile-chosen-dark")
    ada.go("/notifications")
    first = ada.page.get_by_role("checkbox").first
    assert first.is_checked()
    first.uncheck()
    ada.press("Save")
    expect(first).not_to_be_checked()


@pytest.mark.acts(
    "POST /security/email/verify",
    "POST /security/email",
    "POST /verify",
    "POST /security/logins/{session_id}/end",
    "POST /security/logins/end-others",
    "POST /security/password",
    "POST /profile",
    "POST /profile/picture",
    "POST /profile/picture/remove",
    "POST /profile/settings",
    "POST /notifications",
    "POST /profile/delete",
    "POST /profile/delete/keep",
)
@pytest.mark.acts("POST /verify/resend", "POST /login", scripts=False)
def test_an_account_is_looked_after(visitors: Visitors, server: Server, tmp_path: Path) -> None:
    ada, phone, email = visitors.new(), visitors.new(narrow=True, scripts=False), fresh_email("moved")
    ada.sign_up(fresh_email("settled"))
    move(ada, server, email)
    end_logins(ada, phone, email)
    Image.new("RGB", (64, 64), (11, 95, 110)).save(tmp_path / "me.png")
    say_who(ada, tmp_path / "me.png")

    ada.go("/profile/delete")
    ada.page.get_by_label(f"Type {email} to confirm").fill(email)
    ada.press("Delete my account")
    ada.press("Keep my account")
    ada.go("/dashboard")
    expect(ada.page.get_by_text("Your account is being deleted")).to_have_count(0)

    phone.go("/verify/resend")
    phone.page.get_by_label("E-mail").fill(email)
    phone.press("Send mail")
    phone.says("Look into your mailbox")
