"""What pages need to ask the browser for a passkey."""

import json
from typing import Any

from fastapi import Request

from tollkeeper.identity import (
    InvalidPasskeyError,
    PasskeysUnavailableError,
    passkey_request_options,
)
from tollkeeper.infra import runtime_of
from tollkeeper.orgs import party_of


def passkey_question(request: Request) -> str:
    """Return what a form gives the browser to ask for a passkey, as JSON; empty where passkeys are impossible."""
    try:
        return json.dumps(passkey_request_options(runtime_of(request), party_of(request)))
    except PasskeysUnavailableError:
        return ""


def passkey_answer(fields: dict[str, str]) -> dict[str, Any]:
    """Return what the browser put into the form.

    Raises:
        InvalidPasskeyError: it is no JSON object.
    """
    try:
        answer = json.loads(fields.get("credential", ""))
    except (ValueError, RecursionError):
        answer = None
    if not isinstance(answer, dict):
        raise InvalidPasskeyError(log="the form holds no answer of a browser")
    return answer
