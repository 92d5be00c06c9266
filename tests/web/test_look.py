"""The look: tokens that pages and mails share, the operator's accent and sign, the page of components, toasts."""

import math
import re
from datetime import timedelta
from pathlib import Path

import pytest

from tollkeeper.infra import Environment, Palette, Runtime, Seal, SettingsError, brand_of, load_settings
from tollkeeper.infra.brand import DARK, LIGHT
from tollkeeper.kit import READABLE, Colour, FixedClock
from tollkeeper.web.ui import files
from tollkeeper.web.ui.render import WEB

from .conftest import Browser

SIGN = b"<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 1 1'><script>alert(1)</script></svg>"
STYLES = (WEB / "ui" / "assets" / "app.css").read_text()


def tokens(theme: str) -> dict[str, Colour]:
    """The colours of a theme as the stylesheet has them."""
    block = re.search(rf'name: "{theme}";(.*?)\n}}', STYLES, re.DOTALL)
    assert block is not None
    found = re.findall(r"--(?:color-)?([\w-]+): oklch\(([\d.]+) ([\d.]+) ([\d.]+)\)", block[1])
    return {name: Colour.oklch(*map(float, parts)) for name, *parts in found}


def mixed(one: Colour, other: Colour, part: float) -> Colour:
    """As CSS mixes in oklab."""
    (l1, c1, h1), (l2, c2, h2) = one.as_oklch(), other.as_oklch()
    a = part * c1 * math.cos(math.radians(h1)) + (1 - part) * c2 * math.cos(math.radians(h2))
    b = part * c1 * math.sin(math.radians(h1)) + (1 - part) * c2 * math.sin(math.radians(h2))
    return Colour.oklch(part * l1 + (1 - part) * l2, math.hypot(a, b), math.degrees(math.atan2(b, a)) % 360)


def is_near(one: str, other: Colour) -> bool:
    mine = Colour.parse(one)
    return max(abs(mine.red - other.red), abs(mine.green - other.green), abs(mine.blue - other.blue)) < 0.012


@pytest.mark.parametrize(("theme", "palette"), [("light", LIGHT), ("dark", DARK)])
def test_mails_have_the_colours_of_pages(theme: str, palette: Palette) -> None:
    own = tokens(theme)
    shared = {
        palette.page: own["base-200"],
        palette.surface: own["base-100"],
        palette.line: own["base-300"],
        palette.text: own["base-content"],
        palette.muted: mixed(own["base-content"], own["base-100"], 0.7),
        palette.accent: own["primary"],
        palette.on_accent: own["primary-content"],
        palette.tint: own["tint-info"],
    }
    assert [mail for mail, page in shared.items() if not is_near(mail, page)] == []


def unreadable(palette: Palette) -> list[tuple[str, str]]:
    grounds = [palette.page, palette.surface, palette.tint]
    pairs = [(ink, ground) for ink in (palette.text, palette.muted, palette.accent) for ground in grounds]
    pairs.append((palette.on_accent, palette.accent))
    return [pair for pair in pairs if Colour.parse(pair[0]).contrast(Colour.parse(pair[1])) < READABLE]


@pytest.mark.parametrize("accent", ["", "#7c3aed", "#2563eb", "#000000", "#b91c1c", "#0f766e", "#92400e", "#717171"])
def test_whatever_accent_is_taken_can_be_read_light_and_dark(accent: str) -> None:
    brand = brand_of(load_settings(brand_accent=accent))
    assert unreadable(brand.light) + unreadable(brand.dark) == []
    assert brand.light.accent == (accent or LIGHT.accent)


def test_an_accent_nobody_can_read_is_refused_with_one_that_can() -> None:
    with pytest.raises(SettingsError) as refused:
        load_settings(brand_accent="#ff8800")
    (problem,) = refused.value.problems
    assert problem.startswith("TOLLKEEPER_BRAND_ACCENT: #ff8800 cannot be read on white (contrast 2.4, 4.5 is needed)")
    nearest = re.search(r"#\w{6}\.$", problem)
    assert nearest is not None
    assert load_settings(brand_accent=nearest[0][:-1]).brand_accent


@pytest.mark.parametrize(("name", "size"), [("sign.gif", 10), ("gone.png", None), ("big.png", 100_001)])
def test_a_sign_that_cannot_be_shown_is_refused(tmp_path: Path, name: str, size: int | None) -> None:
    sign = tmp_path / name
    if size is not None:
        sign.write_bytes(b"x" * size)
    with pytest.raises(SettingsError, match="TOLLKEEPER_BRAND_LOGO"):
        load_settings(brand_logo=sign)


def dressed(runtime: Runtime, tmp_path: Path) -> None:
    sign = tmp_path / "sign.svg"
    sign.write_bytes(SIGN)
    look = {"brand_name": "Ferry & Co", "brand_accent": "#7c3aed", "brand_logo": sign}
    runtime.settings = runtime.settings.model_copy(update=look)


async def test_pages_wear_the_operators_name_accent_and_sign(
    runtime: Runtime, browser: Browser, tmp_path: Path
) -> None:
    dressed(runtime, tmp_path)
    shown = await browser.get("/pricing")
    assert "· Ferry &amp; Co</title>" in shown.text
    addresses = re.findall(r'"(/brand/[^"]+)"', shown.text)
    style, sign = (next(each for each in addresses if each.endswith(end)) for end in (".css", ".svg"))
    css = await browser.get(style)
    assert css.headers["content-type"].startswith("text/css")
    assert "immutable" in css.headers["cache-control"]
    assert "--color-primary:#7c3aed" in css.text
    assert "[data-theme=dark]{--color-primary:#" in css.text
    drawn = await browser.get(sign)
    assert drawn.content == SIGN
    assert "sandbox" in drawn.headers["content-security-policy"]
    assert "script-src" not in drawn.headers["content-security-policy"]


async def test_without_settings_nothing_of_a_brand_is_asked_for(browser: Browser) -> None:
    shown = await browser.get("/pricing")
    assert "/brand/" not in shown.text
    for name in ("accent-0.css", "logo-0.svg", "%2e%2e%2fapp.css"):
        assert (await browser.get(f"/brand/{name}")).status_code == 404


async def test_every_component_is_shown_and_its_table_stands_in_the_address(browser: Browser) -> None:
    shown = await browser.get("/ui")
    assert shown.status_code == 200
    assert shown.text.count("<tr>") == 5 + 14 + 1  # four customers, fourteen days, and the heads
    assert 'aria-sort="descending"' in shown.text
    further = re.search(r'href="(/ui\?cursor=4)"[^>]*rel="next"', shown.text)
    assert further is not None
    assert "Ferry Crossing" in (await browser.get(further[1])).text
    narrowed = (await browser.get("/ui?state=owes&sort=-name")).text
    assert "Harbour &amp; Sons" in narrowed
    assert "Northwind" not in narrowed
    assert '<input type="hidden" name="sort" value="-name">' in narrowed
    assert "Nobody was found" in (await browser.get("/ui?q=<script>")).text
    assert "<script>&#34;" not in narrowed


def test_every_icon_that_the_components_name_was_built() -> None:
    pages = "".join(each.read_text() for each in (WEB / "ui" / "templates").glob("*.html"))
    named = set(re.findall(r'icon\("([\w-]+)"', pages))
    assert named - set(files.built().icons) == set()


async def test_in_production_the_components_are_for_staff(runtime: Runtime, browser: Browser) -> None:
    await browser.sign_up("ada@example.com")
    runtime.settings = runtime.settings.model_copy(update={"env": Environment.PRODUCTION})
    assert (await browser.get("/ui")).status_code == 403
    browser.client.cookies.clear()
    assert (await browser.client.get("/ui")).headers["location"] == "/login?next=%2Fui"


async def test_a_toast_is_said_once(browser: Browser) -> None:
    said = await browser.send("/ui", "/ui", tone="warn")
    assert (said.status_code, said.headers["location"]) == (303, "/ui")
    assert said.headers["set-cookie"].endswith("HttpOnly; Max-Age=60; Path=/; SameSite=lax")
    assert 'data-toast="warn"' in (await browser.get("/ui")).text
    assert "data-toast=" not in (await browser.get("/ui")).text


async def test_a_toast_is_not_for_parts_of_pages_nor_for_later(clock: FixedClock, browser: Browser) -> None:
    await browser.send("/ui", "/ui", tone="good")
    part = await browser.client.get("/ui", headers={"hx-request": "true"})
    assert "data-toast=" not in part.text
    clock.advance(timedelta(seconds=61))
    assert "data-toast=" not in (await browser.get("/ui")).text


@pytest.mark.parametrize("made_up", ["x", "e30.e30.e30.e30.e30"])
async def test_nobody_else_can_have_something_said(browser: Browser, made_up: str) -> None:
    shown = await browser.client.get("/ui", headers={"Cookie": f"tk_toast={made_up}"})
    assert shown.status_code == 200
    assert "data-toast=" not in shown.text


async def test_what_another_seal_closed_is_not_said(browser: Browser) -> None:
    kept = Seal("k" * 64, "toast").close(b'{"text": "hello", "tone": "good"}')
    shown = await browser.client.get("/ui", headers={"Cookie": f"tk_toast={kept}"})
    assert "data-toast=" not in shown.text
