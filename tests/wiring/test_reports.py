"""Browsers tell of pages that broke their policy; nobody who sends nonsense there breaks anything."""

import json

import httpx
import pytest
from prometheus_client import REGISTRY

OLD = {"csp-report": {"document-uri": "https://x.example/login?token=1", "violated-directive": "script-src 'self'"}}
NEW = [{"type": "csp-violation", "body": {"documentURL": "https://x.example/", "effectiveDirective": "img-src"}}]


def counted(directive: str) -> float:
    return REGISTRY.get_sample_value("tollkeeper_policy_violations_total", {"directive": directive}) or 0.0


@pytest.mark.parametrize(
    ("kind", "sent", "directive"),
    [
        ("application/csp-report", OLD, "script-src"),
        ("application/reports+json", NEW, "img-src"),
        ("application/reports+json", [{"body": {"effectiveDirective": "x" * 5000}}], "other"),
    ],
)
async def test_a_report_is_counted(nobody: httpx.AsyncClient, kind: str, sent: object, directive: str) -> None:
    before = counted(directive)
    answer = await nobody.post("/api/csp-reports", content=json.dumps(sent), headers={"Content-Type": kind})
    assert (answer.status_code, answer.content) == (204, b"")
    assert counted(directive) == before + 1


@pytest.mark.parametrize("content", [b"", b"{", b"\xff\xfe", b"[" * 10_000])
async def test_what_is_no_report_is_refused(nobody: httpx.AsyncClient, content: bytes) -> None:
    assert (await nobody.post("/api/csp-reports", content=content)).status_code == 422


@pytest.mark.parametrize("sent", [5, "x", [], [5], {}, {"csp-report": 5}, [{"body": {"documentURL": 5}}]])
async def test_a_report_of_nothing_is_taken(nobody: httpx.AsyncClient, sent: object) -> None:
    assert (await nobody.post("/api/csp-reports", json=sent)).status_code == 204


async def test_many_reports_at_once_are_counted_up_to_a_bound(nobody: httpx.AsyncClient) -> None:
    before = counted("img-src")
    await nobody.post("/api/csp-reports", json=NEW * 500)
    assert counted("img-src") == before + 20


async def test_every_page_says_where_to_report(nobody: httpx.AsyncClient) -> None:
    answer = await nobody.get("/login")
    assert "report-uri /api/csp-reports" in answer.headers["content-security-policy"]
    assert answer.headers["reporting-endpoints"] == 'csp="/api/csp-reports"'
