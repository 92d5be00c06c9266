"""Calls to Stripe: what is missing is None, what fails is an error of ours."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import stripe
from stripe import StripeObject

from .model import (
    PaymentFailedError,
    ProviderCredentialsError,
    ProviderMissingError,
    ProviderRefusedError,
    ProviderStateError,
    ProviderUnavailableError,
)


async def or_none(call: Any) -> dict[str, Any] | None:
    """Return what the call answers as plain data, or None when Stripe does not know the thing asked for."""
    try:
        found: StripeObject = await call
    except stripe.InvalidRequestError as error:
        if error.http_status == 404 or error.code == "resource_missing":  # noqa: PLR2004 - HTTP's own number
            return None
        raise
    return found.to_dict()


async def expanded(ask: Callable[[list[str]], Any], ways: tuple[list[str], list[str]]) -> dict[str, Any] | None:
    """Return what is asked for with these things expanded, or in the second way where the first is refused."""
    try:
        return await or_none(ask(ways[0]))
    except stripe.InvalidRequestError as error:
        if error.param != "expand":
            raise
        return await or_none(ask(ways[1]))


@contextmanager
def errors() -> Iterator[None]:
    """Turn Stripe's failures into ours; its words go to the log, to the caller only where meant for them."""
    try:
        yield
    except stripe.StripeError as error:
        raise _as_ours(error) from error


def _as_ours(error: stripe.StripeError) -> Exception:
    said = f"{type(error).__name__}: {error.user_message} (request {error.request_id})"
    if isinstance(error, stripe.APIConnectionError | stripe.APIError | stripe.RateLimitError):
        return ProviderUnavailableError(log=said)
    if isinstance(error, stripe.AuthenticationError | stripe.PermissionError):
        return ProviderCredentialsError(log=said)
    if isinstance(error, stripe.CardError):
        return PaymentFailedError(error.user_message, log=said)
    if isinstance(error, stripe.InvalidRequestError) and error.code == "resource_missing":
        return ProviderMissingError(param=error.param, log=said)
    if isinstance(error, stripe.IdempotencyError):
        return ProviderStateError(log=said)
    return ProviderRefusedError(log=said)
