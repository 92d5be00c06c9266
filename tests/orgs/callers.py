"""Callers of the API, and the first thing they do."""

import json
from dataclasses import dataclass
from typing import Any

import httpx

PASSWORD = "correct horse battery"


@dataclass
class Caller:
    """Somebody who sends requests, with one credential or none."""

    http: httpx.AsyncClient
    bearer: str = ""

    async def __call__(self, method: str, path: str, body: Any = None, **headers: str) -> httpx.Response:
        if self.bearer:
            headers["Authorization"] = f"Bearer {self.bearer}"
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        content = None if body is None else json.dumps(body)  # escapes what httpx would refuse to send
        if content is not None:
            sent.setdefault("Content-Type", "application/json")
        return await self.http.request(method, f"/api{path}", content=content, headers=sent)


async def register(caller: Caller, email: str = "ada@example.com", **more: str) -> dict[str, Any]:
    answer = await caller("POST", "/auth/register", {"email": email, "password": PASSWORD, **more})
    assert answer.status_code == 201, answer.text
    body: dict[str, Any] = answer.json()
    return body


def problem(answer: httpx.Response) -> tuple[int, str]:
    assert answer.headers["content-type"] == "application/problem+json"
    return answer.status_code, answer.json()["code"]
