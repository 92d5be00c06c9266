"""The whole application in the test's own process, on a real database, and a browser without a screen."""

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass

import httpx
import pytest

from tollkeeper.infra import Runtime
from twin_process import TwinProcess

from .shop import Shop, at_twin

PASSWORD = "a toll for every bridge"


@pytest.fixture
def site(application: httpx.ASGITransport) -> httpx.ASGITransport:
    """The application with the demo catalogue, as the server serves it."""
    return application


@dataclass
class Browser:
    """A browser without scripts: keeps cookies, follows redirects, sends the forms it is shown."""

    client: httpx.AsyncClient

    async def get(self, path: str) -> httpx.Response:
        return await self.client.get(path, follow_redirects=True)

    async def send(self, page: str, path: str, **fields: str) -> httpx.Response:
        """Open a page, take the token of its form, and post the fields to `path`."""
        shown = await self.get(page)
        token = re.search(r'name="csrf_token" value="([^"]+)"', shown.text)
        assert token is not None, f"{page} shows no form"
        return await self.client.post(path, data={"csrf_token": token[1], **fields})

    async def sign_up(self, email: str) -> httpx.Response:
        answer = await self.send("/signup", "/signup", name="Ada Lovelace", email=email, password=PASSWORD)
        assert answer.status_code in {303, 409}, answer.text
        return answer

    async def create_key(self, name: str = "server", expires: str = "") -> str:
        answer = await self.send("/keys", "/keys", name=name, expires=expires)
        secret = re.search(r"data-secret>([^<]+)<", answer.text)
        assert secret is not None, answer.text
        return secret[1]


async def until_status(ask: Callable[[], Awaitable[httpx.Response]], status: int) -> httpx.Response:
    """Ask again until the answer has this status: memory is dropped a moment after the commit that changed it."""
    answer = await ask()
    for _ in range(500):
        if answer.status_code == status:
            break
        await asyncio.sleep(0.01)
        answer = await ask()
    assert answer.status_code == status
    return answer


@pytest.fixture(scope="session")
def twin(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TwinProcess]:
    process = TwinProcess(tmp_path_factory.mktemp("twin"))
    yield process
    process.stop()


@pytest.fixture
async def shop(runtime: Runtime, site: httpx.ASGITransport, twin: TwinProcess) -> AsyncIterator[Shop]:
    """The site with a provider that answers; its imitation lives in real time, so the clock must be about that."""
    made = at_twin(runtime, site, twin)
    yield made
    await made.provider.close()


@pytest.fixture
async def browser(site: httpx.ASGITransport) -> AsyncIterator[Browser]:
    async with httpx.AsyncClient(transport=site, base_url="http://127.0.0.1:8000") as client:
        yield Browser(client)


@pytest.fixture
async def other_browser(site: httpx.ASGITransport) -> AsyncIterator[Browser]:
    async with httpx.AsyncClient(transport=site, base_url="http://127.0.0.1:8000") as client:
        yield Browser(client)
