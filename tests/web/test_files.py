import gzip
import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from fastapi import FastAPI
from httpx import ASGITransport, AsyncClient

from tollkeeper.web.ui import asset, static_router
from tollkeeper.web.ui.files import DIST, load

ROOT = Path(__file__).parents[2]
WEB = ROOT / "src" / "tollkeeper" / "web"
PUBLIC_PAGE_BUDGET = 60_000
CHART_PAGE_BUDGET = 200_000


@pytest.fixture
async def client() -> AsyncIterator[AsyncClient]:
    app = FastAPI()
    app.include_router(static_router)
    async with AsyncClient(transport=ASGITransport(app), base_url="http://127.0.0.1") as client:
        yield client


def test_the_assets_are_built() -> None:
    assert (DIST / "manifest.json").is_file(), "run `python tools/build_assets.py`"


@pytest.mark.parametrize("name", ["app.css", "app.js", "chart.js"])
async def test_text_is_served_compressed_to_those_who_take_it_and_for_ever(client: AsyncClient, name: str) -> None:
    packed = await client.get(asset(name), headers={"accept-encoding": "gzip"})
    plain = await client.get(asset(name), headers={"accept-encoding": "identity"})
    assert packed.headers["content-encoding"] == "gzip"
    assert "content-encoding" not in plain.headers
    assert packed.content == plain.content
    for answer in (packed, plain):
        assert "immutable" in answer.headers["cache-control"]
        assert answer.headers["vary"] == "accept-encoding"


async def test_a_font_is_served_as_it_is(client: AsyncClient) -> None:
    answer = await client.get(asset("geist-latin-wght-normal.woff2"))
    assert answer.headers["content-type"] == "font/woff2"
    assert "content-encoding" not in answer.headers


@pytest.mark.parametrize("name", ["manifest.json", "icons.json", "app.css", "nothing", "..%2Ffiles.py"])
async def test_nothing_but_built_files_is_served(client: AsyncClient, name: str) -> None:
    assert (await client.get(f"/static/{name}")).status_code == 404


def test_pages_stay_within_their_weight() -> None:
    def weight(*names: str) -> int:
        return sum(len(gzip.compress((DIST / Path(asset(name)).name).read_bytes(), 9)) for name in names)

    assert weight("app.css", "app.js") < PUBLIC_PAGE_BUDGET
    assert weight("app.css", "app.js", "chart.js") < CHART_PAGE_BUDGET


def test_without_a_build_pages_come_without_a_look_instead_of_failing(tmp_path: Path) -> None:
    assert load(tmp_path).addresses == {}


def test_no_template_holds_script_style_or_handlers_of_its_own() -> None:
    pages = list(WEB.rglob("*.html"))
    assert len(pages) > 15
    for path in pages:
        text = path.read_text()
        assert "<style" not in text, path
        assert " style=" not in text, path
        assert "onclick" not in text, path
        assert " hx-on" not in text, path
        # A CAPTCHA's script is its verifier's; everything else is a file of ours.
        named = text.count('<script type="module" src=') + text.count('<script src="{{ captcha.script }}"')
        assert text.count("<script") == named, path


def test_the_lock_file_names_hashes_and_no_addresses() -> None:
    lock = json.loads((ROOT / "package-lock.json").read_text())
    packages = {name: facts for name, facts in lock["packages"].items() if name}
    assert packages
    for name, facts in packages.items():
        assert "resolved" not in facts, name
        assert "integrity" in facts or facts.get("inBundle"), name
