"""People with browsers, and the program that uses a key."""

import os
import re
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import count
from urllib.parse import urlsplit

import httpx
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Error, Page, Response, expect

from .acts import Act, act_of
from .looking import NARROW, ROOT, WIDE, Looker

SCREENSHOTS = ROOT / "build" / "screenshots"
PASSWORD = "a toll for every bridge"
GOOD_CARD = "4242424242424242"
STAFF = ("demo@tollkeeper.example", "demo-password")
"""E-mail and password of the demo login, which is an admin outside production."""
OBEYED_SECONDS = 20
"""Within a second every process obeys; the rest is for a machine that stands still meanwhile."""
LEFT_BY_ITSELF = "is interrupted by another navigation"
_numbers = count(1)


def fresh_email(story: str) -> str:
    """Return an address nobody has signed up with."""
    return f"{story}-{next(_numbers)}@example.com"


def track(base: str, key: str, quantity: int = 1) -> httpx.Response:
    """Use prompts, as a program would."""
    return httpx.post(
        f"{base}/api/usage/track",
        headers={"Authorization": f"Bearer {key}"},
        json={"feature": "prompts", "count": quantity},
        timeout=10,
    )


@dataclass
class Visitor:
    """Somebody with a browser of their own. Whatever the browser complains about is kept in `complaints`."""

    context: BrowserContext
    page: Page
    base: str
    complaints: list[str] = field(default_factory=list)

    def go(self, path: str) -> None:
        """Open a page of ours, also when the one before it leaves by itself just then, as one without a login does."""
        for last_try in (False, False, False, True):
            try:
                self.page.goto(self.base + path)
            except Error as error:
                if last_try or LEFT_BY_ITSELF not in error.message:
                    raise
                self.page.wait_for_timeout(200)
            else:
                return

    def go_until(self, path: str, holds: Callable[[], bool]) -> None:
        """Open a page again until it obeys what was changed elsewhere: a second is promised, to a machine with time."""
        deadline = time.monotonic() + OBEYED_SECONDS
        self.go(path)
        while not holds():
            assert time.monotonic() < deadline, self.page.url
            self.page.wait_for_timeout(200)
            self.go(path)

    @property
    def is_sent_to_log_in(self) -> bool:
        """Whether the page that was opened is that of somebody without a login."""
        return self.page.url.startswith(f"{self.base}/login")

    def press(self, name: str) -> None:
        """Press the button of this name, and wait until what it leads to has loaded."""
        with self.page.expect_navigation():
            self.page.get_by_role("button", name=name, exact=True).click()

    def sign_up(self, email: str) -> None:
        """Make an account through the form; ends on the overview."""
        self.go("/signup")
        self.page.get_by_label("Name").fill("Ada Lovelace")
        self.page.get_by_label("E-mail").fill(email)
        self.page.get_by_label("Password").fill(PASSWORD)
        self.press("Create account")

    def log_in(self, email: str, password: str = PASSWORD) -> None:
        """Log in through the form; ends on the overview."""
        self.go("/login")
        self.page.get_by_label("E-mail").fill(email)
        self.page.get_by_label("Password", exact=True).fill(password)
        self.press("Log in")
        expect(self.page.get_by_role("heading", name="Overview")).to_be_visible()

    def follow(self, name: str) -> None:
        """Follow the first link of this name, and wait until what it leads to has loaded."""
        with self.page.expect_navigation():
            self.page.get_by_role("link", name=name, exact=True).first.click()

    def prove(self, password: str = PASSWORD) -> None:
        """Answer the page that asks who one is before something dangerous."""
        expect(self.page.get_by_role("heading", level=1)).to_have_text("Confirm that it is you")
        self.page.get_by_label("Password").fill(password)
        self.press("Confirm")

    def says(self, words: str) -> None:
        """Have the page say so."""
        expect(self.page.get_by_text(words).first).to_be_visible()

    def create_key(self, name: str = "laptop") -> str:
        """Make an API key on the keys page and return its secret."""
        self.go("/keys")
        self.page.get_by_label("Name", exact=True).fill(name)
        self.press("Create key")
        secret = self.page.locator("[data-secret]").inner_text()
        assert re.fullmatch(r"tk_(live|test)_\S{20,}", secret)
        return secret

    def choose_plan(self, plan: str) -> None:
        """Press the plan's button on the billing page; ends on the provider's hosted page."""
        self.go("/billing")
        with self.page.expect_navigation(url=lambda url: not url.startswith(self.base)):
            self.page.locator(f"[data-plan={plan}]").get_by_role("button").click()

    def pay(self, card: str) -> None:
        """Fill in the hosted page's form and send it."""
        page = self.page
        fields = {
            "email": "ada@example.com",
            "card_number": card,
            "exp_month": "12",
            "exp_year": "2034",
            "cvc": "123",
            "name": "Ada Lovelace",
            "postal_code": "10115",
        }
        for name, value in fields.items():
            field = page.locator(f"[name={name}]")
            if field.count() and field.is_editable():  # the e-mail is fixed, or not asked for, when it is known
                field.fill(value)
        with page.expect_navigation():
            page.locator("form button").click()

    def wait_for_plan(self, name: str) -> None:
        """Stay on the return page, which goes on by itself once the signed webhook has arrived."""
        expect(self.page.locator("#checkout-state")).to_have_attribute("data-state", "done", timeout=30_000)
        expect(self.page.get_by_role("heading", level=1)).to_contain_text(name)

    def look_at(self, name: str) -> None:
        """Everybody can use the page that is open, in every look; the visitor was made to be `looked_at`."""
        self.screenshot(name)
        assert Looker(self.page).faults() == [], name

    def screenshot(self, name: str) -> None:
        """Keep a picture of the whole page for people to look at, when they want any: waiting for it takes long."""
        if not os.environ.get("TOLLKEEPER_PICTURES"):
            return
        SCREENSHOTS.mkdir(parents=True, exist_ok=True)
        self.page.wait_for_load_state("networkidle")
        self.page.screenshot(path=SCREENSHOTS / f"{name}.png", full_page=True)


class Visitors:
    """Makes visitors, and holds their browsers' complaints against the test.

    `performed` is what they have done with the server's forms so far.
    """

    def __init__(self, browser: Browser, base: str) -> None:
        self._browser = browser
        self._base = base
        self._port = urlsplit(base).port
        self._made: list[Visitor] = []
        self.performed: set[Act] = set()

    def new(
        self, *, dark: bool = False, narrow: bool = False, scripts: bool = True, looked_at: bool = False
    ) -> Visitor:
        """Open a fresh browser profile; with `looked_at` its pages can be asked whether everybody can use them."""
        context = self._browser.new_context(
            viewport=NARROW if narrow else WIDE,
            color_scheme="dark" if dark else "light",
            java_script_enabled=scripts,
            reduced_motion="reduce",
            locale="en-GB",
            timezone_id="UTC",
        )
        context.set_default_timeout(20_000)
        visitor = Visitor(context, context.new_page(), self._base)
        if looked_at:
            Looker(visitor.page).prepare()

        def heard(message: ConsoleMessage) -> None:
            # A refused form answers 4xx, which Chromium reports as an error of its own.
            if message.type == "error" and "Failed to load resource" not in message.text:
                visitor.complaints.append(message.text)

        def answered(answer: Response) -> None:
            act = act_of(answer, scripts=scripts) if urlsplit(answer.url).port == self._port else None
            self.performed |= {act} if act else set()

        context.on("response", answered)
        visitor.page.on("console", heard)
        visitor.page.on("pageerror", lambda error: visitor.complaints.append(str(error)))
        self._made.append(visitor)
        return visitor

    def close(self) -> list[str]:
        """Close every browser and return what they complained about."""
        for visitor in self._made:
            visitor.context.close()
        return [complaint for visitor in self._made for complaint in visitor.complaints]
