"""Pages on the wire: what is compressed, and that no token looks the same twice."""

import gzip
import re

import httpx
import pytest

from tollkeeper.web.ui.packing import masked, unmasked

from .conftest import Browser

TOKEN = "a-token_of-43-letters-as-urlsafe-base64-has"


def test_a_masked_token_is_another_each_time_and_comes_back_the_same() -> None:
    written = {masked(TOKEN) for _ in range(20)}
    assert len(written) == 20
    assert {unmasked(each) for each in written} == {TOKEN}
    assert not any(TOKEN[:6] in each for each in written)


@pytest.mark.parametrize("sent", ["~", "~zz", "~abc", "~ff00", "~" + "ff" * 8])
def test_nonsense_is_no_token(sent: str) -> None:
    assert unmasked(sent) != TOKEN


def test_a_token_that_was_not_masked_stays_as_it_is() -> None:
    assert unmasked(TOKEN) == TOKEN


async def test_pages_are_compressed_for_whom_takes_it(site: httpx.ASGITransport) -> None:
    async with httpx.AsyncClient(transport=site, base_url="http://127.0.0.1:8000") as client:
        plain = await client.get("/login", headers={"accept-encoding": "identity"})
        async with client.stream("GET", "/login", headers={"accept-encoding": "gzip"}) as answer:
            raw = b"".join([part async for part in answer.aiter_raw()])
    assert "content-encoding" not in plain.headers
    assert answer.headers["content-encoding"] == "gzip"
    assert int(answer.headers["content-length"]) == len(raw) < len(plain.content) / 2
    assert plain.headers["vary"] == answer.headers["vary"] == "accept-encoding"
    assert "<h1" in gzip.decompress(raw).decode()


async def test_every_answer_shows_a_token_of_its_own_that_is_taken(browser: Browser) -> None:
    await browser.sign_up("masks@example.com")
    shown = [(await browser.get("/keys")).text for _ in range(2)]
    tokens = {token for text in shown for token in re.findall(r'name="csrf_token" value="([^"]+)"', text)}
    assert len(tokens) == 2
    for token in tokens:
        answer = await browser.client.post("/keys", data={"csrf_token": token, "name": "a key"})
        assert answer.status_code == 200
