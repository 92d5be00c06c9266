"""The port spoken to a verifier: Google's reCAPTCHA v3, or whoever speaks its protocol."""

import httpx

from .model import CaptchaAnswer, CaptchaUnavailableError
from .rules import read_answer

TRIES = 2
TIMEOUT_SECONDS = 3.0


class Recaptcha:
    """Asks `<api>/api/siteverify`. A call takes six seconds at most, its one repetition included."""

    def __init__(self, api: str, secret: str) -> None:
        """`api` is the address the verifier's paths begin with; nothing is opened before the first use."""
        self._url = f"{api}/api/siteverify"
        self._secret = secret
        self._http = httpx.AsyncClient(timeout=TIMEOUT_SECONDS)

    async def verify(self, token: str, address: str) -> CaptchaAnswer:
        """See CaptchaVerifier."""
        sent = {"secret": self._secret, "response": token, "remoteip": address}
        trouble = ""
        for _ in range(TRIES):
            try:
                answer = await self._http.post(self._url, data=sent)
                if answer.is_success:
                    return read_answer(answer.json())
                trouble = f"status {answer.status_code}"
            except (httpx.HTTPError, ValueError) as error:
                trouble = repr(error)
        raise CaptchaUnavailableError(log=f"the verifier does not answer: {trouble}")

    async def close(self) -> None:
        """See CaptchaVerifier."""
        await self._http.aclose()
