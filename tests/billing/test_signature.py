"""Only what the provider signed, with a secret of ours, at about now, is taken."""

from datetime import UTC, datetime

import pytest
from stripe import WebhookSignature

from tollkeeper.billing.provider import (
    WebhookFutureError,
    WebhookSecrets,
    WebhookSignatureError,
    WebhookStaleError,
    WebhookUnsignedError,
    verify,
)

NOW = datetime(2026, 3, 10, 12, 0, 0, 900_000, tzinfo=UTC)
BODY = '{"id": "evt_1", "object": "event", "name": "Zoë"}'
OLD, NEW = "whsec_old", "whsec_new"


def signed(*, secret: str = NEW, seconds: int = 0, body: str = BODY) -> str:
    return str(WebhookSignature.generate_signature_header(body, secret, int(NOW.timestamp()) + seconds))


@pytest.mark.parametrize("seconds", [0, -299, -300, 299, 300])
def test_a_signature_of_about_now_is_taken(seconds: int) -> None:
    verify(BODY.encode(), signed(seconds=seconds), [NEW], NOW)


@pytest.mark.parametrize(
    ("seconds", "refusal"),
    [(-301, WebhookStaleError), (-86_400, WebhookStaleError), (301, WebhookFutureError), (3_600, WebhookFutureError)],
)
def test_a_signature_of_another_time_is_refused(seconds: int, refusal: type[WebhookSignatureError]) -> None:
    with pytest.raises(refusal):
        verify(BODY.encode(), signed(seconds=seconds), [NEW], NOW)


def test_either_of_two_secrets_will_do_while_one_is_rolled() -> None:
    for secret in (OLD, NEW):
        verify(BODY.encode(), signed(secret=secret), [OLD, NEW], NOW)
    both = signed(secret="whsec_other") + "," + signed(secret=NEW).split(",")[1]
    verify(BODY.encode(), both, [OLD, NEW], NOW)


@pytest.mark.parametrize(
    "header",
    [
        "nonsense",
        "t=,v1=",
        "t=abc,v1=00",
        f"t={int(NOW.timestamp())}",
        f"t={int(NOW.timestamp())},v0=00",
        f"t={int(NOW.timestamp())},v1=é",
        "v1=00",
        ",",
        "=",
        signed().replace("v1=", "v0="),
        signed(secret="whsec_guessed"),
        signed(body=BODY + " "),
        signed().replace(f"t={int(NOW.timestamp())}", f"t={int(NOW.timestamp()) + 1}"),
    ],
)
def test_a_forged_signature_is_refused(header: str) -> None:
    with pytest.raises(WebhookSignatureError) as caught:
        verify(BODY.encode(), header, [OLD, NEW], NOW)
    assert caught.value.code == "webhook_signature_invalid"


@pytest.mark.parametrize("header", [None, "", "x" * 5000])
def test_an_unsigned_body_is_refused(header: str | None) -> None:
    with pytest.raises(WebhookUnsignedError):
        verify(BODY.encode(), header, [NEW], NOW)


@pytest.mark.parametrize("secrets", [[], [""], ["  "]])
def test_without_a_secret_nothing_is_taken(secrets: list[str]) -> None:
    header = WebhookSignature.generate_signature_header(BODY, secrets[0] if secrets else "", int(NOW.timestamp()))
    with pytest.raises(WebhookSignatureError):
        verify(BODY.encode(), header, secrets, NOW)


def test_a_body_that_is_no_text_is_refused() -> None:
    with pytest.raises(WebhookSignatureError):
        verify(b"\xff\xfe", signed(), [NEW], NOW)


def test_an_old_time_cannot_be_hidden_behind_a_second_one() -> None:
    stale = signed(seconds=-4000)
    with pytest.raises(WebhookStaleError):
        verify(BODY.encode(), f"{stale},t={int(NOW.timestamp())}", [NEW], NOW)
    with pytest.raises(WebhookSignatureError):
        verify(BODY.encode(), f"t={int(NOW.timestamp())},{stale}", [NEW], NOW)


def test_empty_secrets_are_never_in_force() -> None:
    assert WebhookSecrets(["", NEW]).current == (NEW,)
