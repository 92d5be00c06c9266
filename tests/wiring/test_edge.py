"""What every answer has, whatever was asked."""

import httpx
import pytest

HEADERS = {
    "content-security-policy",
    "permissions-policy",
    "referrer-policy",
    "x-content-type-options",
    "x-frame-options",
    "x-xss-protection",
    "x-request-id",
    "cache-control",
}


@pytest.mark.parametrize("path", ["/", "/login", "/api/plans", "/api/nope", "/nope", "/health/live", "/api/usage"])
async def test_the_headers_of_safety_are_on_every_answer(nobody: httpx.AsyncClient, path: str) -> None:
    answer = await nobody.get(path)
    assert set(answer.headers) >= HEADERS


@pytest.mark.parametrize("path", ["/", "/pricing", "/api/plans", "/health"])
async def test_head_is_get_without_the_body(nobody: httpx.AsyncClient, path: str) -> None:
    whole, head = await nobody.get(path), await nobody.head(path)
    assert (head.status_code, head.content) == (whole.status_code, b"")
    assert head.headers["content-type"] == whole.headers["content-type"]


async def test_metrics_are_for_this_machine(nobody: httpx.AsyncClient) -> None:
    await nobody.get("/api/plans")
    answer = await nobody.get("/metrics")
    assert answer.status_code == 200
    assert 'tollkeeper_http_request_seconds_count{status="200"}' in answer.text
    refused = await nobody.get("/metrics", headers={"X-Forwarded-For": "10.0.0.1"})
    assert (refused.status_code, refused.json()["code"]) == (403, "metrics_forbidden")
