"""`make screenshots`: a picture of each page, light, dark and narrow, in `build/screenshots`; the best for the README.

The pages are those that links lead to, held against the list of all pages, so that none is forgotten.
"""

import argparse
import shutil
import sys
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, ViewportSize, sync_playwright
from tools.album import Sight, album, cookies_of, missing
from tools.shown import Shown, running

from browser.conftest import CHROMIUM, CHROMIUM_ARGS

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / "build" / "screenshots"
IMAGES = ROOT / "docs" / "images"
LOOKS = ("light", "dark", "narrow")
WINDOW: ViewportSize = {"width": 1280, "height": 800}
PHONE: ViewportSize = {"width": 360, "height": 780}
COLOURS = 256
BEST = (
    *("home-light", "pricing-light", "dashboard-light", "dashboard-dark", "usage-light", "keys-light"),
    *("admin-light", "admin-organization-light", "admin-dunning-light"),
)
"""Shown in the README; of these only what fits a window is kept, not the whole page."""


def taken(browser: Browser, shown: Shown, look: str, sights: list[Sight]) -> list[str]:
    """Take the pictures of one look; returns which pages stick out of the window."""
    complaints: list[str] = []
    context = browser.new_context(
        viewport=PHONE if look == "narrow" else WINDOW,
        color_scheme="dark" if look == "dark" else "light",
        reduced_motion="reduce",
        locale="en-GB",
        timezone_id="UTC",
        device_scale_factor=1,
    )
    page = context.new_page()
    for sight in sights:
        context.clear_cookies()
        context.add_cookies(cookies_of(shown.cookies[sight.who], shown.url))
        picture = f"{sight.name}-{look}"
        page.goto(shown.url + sight.path, wait_until="load")
        page.wait_for_timeout(300)  # charts are drawn and fonts are there
        page.screenshot(path=FOLDER / f"{picture}.png", full_page=True)
        if picture in BEST:
            page.screenshot(path=IMAGES / f"{picture}.png")
            made_small(IMAGES / f"{picture}.png")
        if page.evaluate("document.documentElement.scrollWidth > innerWidth"):
            complaints.append(f"{picture}: wider than the window")
    context.close()
    return complaints


def made_small(path: Path) -> None:
    """Keep a picture with as many colours as pages have, not with all there are: a third of the size."""
    with Image.open(path) as picture:
        few = picture.convert("RGB").quantize(COLOURS, dither=Image.Dither.NONE)
    few.save(path, optimize=True)


def main() -> int:
    """Take every picture; returns 1 when a page sticks out of its window or has no picture."""
    options = argparse.ArgumentParser(prog="make screenshots")
    options.add_argument("only", nargs="*", help="names of pages, as their pictures are called; all when none is given")
    only = set(options.parse_args().only)
    if not only:
        shutil.rmtree(FOLDER, ignore_errors=True)
    FOLDER.mkdir(parents=True, exist_ok=True)
    with running() as shown, sync_playwright() as playwright:
        every = album(shown)
        sights = [sight for sight in every if not only or sight.name in only]
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=[*CHROMIUM_ARGS, "--lang=en-GB"])
        complaints = [f"no picture of {call}" for call in missing(every)]
        complaints += [each for look in LOOKS for each in taken(browser, shown, look, sights)]
        browser.close()
    print(f"{len(sights)} pages in {len(LOOKS)} looks: {FOLDER.relative_to(ROOT)}")
    print("\n".join(complaints))
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main())
