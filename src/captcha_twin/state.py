"""What the twin knows: how it judges now, and the tokens it gave out."""

import secrets
import time
from dataclasses import dataclass, field
from typing import Literal

TOKEN_SECONDS = 120
"""A token is good for two minutes, as the real one's are."""
KEPT = 10_000
TOKEN_LENGTH = 64

Trouble = Literal["none", "error", "nonsense"]


@dataclass
class Behaviour:
    """How it judges: `score` is what new tokens get.

    `trouble` is how calls to verify go wrong, with status 500 or with something that is no JSON; for `times` calls,
    -1 for all.
    """

    score: float = 0.9
    trouble: Trouble = "none"
    times: int = -1

    def next_trouble(self) -> Trouble:
        """Return how this call goes wrong, and count it."""
        if self.trouble == "none" or self.times == 0:
            return "none"
        self.times = max(self.times - 1, -1)
        return self.trouble


@dataclass
class Token:
    """A token as it was given out; `made_at` in seconds of the machine's clock."""

    action: str
    score: float
    hostname: str
    made_at: float


@dataclass
class State:
    """One twin."""

    site_key: str
    secret: str
    behaviour: Behaviour = field(default_factory=Behaviour)
    _tokens: dict[str, Token] = field(default_factory=dict)

    def give_out(self, action: str, hostname: str, *, score: float | None = None, age: float = 0) -> str:
        """Make a token; `age` is how many seconds ago it pretends to be made."""
        while len(self._tokens) >= KEPT:
            self._tokens.pop(next(iter(self._tokens)))
        name = secrets.token_urlsafe(TOKEN_LENGTH * 3 // 4)
        judged = self.behaviour.score if score is None else score
        self._tokens[name] = Token(action, judged, hostname, time.time() - age)
        return name

    def take(self, name: str) -> Token | None:
        """Return the token and forget it: each is judged once. None when there is none, or it is too old."""
        token = self._tokens.pop(name, None)
        return token if token is not None and time.time() - token.made_at < TOKEN_SECONDS else None
