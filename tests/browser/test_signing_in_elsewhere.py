"""Somebody signs in over another service; somebody links it to what they have; and nobody's account is taken."""

from urllib.parse import urlsplit

import pytest
from playwright.sync_api import expect

from .conftest import Server
from .people import Visitor, Visitors, fresh_email

PROVIDER = "the demo provider"


def vouch(visitor: Visitor, email: str, name: str, client: str = "tollkeeper") -> None:
    """Say at the other service who one is; ends wherever it sends the browser."""
    expect(visitor.page.get_by_role("heading", level=1)).to_have_text(f"Sign in to {client}")
    visitor.page.get_by_label("E-mail").fill(email)
    visitor.page.get_by_label("Name").fill(name)
    visitor.press("Sign in")


def sign_in(visitor: Visitor, email: str, name: str = "Ada Lovelace") -> None:
    """Log in with the button on the log-in page."""
    visitor.go("/login")
    visitor.page.get_by_role("link", name=f"Continue with {PROVIDER}").click()
    vouch(visitor, email, name)


def test_signing_in_elsewhere_makes_an_account_without_a_password(visitors: Visitors) -> None:
    ada, email = visitors.new(scripts=False), fresh_email("elsewhere")
    ada.go("/login")
    ada.screenshot("login-elsewhere-light")
    sign_in(ada, email)
    expect(ada.page.get_by_role("heading", name="Overview")).to_be_visible()
    ada.go("/security/sign-in")
    expect(ada.page.get_by_role("cell", name=email)).to_be_visible()
    ada.press(f"Unlink {PROVIDER}")
    expect(ada.page.get_by_text("This is your only way to log in")).to_be_visible()

    phone = visitors.new(narrow=True, dark=True)
    phone.go("/login/sso")
    phone.screenshot("sso-narrow-dark")
    sign_in(phone, email)
    phone.go("/security/sign-in")
    expect(phone.page.get_by_role("cell", name=email)).to_be_visible()
    phone.screenshot("sign-in-ways-narrow-dark")


@pytest.mark.acts("POST /security/sign-in/{provider}/link", "POST /security/sign-in/{identity_id}/unlink")
def test_what_is_linked_opens_the_account_it_was_linked_to(visitors: Visitors) -> None:
    bob, email, there = visitors.new(), fresh_email("linking"), fresh_email("linked")
    bob.sign_up(email)
    bob.go("/security/sign-in")
    expect(bob.page.get_by_text("Nothing linked")).to_be_visible()
    bob.page.get_by_role("button", name=f"Link {PROVIDER}").click()
    bob.page.wait_for_url("**/authorize?**")
    vouch(bob, there, "Bob")
    expect(bob.page.get_by_role("cell", name=there)).to_be_visible()
    bob.screenshot("sign-in-ways-light")

    again = visitors.new()
    sign_in(again, there, "Bob")
    expect(again.page.get_by_text(email).first).to_be_visible()
    again.go("/security/sign-in")
    again.press(f"Unlink {PROVIDER}")
    expect(again.page.get_by_text("Nothing linked")).to_be_visible()


def test_an_account_whose_address_nobody_proved_is_not_given_away(visitors: Visitors) -> None:
    squatter, owner, email = visitors.new(), visitors.new(), fresh_email("squatted")
    squatter.sign_up(email)
    sign_in(owner, email)
    expect(owner.page.get_by_role("heading", level=1)).to_have_text(
        "There is an account with this e-mail address already"
    )
    owner.screenshot("account-not-linked-light")
    owner.go("/dashboard")
    expect(owner.page.get_by_role("heading", name="Log in")).to_be_visible()


def claim(owner: Visitor, server: Server, domain: str) -> None:
    """Claim a domain, and show by its record that it is held."""
    owner.go("/team/sign-on")
    owner.page.get_by_label("Domain", exact=True).fill(domain)
    owner.press("Claim domain")
    record = f"_tollkeeper-challenge.{domain}"
    expect(owner.page.get_by_text(record)).to_be_visible()
    owner.screenshot("sign-on-light")
    server.names.records[record] = owner.page.locator("dt:has-text('Value') + dd").inner_text()
    owner.press(f"Verify {domain}")
    owner.says("Yours")


def connect(owner: Visitor, issuer: str) -> None:
    """Say who vouches for people of the organization's domains."""
    owner.page.get_by_label("Issuer").fill(issuer)
    owner.page.get_by_label("Client id").fill("acme")
    owner.page.get_by_label("Client secret").fill("secret-of-acme")
    owner.page.get_by_label("Newcomers are").select_option(label="Viewer")
    owner.press("Save")
    owner.says("Register this address there")


@pytest.mark.acts(
    "POST /team/sign-on",
    "POST /team/sign-on/remove",
    "POST /team/sign-on/domains",
    "POST /team/sign-on/domains/{domain_id}/verify",
    "POST /team/sign-on/domains/{domain_id}/release",
    "POST /login/sso",
)
def test_an_organization_signs_its_own_people_in(visitors: Visitors, server: Server) -> None:
    owner, bob, domain = visitors.new(), visitors.new(), "acme.example"
    owner.sign_up(fresh_email("sso"))
    claim(owner, server, domain)
    bob.go("/login")
    bob.page.get_by_role("link", name=f"Continue with {PROVIDER}").click()
    expect(bob.page.get_by_role("heading", level=1)).to_have_text("Sign in to tollkeeper")
    somewhere = urlsplit(bob.page.url)
    connect(owner, f"{somewhere.scheme}://{somewhere.netloc}/o/acme")

    bob.go("/login/sso")
    bob.page.get_by_label("E-mail").fill(f"bob@{domain}")
    bob.page.get_by_role("button", name="Continue").click()
    vouch(bob, f"bob@{domain}", "Bob", client="acme")
    expect(bob.page.get_by_role("heading", name="Overview")).to_be_visible()
    bob.go("/team")
    expect(bob.page.locator("[data-member]")).to_have_count(2)

    owner.press("Remove the identity provider")
    expect(owner.page.get_by_text("Register this address there")).to_have_count(0)
    owner.press(f"Give up {domain}")
    owner.says("No domains yet")
