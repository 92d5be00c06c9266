"""A pack of prompts is added on the billing page, counts at once, and is dropped again."""

import pytest
from playwright.sync_api import expect

from .people import GOOD_CARD, Visitors, fresh_email, track


@pytest.mark.acts("POST /billing/addons", "POST /billing/change/cancel")
def test_a_pack_is_added_counts_at_once_and_is_dropped_again(visitors: Visitors) -> None:
    ada = visitors.new()
    ada.sign_up(fresh_email("packs"))
    ada.choose_plan("pro")
    ada.pay(GOOD_CARD)
    ada.wait_for_plan("Pro")
    key = ada.create_key()
    ada.go("/billing")
    expect(ada.page.get_by_role("heading", name="Add-ons")).to_be_visible()
    ada.screenshot("billing-addons-light")
    ada.page.get_by_label("How many Extra prompts").fill("2")
    ada.press("Review Extra prompts")
    expect(ada.page.get_by_role("heading", name="2 Extra prompts")).to_be_visible()
    due = ada.page.get_by_role("row", name="Due now").get_by_role("cell").inner_text()
    assert 9.90 <= float(due.removeprefix("$")) <= 10.00
    ada.screenshot("billing-addon-preview-light")
    ada.press("Confirm")
    pack = ada.page.locator("[data-addon=extra_prompts]")
    expect(pack.get_by_text("2", exact=True)).to_be_visible()
    assert track(ada.base, key).json()["limit"] == 70_000
    ada.go("/usage")
    expect(ada.page.get_by_text("50,000 with Pro + 20,000 from 2 Extra prompts")).to_be_visible()
    ada.screenshot("usage-addons-light")
    ada.go("/billing")
    ada.press("Add Priority help")
    ada.press("Confirm")
    ada.page.get_by_label("How many Extra prompts").fill("0")
    ada.press("Review Extra prompts")
    expect(ada.page.get_by_text("Until then you keep what you have.")).to_be_visible()
    ada.press("Confirm")
    expect(ada.page.get_by_text("Add-ons change on")).to_be_visible()
    expect(pack.get_by_text("Ends")).to_be_visible()
    assert track(ada.base, key).json()["limit"] == 70_000, "what is paid for stays until the period ends"
    ada.page.emulate_media(color_scheme="dark")
    ada.screenshot("billing-addons-dark")
    ada.page.set_viewport_size({"width": 360, "height": 780})
    ada.screenshot("billing-addons-narrow")
    ada.press("Keep everything as it is")
    expect(ada.page.get_by_text("Add-ons change on")).to_be_hidden()


def test_nonsense_in_the_form_is_answered_on_the_page(visitors: Visitors) -> None:
    ada = visitors.new(scripts=False)
    ada.sign_up(fresh_email("no-packs"))
    for path, said in (
        ("/billing/addons?addon=extra_prompts&quantity=many", "A whole number of units is needed."),
        ("/billing/addons?addon=magic&quantity=1", "There is no add-on 'magic'."),
        ("/billing/addons?addon=extra_prompts&quantity=1", "Nothing was bought yet"),
    ):
        answer = ada.page.goto(ada.base + path)
        assert answer is not None
        assert 400 <= answer.status < 500
        expect(ada.page.get_by_text(said)).to_be_visible()
