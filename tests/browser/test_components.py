"""What scripts add to the components, and that nothing is missing without them."""

import pytest
from playwright.sync_api import expect

from .people import Visitors


@pytest.mark.acts("POST /ui")
def test_components_with_scripts(visitors: Visitors) -> None:
    visitor = visitors.new()
    visitor.go("/ui")
    page = visitor.page
    # A dialog opens instead of the page, holds the keyboard, and gives it back.
    opener = page.get_by_role("link", name="Ask first")
    opener.click()
    dialog = page.get_by_role("dialog", name="Revoke “production server”?")
    expect(dialog).to_be_visible()
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.closest('dialog') !== null")
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    expect(opener).to_be_focused()
    # A filter that is chosen is shown at once, and the head that sorts keeps it.
    with page.expect_navigation():
        page.get_by_label("State", exact=True).and_(page.locator("#filter-state")).select_option("active")
    table = page.get_by_role("table", name="Customers")
    expect(table.get_by_role("row")).to_have_count(1 + 4)
    with page.expect_navigation():
        table.get_by_role("link", name="Customer").click()
    expect(table.get_by_role("row").nth(1)).to_contain_text("Ferry Crossing")
    expect(table.get_by_role("columnheader", name="Customer")).to_have_attribute("aria-sort", "ascending")
    assert "state=active" in page.url
    # What is said after an act is dismissed without leaving the page; times are exact on hover.
    visitor.press("Bad news")
    said = page.get_by_text("This is how it is said.")
    expect(said).to_be_visible()
    page.get_by_role("link", name="Dismiss").click()
    expect(said).to_be_hidden()
    assert page.url == f"{visitor.base}/ui"
    assert ":" in (page.locator("time[title]").first.get_attribute("title") or "")


@pytest.mark.acts("POST /ui", scripts=False)
def test_components_without_scripts(visitors: Visitors) -> None:
    visitor = visitors.new(scripts=False, narrow=True)
    visitor.go("/ui")
    page = visitor.page
    with page.expect_navigation():
        page.get_by_role("link", name="Ask first").click()
    expect(page.get_by_role("alert")).to_contain_text("Revoke “production server”?")
    page.locator("#filter-state").select_option("owes")
    with page.expect_navigation():
        page.get_by_role("search", name="Filter customers").get_by_role("button", name="Show").click()
    expect(page.get_by_role("table", name="Customers").get_by_role("row")).to_have_count(1 + 1)
    # Where rows are blocks the heads that sort can still be seen and pressed.
    with page.expect_navigation():
        page.get_by_role("link", name="Used").click()
    assert page.url.endswith("?sort=used&state=owes")
    visitor.press("Good news")
    expect(page.get_by_text("This is how it is said.")).to_be_visible()
    with page.expect_navigation():
        page.get_by_role("link", name="Dismiss").click()
    expect(page.get_by_text("This is how it is said.")).to_be_hidden()
