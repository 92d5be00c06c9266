"""What both kinds of middleware decide in the same way: who may pass, what is metered, what the answers say."""

import math
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from .model import ApiError, Balance, Plan, QuotaExceeded, Verification

WINDOW_SECONDS = 60.0
RATES_SECONDS = 60.0
_WINDOWS = 100_000
_PROBLEM_TYPE = "application/problem+json"

Headers = list[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Incoming:
    """A request as rules see it. Header names are in lower case."""

    method: str
    path: str
    headers: Mapping[str, str]

    @property
    def key(self) -> str | None:
        """The API key it brings: `Authorization: Bearer`, or else `X-API-Key`."""
        scheme, _, credential = self.headers.get("authorization", "").partition(" ")
        if scheme.lower() == "bearer" and credential.strip():
            return credential.strip()
        return self.headers.get("x-api-key", "").strip() or None


@dataclass(slots=True)
class Caller:
    """Who calls, for the application: `scope["state"]["tollkeeper"]`, or `environ["tollkeeper"]`.

    With `count="success"` the application may set `quantity` to what the call really used, before its answer starts;
    0 counts nothing.
    """

    organization: str
    plan: str | None
    key_id: str | None
    permissions: tuple[str, ...]
    feature: str | None
    quantity: int
    balance: Balance | None = None
    """Where the feature stands after this call; None: not metered, or not yet."""


FeatureOf = str | Mapping[str, str] | Callable[[Incoming], str | None] | None
QuantityOf = int | Callable[[Incoming], int]


@dataclass(frozen=True, slots=True)
class Rules:
    """What is metered, and how.

    `feature`: its key; or by route (`{"POST /chat": "prompts", "/v1/": "calls"}`: the longest prefix of the path that
    matches decides); or a function. None: the key is verified, nothing is counted.
    `count`: `all` counts before the application is called; `success` when its answer starts with a status below 400,
    so that errors and exceptions cost nothing. Either way nothing is delivered past a hard limit.
    `public`: prefixes of paths that need no key. `rate_group`: which of the plan's rates limits the calls a minute, in
    each process by itself; None: none does.
    """

    feature: FeatureOf = None
    quantity: QuantityOf = 1
    count: str = "all"
    public: tuple[str, ...] = ()
    rate_group: str | None = "api"
    websockets: str = "refuse"

    def __post_init__(self) -> None:
        if self.count not in {"all", "success"}:
            raise ValueError("count is `all` or `success`")
        if self.websockets not in {"refuse", "pass"}:
            raise ValueError("websockets is `refuse` or `pass`")

    def is_public(self, path: str) -> bool:
        """Whether the path needs no key; `/docs` covers `/docs` and `/docs/...`, not `/docsearch`."""
        return any(_covers(prefix, path) for prefix in self.public)

    def metered(self, incoming: Incoming) -> tuple[str | None, int]:
        """Return the feature this request uses, and how much of it."""
        feature = self.feature
        if isinstance(feature, Mapping):
            feature = _by_route(feature, incoming)
        elif callable(feature):
            feature = feature(incoming)
        quantity = self.quantity(incoming) if callable(self.quantity) else self.quantity
        return feature, quantity


def _covers(prefix: str, path: str) -> bool:
    return path == prefix or path.startswith(prefix if prefix.endswith("/") else f"{prefix}/")


def _by_route(routes: Mapping[str, str], incoming: Incoming) -> str | None:
    found: tuple[int, str] | None = None
    for route, feature in routes.items():
        method, _, path = route.rpartition(" ")
        if method in ("", incoming.method) and _covers(path, incoming.path):
            weight = 2 * len(path) + bool(method)
            if found is None or weight > found[0]:
                found = (weight, feature)
    return found[1] if found else None


@dataclass(frozen=True, slots=True)
class Refusal:
    """An answer in place of the application's."""

    status: int
    headers: Headers
    body: bytes

    @property
    def line(self) -> str:
        """The status as WSGI wants it."""
        return f"{self.status} {_TITLES.get(self.status, 'Refused')}"


_TITLES = {
    401: "Unauthorized",
    402: "Payment Required",
    403: "Forbidden",
    429: "Too Many Requests",
    500: "Internal Server Error",
    503: "Service Unavailable",
}


def refusal(status: int, code: str, detail: str, headers: Iterable[tuple[str, str]] = (), **more: Any) -> Refusal:
    """Return a problem document (RFC 9457) as an answer."""
    document: dict[str, Any] = {
        "type": "about:blank",
        "title": _TITLES[status],
        "status": status,
        "detail": detail,
        "code": code,
    }
    body = msgspec.json.encode(document | more)
    own = [("content-type", _PROBLEM_TYPE), ("content-length", str(len(body))), ("cache-control", "no-store")]
    return Refusal(status, [*own, *headers], body)


def no_key() -> Refusal:
    """Nobody said who calls."""
    detail = "Send an API key: Authorization: Bearer KEY, or X-API-Key: KEY."
    return refusal(401, "unauthenticated", detail, [("www-authenticate", "Bearer")])


def refused_by(found: Verification) -> Refusal | None:
    """Return the answer to a key that may not pass; None: it may."""
    if found.code == "quota_exceeded":
        offer = msgspec.to_builtins(found.upgrade)
        detail = "The limit of this period is reached."
        return refusal(402, found.code, detail, quota_headers(found.usage), upgrade=offer)
    if not found.valid:
        challenge = [("www-authenticate", 'Bearer error="invalid_token"')]
        return refusal(401, "invalid_credential", "The API key is not valid.", challenge, reason=found.code)
    if found.organization is None:
        return refusal(403, "forbidden", "This key belongs to no customer.")
    return None


def quota_refusal(error: QuotaExceeded, known: Balance | None) -> Refusal:
    """A hard limit would be passed. `known`: where the feature stood, for the headers."""
    names = ("used", "limit", "remaining", "reset_at")
    told: dict[str, Any] = {name: error.problem[name] for name in names if name in error.problem}
    standing = {"feature": "", **told}
    balance = msgspec.convert(standing, Balance) if told else known
    return refusal(402, error.code, error.detail, quota_headers(balance), upgrade=error.problem.get("upgrade"), **told)


def fault(error: ApiError) -> Refusal:
    """Tollkeeper refused for a reason that is not the caller's: the application's own set-up, or an outage."""
    if error.status == 429:  # noqa: PLR2004 - too many calls of ours
        return refusal(503, "unavailable", "Usage cannot be recorded now.", [("retry-after", "1")])
    if error.status in range(400, 500):
        return refusal(500, "metering_misconfigured", f"Usage could not be recorded: {error.code}.")
    return refusal(503, "unavailable", "Usage cannot be recorded now.", [("retry-after", "5")])


def quota_headers(balance: Balance | None) -> Headers:
    """Where the feature stands; nothing when that is not known."""
    if balance is None:
        return []
    if balance.degraded:
        return [("x-quota-degraded", "true")]
    headers = []
    for name, value in (("limit", balance.limit), ("used", balance.used), ("remaining", balance.remaining)):
        if value is not None:
            headers.append((f"x-quota-{name}", str(value)))
    if balance.reset_at is not None:
        headers.append(("x-quota-reset", str(int(balance.reset_at.timestamp()))))
    return headers


class RateLimits:
    """Calls a minute by organization, in this process: a sliding window made of the present and the last minute.

    The rates are those of the plans on sale; a plan that is not among them is not limited here.
    """

    def __init__(self, group: str | None) -> None:
        self._group = group
        self._rates: dict[str, int | None] = {}
        self._rates_at = -math.inf
        self._lock = threading.Lock()
        self._windows: OrderedDict[str, tuple[int, int, int]] = OrderedDict()

    def are_due(self) -> bool:
        """Whether the plans should be read (again); at most one caller is told so at a time."""
        with self._lock:
            now = time.monotonic()
            due = self._group is not None and now - self._rates_at >= RATES_SECONDS
            if due:
                self._rates_at = now
        return due

    def learn(self, plans: Iterable[Plan]) -> None:
        """Take the rates of the plans."""
        self._rates = {plan.key: plan.rates.get(self._group or "") for plan in plans}

    def hit(self, organization: str, plan: str | None) -> tuple[bool, Headers]:
        """Count a call; return whether it may pass, and the headers that tell where its caller stands."""
        limit = self._rates.get(plan or "")
        if self._group is None or limit is None:
            return True, []
        now = time.time()
        minute, into = divmod(now, WINDOW_SECONDS)
        with self._lock:
            start, present, last = self._windows.get(organization, (int(minute), 0, 0))
            if start != int(minute):
                present, last = 0, present if start == int(minute) - 1 else 0
            weighed = present + last * (1 - into / WINDOW_SECONDS)
            allowed = weighed + 1 <= limit
            present += allowed
            self._windows[organization] = (int(minute), present, last)
            self._windows.move_to_end(organization)
            while len(self._windows) > _WINDOWS:
                self._windows.popitem(last=False)
        remaining = max(0, math.floor(limit - weighed - allowed))
        reset = max(1, math.ceil(WINDOW_SECONDS - into))
        headers = [
            ("ratelimit-policy", f'"default";q={limit};w={int(WINDOW_SECONDS)}'),
            ("ratelimit", f'"default";r={remaining};t={reset}'),
        ]
        return allowed, headers


def too_many(headers: Headers) -> Refusal:
    """Too many calls within the last minute."""
    reset = headers[-1][1].rpartition("t=")[2]
    detail = f"Too many calls a minute; try again in {reset} s."
    return refusal(429, "rate_limited", detail, [*headers, ("retry-after", reset)])
