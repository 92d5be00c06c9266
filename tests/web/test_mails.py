"""The gallery of mails that staff look at."""

import re

import pytest

from tollkeeper.identity.staff import StaffRole, find_person, set_staff
from tollkeeper.infra import Runtime
from tollkeeper.notify import SAMPLES

from .conftest import Browser


@pytest.fixture
async def staff(runtime: Runtime, browser: Browser) -> Browser:
    """A browser of support staff."""
    await browser.sign_up("staff@example.com")
    async with runtime.transaction() as tx:
        await set_staff(tx, await find_person(tx, "staff@example.com"), StaffRole.SUPPORT)
    return browser


async def test_every_mail_is_shown_as_html_and_as_text(staff: Browser) -> None:
    gallery = await staff.get("/admin/mails")
    shown = re.findall(r'href="(/admin/mails/\w+)"', gallery.text)
    assert len(shown) == len(SAMPLES)
    for address in shown:
        page = await staff.get(address)
        assert page.status_code == 200, address
        assert f'src="{address}/html"' in page.text
        assert "Ada Lovelace" in page.text or "Northwind" in page.text
        assert page.headers["content-security-policy"].endswith("; frame-src 'self'")


async def test_a_mail_by_itself_may_do_nothing_but_look(staff: Browser) -> None:
    mail = await staff.get("/admin/mails/invitation/html")
    assert mail.status_code == 200
    assert "<strong>Northwind Traders</strong>" in mail.text
    policy = mail.headers["content-security-policy"]
    assert re.search(r"style-src 'sha256-[\w+/]{43}='", policy)
    assert "sandbox" in policy
    assert "unsafe" not in policy
    assert "style=" not in mail.text


@pytest.mark.parametrize("path", ["/admin/mails/frame", "/admin/mails/nothing/html", "/admin/mails/%2e%2e%2fframe"])
async def test_there_is_nothing_else(staff: Browser, path: str) -> None:
    assert (await staff.get(path)).status_code == 404


async def test_where_sent_mails_can_be_read_is_linked(runtime: Runtime, staff: Browser) -> None:
    assert "Mails that were sent" not in (await staff.get("/admin/mails")).text
    runtime.settings = runtime.settings.model_copy(update={"mailbox_url": "http://127.0.0.1:8025"})
    assert 'href="http://127.0.0.1:8025"' in (await staff.get("/admin/mails")).text


async def test_customers_have_nothing_to_look_for_here(browser: Browser) -> None:
    await browser.sign_up("ada@example.com")
    for path in ("/admin/mails", "/admin/mails/invitation", "/admin/mails/invitation/html"):
        assert (await browser.get(path)).status_code == 403
