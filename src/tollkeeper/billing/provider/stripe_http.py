"""How the SDK's requests travel: bounded in time as a whole, and through the circuit."""

import asyncio
import json
from collections.abc import Mapping
from typing import Any

from stripe import HTTPXClient

from .circuit import Circuit
from .model import ProviderUnavailableError

ATTEMPT_SECONDS = 10.0
"""How long one try may take; how long all tries of a call may is the circuit's `timeout`."""
RETRIES = 2
_TOO_MANY, _SERVER_ERROR = 429, 500


class CircuitHttp(HTTPXClient):
    """The SDK's client, handing text to httpx the way httpx wants it; the SDK's own way is deprecated there."""

    def __init__(self, circuit: Circuit) -> None:
        """Opens nothing yet."""
        super().__init__(timeout=min(ATTEMPT_SECONDS, circuit.limits.timeout.total_seconds()))
        self._circuit = circuit

    def _get_request_args_kwargs(self, method: str, url: str, headers: Mapping[str, str], post_data: Any) -> Any:
        args, options = super()._get_request_args_kwargs(method, url, headers, post_data)
        options["content"] = options.pop("data") or None
        return [args, options]

    async def request_with_retries_async(self, *args: Any, **options: Any) -> tuple[Any, int, Any]:
        """Send a request, again where it failed, as the SDK does; never for longer than the circuit allows.

        Raises:
            stripe.APIConnectionError: no connection, or it broke.
            ProviderUnavailableError: no answer came in time, or the provider is not asked for the moment.
        """
        limit = self._circuit.limits.timeout.total_seconds()
        with self._circuit.call() as call:
            try:
                async with asyncio.timeout(limit):
                    answer: tuple[Any, int, Any] = await super().request_with_retries_async(*args, **options)
            except TimeoutError:
                raise ProviderUnavailableError(log=f"no answer within {limit:g} s") from None
            call.failed = _is_outage(answer[1], answer[0])
        return answer


def _is_outage(status: int, body: Any) -> bool:
    """Whether an answer means that the provider cannot be used now; what it refuses, it answered."""
    return status >= _SERVER_ERROR or (status == _TOO_MANY and not _is_lock(body))


def _is_lock(body: Any) -> bool:
    """Whether it is just this one object that somebody else is writing to."""
    try:
        return bool(json.loads(body)["error"]["code"] == "lock_timeout")
    except (ValueError, KeyError, TypeError):
        return False
