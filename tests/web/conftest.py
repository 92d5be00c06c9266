"""The whole application in the test's own process, on a real database, and a browser without a screen."""

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass
from html import unescape

import httpx
import pytest

from tollkeeper.identity.staff import StaffRole, find_person, set_staff
from tollkeeper.infra import Runtime
from twin_process import TwinProcess

from .shop import Shop, at_twin

PASSWORD = "a toll for every bridge"
HIDDEN = re.compile(r'<input type="hidden" name="([^"]+)" value="([^"]*)"')


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

    async def answer(self, shown: httpx.Response, path: str, **fields: str) -> httpx.Response:
        """Send the form of a page that is shown to `path`, with what it holds hidden and the fields typed."""
        held = {name: unescape(value) for name, value in HIDDEN.findall(shown.text)}
        return await self.client.post(path, data={**held, **fields})

    async def resend(self, refused: httpx.Response, **fields: str) -> httpx.Response:
        """Send a form on to where its answer told, as it was."""
        assert refused.status_code == 307, refused.text
        shown = await self.get("/profile")
        return await self.answer(shown, refused.headers["location"], **fields)

    async def sign_up(self, email: str) -> httpx.Response:
        answer = await self.send("/signup", "/signup", name="Ada Lovelace", email=email, password=PASSWORD)
        assert answer.status_code in {303, 409}, answer.text
        return answer

    async def log_in(self, email: str) -> None:
        answer = await self.send("/login", "/login", email=email, password=PASSWORD)
        assert answer.status_code == 303, answer.text

    async def create_key(self, name: str = "server", expires: str = "") -> str:
        answer = await self.send("/keys", "/keys", name=name, expires=expires)
        secret = re.search(r"data-secret>([^<]+)<", answer.text)
        assert secret is not None, answer.text
        return secret[1]


Employ = Callable[[StaffRole], Awaitable[Browser]]


def employing(browser: Browser, runtime: Runtime, email: str) -> Employ:
    """What makes whoever has this browser one of the staff."""

    async def employed(role: StaffRole) -> Browser:
        await browser.sign_up(email)
        async with runtime.transaction() as tx:
            await set_staff(tx, await find_person(tx, email), role)
        return browser

    return employed


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


@pytest.fixture(scope="module")
def twin(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TwinProcess]:
    """One for each file: what one file does there, moving its clock too, would meet whichever file comes next."""
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
