"""A person protects the login with an app and a passkey, loses the phone, and comes back by a recovery code."""

from urllib.parse import parse_qs, urlsplit

import pyotp
import pytest
from playwright.sync_api import CDPSession, expect

from .people import PASSWORD, Visitor, Visitors, fresh_email


def by_name(visitor: Visitor) -> Visitor:
    """Passkeys belong to names, not to numbers."""
    visitor.base = visitor.base.replace("127.0.0.1", "localhost")
    return visitor


def with_device(visitor: Visitor) -> tuple[CDPSession, str]:
    """Give the browser a device that keeps passkeys and has just seen its owner's finger."""
    session = visitor.context.new_cdp_session(visitor.page)
    session.send("WebAuthn.enable")
    options = {
        "protocol": "ctap2",
        "transport": "internal",
        "hasResidentKey": True,
        "hasUserVerification": True,
        "isUserVerified": True,
        "automaticPresenceSimulation": True,
    }
    made = session.send("WebAuthn.addVirtualAuthenticator", {"options": options})
    return session, made["authenticatorId"]


def app_of(visitor: Visitor) -> pyotp.TOTP:
    """Scan the page: return the app that holds the secret it shows."""
    link = visitor.page.get_by_role("link", name="open it in an app on this device").get_attribute("href") or ""
    return pyotp.TOTP(parse_qs(urlsplit(link).query)["secret"][0])


def log_in(visitor: Visitor, email: str) -> None:
    visitor.go("/login")
    visitor.page.get_by_label("E-mail").fill(email)
    visitor.page.get_by_label("Password", exact=True).fill(PASSWORD)
    visitor.press("Log in")


def keep_a_passkey(ada: Visitor, codes: list[str]) -> list[str]:
    """Add a passkey and give it another name; return new recovery codes, since the sheet with those was lost, too."""
    ada.go("/security")
    ada.page.get_by_role("link", name="Add a passkey").click()
    ada.page.get_by_label("Name").fill("This thing")
    ada.press("Ask the device")
    ada.follow("Rename This thing")
    ada.page.get_by_label("Name").fill("Laptop")
    ada.press("Save")
    expect(ada.page.locator("[data-passkey-id]")).to_contain_text("Laptop")
    expect(ada.page.get_by_role("link", name="Remove the app")).to_be_visible()
    ada.screenshot("security-full")
    ada.follow("Make new codes")
    ada.press("Make new codes")
    made = ada.page.locator("[data-recovery-codes]").inner_text().split()
    assert not set(made) & set(codes)
    return made


@pytest.mark.acts(
    "POST /security/totp",
    "POST /security/totp/confirm",
    "POST /security/totp/remove",
    "POST /security/recovery-codes",
    "POST /security/passkeys",
    "POST /security/passkeys/{passkey_id}",
    "POST /security/passkeys/{passkey_id}/remove",
    "POST /login/passkey",
    "POST /login/second",
)
def test_enrol_lose_the_phone_and_recover(visitors: Visitors) -> None:
    ada, email = by_name(visitors.new()), fresh_email("two-steps")
    device, authenticator = with_device(ada)
    ada.sign_up(email)
    ada.go("/security")
    ada.screenshot("security-empty")
    # The app, whose first code brings the recovery codes.
    ada.press("Set up an app")
    ada.screenshot("security-app")
    app = app_of(ada)
    ada.page.get_by_label("Code").fill("123")
    ada.press("Turn it on")
    expect(ada.page.get_by_label("Code")).to_have_attribute("aria-invalid", "true")
    ada.page.get_by_label("Code").fill(app.now())
    ada.press("Turn it on")
    codes = ada.page.locator("[data-recovery-codes]").inner_text().split()
    assert len(codes) == 10
    ada.screenshot("security-codes")
    codes = keep_a_passkey(ada, codes)
    # The passkey lets in alone.
    ada.press("Log out")
    ada.go("/login")
    ada.press("Log in with a passkey")
    expect(ada.page).to_have_url(f"{ada.base}/dashboard")
    # The phone and the laptop are lost: another browser, without the device, and a recovery code.
    device.send("WebAuthn.removeVirtualAuthenticator", {"authenticatorId": authenticator})
    later = by_name(visitors.new(narrow=True))
    log_in(later, email)
    expect(later.page.get_by_role("heading", level=1)).to_have_text("One more step")
    later.screenshot("second-step-narrow")
    later.page.get_by_label("Code").fill("000 000")
    later.press("Continue")
    expect(later.page.get_by_role("alert").first).to_contain_text("The code is not right")
    later.page.get_by_label("Code").fill(codes[0])
    later.press("Continue")
    expect(later.page).to_have_url(f"{later.base}/dashboard")
    # What was lost is removed, which a login just made may do; the password alone is enough again.
    later.go("/security")
    expect(later.page.get_by_text("9 left")).to_be_visible()
    later.page.get_by_role("link", name="Remove the app").click()
    later.press("Remove the app")
    later.page.get_by_role("link", name="Remove Laptop").click()
    later.press("Remove the passkey")
    expect(later.page.get_by_text("No passkey yet")).to_be_visible()
    later.screenshot("security-recovered-narrow")
    again = visitors.new(scripts=False, dark=True)
    log_in(again, email)
    expect(again.page).to_have_url(f"{again.base}/dashboard")
