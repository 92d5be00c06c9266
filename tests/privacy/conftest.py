"""People on the whole application, and the background work they set off."""

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import httpx
import pytest
from sqlalchemy import text

from tollkeeper.infra import Runtime, run_job
from tollkeeper.notify.jobs import seal_of
from tollkeeper.wiring import every_job

PASSWORD = "correct horse battery"


@dataclass
class Person:
    """Somebody logged in as a program is."""

    client: httpx.AsyncClient
    user_id: UUID
    organization_id: UUID
    email: str

    async def __call__(self, method: str, path: str, body: Any = None, **more: Any) -> httpx.Response:
        return await self.client.request(method, f"/api{path}", json=body, **more)


Join = Callable[..., Awaitable[Person]]
WorkOff = Callable[[], Awaitable[None]]

_NEXT = """
delete from procrastinate_jobs where id = (
    select min(id) from procrastinate_jobs
    where status = 'todo' and queue_name = 'default' and task_name <> 'notify.deliver'
) returning task_name, args
"""


@pytest.fixture
async def join(application: httpx.ASGITransport) -> AsyncIterator[Join]:
    clients = []

    async def register(name: str, **headers: str) -> Person:
        client = httpx.AsyncClient(transport=application, base_url="http://127.0.0.1:8000", headers=headers)
        clients.append(client)
        email = f"{name.lower().replace(' ', '.')}@example.com"
        answer = await client.post("/api/auth/register", json={"email": email, "password": PASSWORD, "name": name})
        assert answer.status_code == 201, answer.text
        made = answer.json()
        client.cookies.clear()
        client.headers["Authorization"] = f"Bearer {made['access_token']}"
        return Person(client, UUID(made["user"]["id"]), UUID(made["organization"]["id"]), email)

    yield register
    for client in clients:
        await client.aclose()


@pytest.fixture
def work_off(runtime: Runtime) -> WorkOff:
    """Does what waits in the background, and what that makes; mails stay to be looked at, and nobody is paid."""
    known = {each.name: each for each in every_job()}

    async def work() -> None:
        while True:
            async with runtime.transaction() as tx:
                row = (await tx.connection.execute(text(_NEXT))).first()
            if row is None:
                return
            await run_job(runtime, known[row.task_name], **row.args)

    return work


async def mails(runtime: Runtime) -> list[dict[str, Any]]:
    """The mails that wait to be sent, in the order they were wanted."""
    async with runtime.transaction() as tx:
        waiting = (
            "select args from procrastinate_jobs where task_name = 'notify.deliver' and status = 'todo' order by id"
        )
        found = (await tx.connection.execute(text(waiting))).scalars()
        opened = [seal_of(runtime).open(each["mail"]) for each in found]
    return [json.loads(each) for each in opened if each is not None]
