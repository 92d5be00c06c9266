"""Nothing that lets somebody in, and nothing that names a person, reaches a log line."""

import json
import subprocess
import sys
from typing import Any

import pytest

from tollkeeper.infra import redact
from tollkeeper.infra.log import _redact_event

PLANTED = {
    "our key": "tk_live_JWub5bNy4OaKmBDtdB8TSkNilvi5wllC11poXG",
    "an operator's key": "tk_op_JWub5bNy4OaKmBDtdB8TSkNilvi5wllC11poXG",
    "the provider's key": "sk_live_51Hqwerty0123456789",
    "a webhook's secret": "whsec_abcdefghijklmnop",
    "an access token": "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl",
    "a password in an address": "hunter2hunter2",
    "a bearer": "QWxhZGRpbjpvcGVuIHNlc2FtZQ",
    "a person": "ada.lovelace+bills@mail.example.org",
    "a password": "correct horse battery",
    "a code": "493 817",
    "a recovery code": "ABCD-EFGH-1234",
    "a reset link's token": "Zm9vYmFyYmF6cXV4",
    "a card": "4242424242424242",
}
PROGRAM = """
import json, logging, sys
import structlog
from tollkeeper.infra import configure_logging
configure_logging("info", as_json=sys.argv[1] == "json")
planted = json.loads(sys.stdin.read())
log = structlog.get_logger("test")
texts = [planted[name] for name in ("our key", "an operator's key", "the provider's key", "a webhook's secret",
                                    "an access token", "a person")]
for text in texts:
    log.info(f"words around {text} in the event")
    log.info("a field", note=text, listed=[text, {"deep": {"deeper": text}}], raw=text.encode(), pair=(text,))
    logging.getLogger("of.a.library").warning("a library says %s", text)
    try:
        raise ValueError(f"refused: {text}")
    except ValueError as error:
        log.exception("with its trace", error=error)
log.info("named", password=planted["a password"], otp=planted["a code"], recovery_codes=[planted["a recovery code"]],
         body={"card_number": planted["a card"], "new_password": planted["a password"]},
         Cookie="tk_session=" + texts[0],
         headers={"Authorization": "Bearer " + planted["a bearer"]})
log.info("GET /reset?token=" + planted["a reset link's token"] + "&x=1")
log.info("sent Authorization: Bearer " + planted["a bearer"])
log.info("postgresql://tollkeeper:" + planted["a password in an address"] + "@db.internal/tollkeeper is away")
log.info('{"password": "%s"}' % planted["a reset link's token"])
log.info("kept", organization_id="01a1fdd3-efe2-748e-9a89-d4286cae8229", count=3, path="/api/usage", key_id="k1")
"""


@pytest.mark.parametrize("form", ["json", "columns"])
def test_nothing_planted_reaches_a_log(form: str) -> None:
    command = [sys.executable, "-c", PROGRAM, form]
    done = subprocess.run(  # noqa: S603 - our own program
        command, input=json.dumps(PLANTED), capture_output=True, text=True, check=True, timeout=60
    )
    assert [name for name, value in PLANTED.items() if value in done.stderr + done.stdout] == []
    for kept in ("words around", "a library says", "with its trace", "Traceback", "/api/usage", "01a1fdd3-efe2", "k1"):
        assert kept in done.stderr, f"{kept!r} is of use and was taken away"
    assert "db.internal" in done.stderr


@pytest.mark.parametrize(
    "text",
    [
        "GET /api/usage?feature=prompts 200",
        "the token expired",
        "3 keys revoked",
        "state: active, token: expired",
        "01a1fdd3-efe2-748e-9a89-d4286cae8229",
        "counter (prompts, 2026-03) at 17",
    ],
)
def test_what_tells_nothing_stays(text: str) -> None:
    assert redact(text) == text


def test_what_lies_too_deep_is_not_shown() -> None:
    deep: dict[str, Any] = {"a": 1}
    for _ in range(50):
        deep = {"next": deep}
    assert "redacted" in json.dumps(_redact_event(None, "", {"deep": deep}))
