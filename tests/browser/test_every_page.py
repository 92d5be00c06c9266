"""Every page, light, dark and narrow: readable by everybody, nothing sticks out, nothing breaks the policy."""

from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, expect
from tools.album import Sight, album, cookies_of, missing
from tools.shown import Shown, running

from .looking import ASK_MADE, ASK_TEXT, WIDE, Looker
from .people import PASSWORD, Visitors, fresh_email

SAID: dict[str, str] = {}
"""What was written, by field. Each is an attempt to become more than text."""


def attempt(field: str, _words: str) -> str:
    return SAID.setdefault(field, f'{field}"><img src=x onerror=a()><script>a()</script>')


@pytest.fixture(scope="module")
def shown() -> Iterator[Shown]:
    with running(attempt, hours=1) as shown:
        yield shown


@pytest.fixture(scope="module")
def sights(shown: Shown) -> list[Sight]:
    return album(shown)


@dataclass
class Walk:
    """Somebody who opens one page after the other and notes what is wrong with it, and what was read."""

    page: Page
    wrong: dict[str, list[str]] = field(default_factory=dict)
    read: str = ""
    complaints: list[str] = field(default_factory=list)

    def look_at(self, name: str) -> None:
        faults = Looker(self.page).faults() + self.complaints
        faults += [f"made of text: {each}" for each in self.page.evaluate(ASK_MADE)]
        self.read += self.page.evaluate(ASK_TEXT)
        self.complaints.clear()
        if faults:
            self.wrong[name] = faults

    def heard(self, said: ConsoleMessage) -> None:
        if said.type == "error" and "Failed to load resource" not in said.text:
            self.complaints.append(said.text)


def walked(chromium: Browser, shown: Shown, sights: list[Sight]) -> Walk:
    """Open each page as whoever may, in one browser with the policy in force."""
    context = chromium.new_context(viewport=WIDE, reduced_motion="reduce", locale="en-GB", timezone_id="UTC")
    walk = Walk(context.new_page())
    Looker(walk.page).prepare()
    walk.page.on("console", walk.heard)
    walk.page.on("pageerror", lambda error: walk.complaints.append(str(error)))
    walk.page.on("dialog", lambda dialog: walk.complaints.append(f"a dialog: {dialog.message}"))
    try:
        for sight in sights:
            context.clear_cookies()
            context.add_cookies(cookies_of(shown.cookies[sight.who], shown.url))
            walk.page.goto(shown.url + sight.path)
            walk.look_at(f"{sight.name} ({sight.path})")
    finally:
        context.close()
    return walk


def test_no_page_is_forgotten(sights: list[Sight]) -> None:
    assert missing(sights) == [], "no link leads to these: let them begin in tools/album.py, and have something in them"


EVERYWHERE = {
    "site": ({""}, {"plan"}),
    "portal": (
        {"ada", "emmy", "rosalind", "mary.s", "hedy"},
        {
            "person",
            "colleague",
            "organization",
            "key",
            "second key",
            "passkey",
            "role",
            "role's description",
            "payer",
            "city",
        },
    ),
    "admin": (
        {"grace"},
        {"person", "colleague", "organization", "note", "reason", "version", "plan"},
    ),
}
"""Of each face who walks it, and what they read there of what somebody wrote."""


@pytest.mark.parametrize("face", EVERYWHERE)
def test_every_page_can_be_used_by_everybody(chromium: Browser, shown: Shown, sights: list[Sight], face: str) -> None:
    people, fields = EVERYWHERE[face]
    walk = walked(chromium, shown, [each for each in sights if each.who in people])
    assert walk.wrong == {}
    assert {each for each in fields if SAID[each] not in walk.read} == set(), "it stays text, and can be read"


def test_everybody_walks_and_everything_written_is_read(sights: list[Sight]) -> None:
    assert {sight.who for sight in sights} == {who for people, _ in EVERYWHERE.values() for who in people}
    assert {field for _, fields in EVERYWHERE.values() for field in fields} == SAID.keys()


TABS = 200
ASK_WHERE = """
() => {
  const e = document.activeElement;
  if (e === document.body) return -1;
  return e.seen ??= globalThis.tabs = 1 + (globalThis.tabs ?? 0);
}
"""


@pytest.mark.parametrize(
    ("who", "path"), [("", "/pricing"), ("ada", "/billing"), ("ada", "/keys"), ("grace", "/admin")]
)
def test_the_tabulator_goes_round_and_is_caught_nowhere(chromium: Browser, shown: Shown, who: str, path: str) -> None:
    context = chromium.new_context(viewport=WIDE, reduced_motion="reduce")
    context.add_cookies(cookies_of(shown.cookies[who], shown.url))
    page = context.new_page()
    page.goto(shown.url + path)
    met: list[int] = []
    for _ in range(TABS):
        page.keyboard.press("Tab")
        met.append(page.evaluate(ASK_WHERE))
        if met[-1] in {-1, 1} and len(met) > 1:
            break
    context.close()
    assert len(met) > 10, "there is more to reach"
    assert met[-1] in {-1, 1}, "it comes round"
    assert met[:-1] == list(range(1, len(met))), "each is met once, in order"


def test_the_theme_is_chosen_by_hand_and_kept(visitors: Visitors) -> None:
    visitor = visitors.new()
    visitor.go("/pricing")
    visitor.page.get_by_label("Colour theme").click()
    visitor.page.get_by_role("button", name="Dark").click()
    expect(visitor.page.locator("html")).to_have_attribute("data-theme", "dark")
    visitor.go("/docs/errors")
    expect(visitor.page.locator("html")).to_have_attribute("data-theme", "dark")


def test_the_keyboard_reaches_the_content_and_the_form(visitors: Visitors) -> None:
    visitor = visitors.new()
    visitor.go("/login")
    visitor.page.keyboard.press("Tab")
    skip = visitor.page.get_by_role("link", name="Skip to content")
    expect(skip).to_be_focused()
    expect(skip).to_be_in_viewport()
    visitor.page.get_by_label("E-mail").focus()
    visitor.page.keyboard.type("nobody@example.com")
    visitor.page.keyboard.press("Tab")
    expect(visitor.page.get_by_label("Password")).to_be_focused()
    visitor.page.keyboard.type("wrong password")
    with visitor.page.expect_navigation():
        visitor.page.keyboard.press("Enter")
    expect(visitor.page.get_by_role("alert")).to_be_visible()
    expect(visitor.page.get_by_label("E-mail")).to_have_value("nobody@example.com")
    expect(visitor.page.get_by_label("Password")).to_have_value("")


def test_sign_up_mistakes_stand_beside_their_fields(visitors: Visitors) -> None:
    visitor = visitors.new()
    visitor.go("/signup")
    visitor.page.get_by_label("Name").fill("Ada")
    visitor.page.get_by_label("E-mail").fill("ada@")
    visitor.page.get_by_label("Password").fill("short")
    visitor.press("Create account")
    for label in ("E-mail", "Password"):
        field = visitor.page.get_by_label(label)
        expect(field).to_have_attribute("aria-invalid", "true")
        note = field.get_attribute("aria-describedby")
        expect(visitor.page.locator(f"#{note}")).not_to_be_empty()
    expect(visitor.page.get_by_label("Name")).to_have_value("Ada")
    visitor.screenshot("signup-mistakes-light")


def test_a_page_asked_for_before_logging_in_is_shown_after_it(visitors: Visitors) -> None:
    email = fresh_email("back")
    visitor = visitors.new()
    visitor.sign_up(email)
    visitor.press("Log out")
    visitor.go("/usage?span=24h")
    assert "/login?next=" in visitor.page.url
    visitor.page.get_by_label("E-mail").fill(email)
    visitor.page.get_by_label("Password").fill(PASSWORD)
    visitor.press("Log in")
    assert visitor.page.url == f"{visitor.base}/usage?span=24h"


def test_a_newcomer_looks_around_with_one_press(visitors: Visitors) -> None:
    visitor = visitors.new()
    visitor.go("/login")
    visitor.press("Log in as demo")
    expect(visitor.page.get_by_role("heading", name="Overview")).to_be_visible()
