"""Pages of a suspended organization: they say so, and offer nothing that would be refused."""

import re
from datetime import UTC, datetime

import pytest

from tollkeeper.infra import Runtime
from tollkeeper.kit import FixedClock

from .conftest import Browser
from .shop import Shop
from .team import suspended

FORMS = re.compile(r'<form [^>]*method="post"[^>]*?action="([^"]+)"|<form [^>]*?action="([^"]+)"[^>]*method="post"')
LINKS = re.compile(r'href="(/[^"#]*)"')
PAGES = ("/dashboard", "/usage", "/keys", "/team", "/billing", "/billing/details?whole=yes", "/profile", "/security")
LEFT = {"/billing/portal", "/profile", "/team/leave", "/billing/cancel", "/billing/payment-methods"}


@pytest.fixture
def clock() -> FixedClock:
    """The provider's imitation lives in real time, so ours must be about that."""
    return FixedClock(datetime.now(UTC).replace(microsecond=0))


async def offered(browser: Browser) -> tuple[set[str], set[str]]:
    """Where the forms of all pages of the portal lead to, and where their links do."""
    forms: set[str] = set()
    links: set[str] = set()
    for path in PAGES:
        page = await browser.get(path)
        assert page.status_code == 200, page.text
        assert "data-suspended" in page.text, path
        forms |= {one or other for one, other in FORMS.findall(page.text)}
        links |= {found.replace("&amp;", "&") for found in LINKS.findall(page.text)}
    return forms, links


async def test_pages_of_a_suspended_organization_offer_nothing_that_is_refused(
    shop: Shop, runtime: Runtime, browser: Browser
) -> None:
    await browser.sign_up("ada@example.com")
    await shop.buy(browser)
    await browser.create_key()
    await browser.send("/team", "/team/invitations", email="grace@example.com", role="viewer")
    await suspended(runtime, browser)
    forms, links = await offered(browser)
    assert forms | links >= LEFT
    for path in sorted(forms - {"/logout"}):
        refused = await browser.client.post(path)  # without its token nothing is done
        assert "The organization is suspended" not in refused.text, path
    for path in sorted(links):
        if not path.startswith(("/static", "/docs", "/billing/invoices")):
            assert (await browser.get(path)).status_code == 200, path


async def test_pages_that_only_ask_for_what_is_refused_say_that_the_organization_is_suspended(
    runtime: Runtime, browser: Browser
) -> None:
    await browser.sign_up("ada@example.com")
    await suspended(runtime, browser)
    for path in ("/billing/change?plan=pro", "/billing/unpause", "/team/transfer", "/team/roles/new", "/team/sign-on"):
        page = await browser.get(path)
        assert (page.status_code, "The organization is suspended" in page.text) == (403, True), path
