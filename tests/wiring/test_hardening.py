"""What production demands and promises, and what no caller can do."""

import json
import subprocess
import sys

import httpx
import pytest

from tollkeeper.infra import SettingsError, base_headers, load_settings

GOOD = {
    "env": "production",
    "database_url": "postgresql://app:secret@db.example/app",
    "jwt_secret": "a" * 64,
    "jwt_refresh_secret": "b" * 64,
    "stripe_secret_key": "sk_live_1",
    "stripe_webhook_secrets": ["whsec_1"],
    "public_url": "https://app.example.com",
}
LOGS = """
import sys
import structlog
from tollkeeper.infra import configure_logging
configure_logging("info", as_json=sys.argv[1] == "json")
structlog.get_logger("t").info("asked", path="/x\\n2026-01-01 [info] forged", agent="a\\r\\nb\\x1b[2J")
"""


def test_production_promises_https_for_a_year() -> None:
    headers = dict(base_headers(https=True))
    assert headers[b"strict-transport-security"] == b"max-age=31536000; includeSubDomains"
    assert b"strict-transport-security" not in dict(base_headers(https=False))


def refused(**changes: object) -> str:
    with pytest.raises(SettingsError) as error:
        load_settings(**{**GOOD, **changes})
    return str(error.value)


def test_production_wants_an_https_address() -> None:
    assert "TOLLKEEPER_PUBLIC_URL" in refused(public_url="http://app.example.com")


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"jwt_secret": "short"}, "JWT_SECRET"),
        ({"jwt_refresh_secret": "a" * 64}, "JWT_REFRESH_SECRET"),
        ({"stripe_secret_key": "sk_test_1"}, "STRIPE_SECRET_KEY"),
        ({"stripe_api_base": "http://127.0.0.1:1"}, "STRIPE_API_BASE"),
        ({"stripe_webhook_secrets": []}, "STRIPE_WEBHOOK_SECRET"),
        ({"rate_limits": "off"}, "TOLLKEEPER_RATE_LIMITS"),
        ({"cors_origins": ["*"]}, "TOLLKEEPER_CORS_ORIGINS"),
    ],
)
def test_production_refuses_what_is_made_up(change: dict[str, object], named: str) -> None:
    assert named in refused(**change)


@pytest.mark.parametrize("path", ["/", "/api/plans", "/login", "/nothing"])
async def test_trace_is_not_answered(nobody: httpx.AsyncClient, path: str) -> None:
    for method in ("TRACE", "TRACK", "CONNECT", "DEBUG"):
        answer = await nobody.request(method, path, headers={"X-Secret": "planted"})
        assert answer.status_code in {404, 405}
        assert "planted" not in answer.text


@pytest.mark.parametrize("form", ["json", "columns"])
def test_nobody_writes_lines_of_their_own_into_a_log(form: str) -> None:
    done = subprocess.run(  # noqa: S603 - our own program
        [sys.executable, "-c", LOGS, form], capture_output=True, text=True, check=True, timeout=60
    )
    (line,) = done.stderr.strip().split("\n")
    assert "\x1b[2J" not in line
    assert "\r" not in line
    if form == "json":
        assert json.loads(line)["path"].startswith("/x\n")
