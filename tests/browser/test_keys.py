"""A key is renamed, kept to where it may be used from, and given another secret while the present one goes on."""

import csv

import pytest
from playwright.sync_api import expect

from .looking import Looker
from .people import Visitor, Visitors, fresh_email, track

WHERE = """
() => {
  const e = document.activeElement;
  if (e === document.body) return "the browser's own";
  return (e.closest("dialog") ? "in the dialog: " : "outside: ") + e.innerText;
}
"""


@pytest.mark.acts("POST /keys/{key_id}", "POST /keys/{key_id}/rotate", "POST /keys", "POST /keys/{key_id}/revoke")
def test_a_key_is_kept_in_order(visitors: Visitors) -> None:
    ada = visitors.new()
    ada.sign_up(fresh_email("keeper"))
    first = ada.create_key("server")
    ada.go("/keys")
    ada.follow("server")
    ada.page.get_by_label("Name", exact=True).fill("server in Vienna")
    ada.page.get_by_label("May be used from").fill("nowhere")
    ada.press("Save")
    expect(ada.page.get_by_label("May be used from")).to_have_attribute("aria-invalid", "true")
    ada.page.get_by_label("May be used from").fill("127.0.0.0/8")
    ada.press("Save")
    ada.follow("server in Vienna")
    assert track(ada.base, first).status_code == 200
    ada.page.get_by_label("The present one ends").select_option(index=1)
    ada.press("Make a new secret")
    second = ada.page.locator("[data-secret]").inner_text()
    ada.screenshot("key-rotated-light")
    assert second != first
    assert [track(ada.base, each).status_code for each in (first, second)] == [200, 200]
    ada.go("/keys")
    assert second not in ada.page.content()
    revoke_by_keyboard(ada, "server in Vienna")
    assert [track(ada.base, each).status_code for each in (first, second)] == [401, 401]
    export_the_trail(ada)


def export_the_trail(ada: Visitor) -> None:
    """Fetch what was done as a file, and be told how many records have come."""
    ada.go("/audit")
    with ada.page.expect_download() as saved:
        ada.page.get_by_role("link", name="Export as CSV").click()
    lines = list(csv.reader(saved.value.path().read_text().splitlines()))
    assert saved.value.suggested_filename.endswith(".csv")
    assert "key.revoked" in str(lines)
    expect(ada.page.get_by_text(f"{len(lines) - 1} records saved")).to_be_visible()
    assert ada.page.url.endswith("/audit")


def revoke_by_keyboard(ada: Visitor, name: str) -> None:
    """Be asked by a dialog before a key is revoked, and answer with the keyboard alone."""
    page, keys = ada.page, ada.page.keyboard
    opener = page.get_by_role("link", name=f"Revoke {name}")
    dialog = page.get_by_role("dialog", name=f"Revoke “{name}”?")
    opener.focus()
    keys.press("Enter")
    expect(dialog).to_be_visible()
    assert page.url.endswith("/keys"), "no page was opened instead"
    faults = Looker(page).axe_faults()
    assert faults == [], "the dialog can be used by everybody"
    met = set()
    for _ in range(6):  # more often than there are buttons
        keys.press("Tab")
        met.add(page.evaluate(WHERE))
    assert met - {"the browser's own"} == {"in the dialog: Keep it", "in the dialog: Revoke key"}
    keys.press("Escape")
    expect(dialog).to_be_hidden()
    expect(opener).to_be_focused()
    keys.press("Enter")
    expect(dialog).to_be_visible()
    keep = dialog.get_by_role("button", name="Keep it")
    keep.focus()
    keys.press("Enter")
    expect(dialog).to_be_hidden()
    expect(opener).to_be_focused()
    keys.press("Enter")
    dialog.get_by_role("button", name="Revoke key").focus()
    keys.press("Enter")
    expect(page.get_by_role("row", name=name).get_by_text("Revoked")).to_be_visible()
