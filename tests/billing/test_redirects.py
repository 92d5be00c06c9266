"""A buyer is sent back to where the caller may send people, and nowhere else."""

import pytest

from tollkeeper.kit import InvalidInputError, return_url

BASE = "https://app.example.com"


def back(text: str | None, *, browser: bool) -> str:
    return return_url(text, field="success_url", default="/back", base=BASE, own_site_only=browser)


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        (None, f"{BASE}/back"),
        ("/thanks?x=1", f"{BASE}/thanks?x=1"),
        (f"{BASE}/thanks", f"{BASE}/thanks"),
        (f"{BASE}/r?session_id={{CHECKOUT_SESSION_ID}}", f"{BASE}/r?session_id={{CHECKOUT_SESSION_ID}}"),
    ],
)
def test_our_own_site_is_always_allowed(text: str | None, wanted: str) -> None:
    assert back(text, browser=True) == back(text, browser=False) == wanted


@pytest.mark.parametrize("text", ["https://shop.example.org/ok", "http://127.0.0.1:3000/ok", f"{BASE}:8443/x"])
def test_other_sites_are_for_callers_with_a_key(text: str) -> None:
    assert back(text, browser=False) == text
    with pytest.raises(InvalidInputError) as caught:
        back(text, browser=True)
    assert caught.value.problems[0].field == "success_url"


@pytest.mark.parametrize(
    "text",
    [
        "javascript:alert(1)",
        "//evil.example.org",
        "/\\evil.example.org",
        "https:evil.example.org",
        "https://user:pw@evil.example.org",
        f"{BASE}@evil.example.org",
        "data:text/html,x",
        "ftp://example.org",
        "https://exa mple.org",
        "https://example.org/\n",
        "https://[::1",
        "https://example.org:99999/",
        "nonsense",
        "",
        "https://example.org/" + "x" * 2000,
    ],
)
@pytest.mark.parametrize("browser", [True, False])
def test_what_is_no_web_address_is_refused(text: str, *, browser: bool) -> None:
    with pytest.raises(InvalidInputError):
        back(text, browser=browser)
