"""Against which limits a call counts: those of its plan, its key, its address and its group of routes."""

from functools import lru_cache
from ipaddress import IPv6Address, ip_address

from tollkeeper.infra import Rate, Rates, Settings
from tollkeeper.kit import Actor, ActorKind

from .model import Access

API = "api"
AUTH = "auth"
CHAT = "chat"
KEY = "api_key"
"""In a plan's rates: calls a minute with any one key."""
_CHAT_PATH = "/api/chat"
_AUTH_PATHS = frozenset(
    {
        *("/api/auth/login", "/api/auth/register", "/api/auth/passkey", "/api/auth/passkey/options"),
        *("/api/auth/verify/resend", "/api/auth/password/forgot", "/api/auth/password/reset", "/api/auth/password"),
        *("/api/auth/password/strength", "/verify/resend", "/password/forgot", "/password/reset"),
        *("/api/auth/step-up", "/login", "/login/second", "/login/passkey", "/login/sso", "/signup", "/step-up"),
        *("/api/auth/verify", "/verify", "/api/auth/refresh"),
        *("/api/invitations/look", "/api/invitations/join", "/invitation/join"),
    }
)
# What a household or a customer's server is given; its addresses within are for the taking.
_IPV6_NETWORK_BITS = 64


def group_of(method: str, path: str) -> str | None:
    """Return the group of routes that has limits of its own beside those of the whole API; None: no such group."""
    if path.startswith(_CHAT_PATH) and path[len(_CHAT_PATH) :][:1] in {"", "/"}:
        return CHAT
    return AUTH if method == "POST" and path in _AUTH_PATHS else None


@lru_cache(maxsize=10_000)
def caller_address(host: str) -> str:
    """Return what counts as one address: the host's own, or the network of an IPv6 one."""
    try:
        address = ip_address(host)
    except ValueError:
        return host
    if not isinstance(address, IPv6Address):
        return host
    if address.ipv4_mapped is not None:
        return str(address.ipv4_mapped)
    return f"{IPv6Address(int(address) >> _IPV6_NETWORK_BITS << _IPV6_NETWORK_BITS)}/{_IPV6_NETWORK_BITS}"


class RateBook:
    """The limits of one server's settings and its customers' plans."""

    def __init__(self, settings: Settings) -> None:
        named = dict(_named(each) for each in settings.address_rates.split(",") if each)
        self._by_address = {group: int(rate) for group, rate in named.items() if rate != "off"}
        self._closed = frozenset(each.strip() for each in settings.closed_without_redis.split(","))

    def of_nobody(self, host: str, group: str | None) -> Rates:
        """Return the limits of a call without a valid login."""
        rates = [self._of_address(host, API), self._of_address(host, group)]
        return tuple(rate for rate in rates if rate)

    def of_caller(self, actor: Actor, access: Access | None, host: str, group: str | None) -> Rates:
        """Return the limits of a call by somebody known. `access` is what the organization may use; operators: None."""
        if group == AUTH:
            return tuple(rate for rate in [self._of_address(host, AUTH)] if rate)
        if access is None:
            return tuple(self._of_key(actor, actor.per_minute))
        per_minute = self._by_key(actor, access)
        asked = (None if per_minute is None else actor.credential_id, per_minute, group)
        known = access.call_rates
        if known is None:
            known = access.call_rates = {}
        rates = known.get(asked)
        if rates is None:
            rates = known[asked] = self._worked_out(actor, access, per_minute, group)
        return rates

    @staticmethod
    def _by_key(actor: Actor, access: Access) -> int | None:
        if actor.kind is not ActorKind.API_KEY:
            return None
        own, of_plan = actor.per_minute, access.purchase.rates.get(KEY)
        return own if of_plan is None else of_plan if own is None else min(own, of_plan)

    def _worked_out(self, actor: Actor, access: Access, by_key: int | None, group: str | None) -> Rates:
        rates = []
        for each in (API, group):
            per_minute = access.purchase.rates.get(each) if each else None
            if each and per_minute is not None:
                rates.append(self._rate(f"org:{access.standing.organization_id}", each, per_minute))
        return (*rates, *self._of_key(actor, by_key))

    def _of_key(self, actor: Actor, per_minute: int | None) -> list[Rate]:
        return (
            [] if per_minute is None else [Rate(f"key:{actor.credential_id}", per_minute, "key", API in self._closed)]
        )

    def _of_address(self, host: str, group: str | None) -> Rate | None:
        per_minute = self._by_address.get(group) if group else None
        return self._rate(f"ip:{caller_address(host)}", group, per_minute) if group and per_minute else None

    def _rate(self, who: str, group: str, per_minute: int) -> Rate:
        if group == API:
            return Rate(who, per_minute, needs_redis=API in self._closed)
        return Rate(f"{who}:{group}", per_minute, group, group in self._closed)


def _named(text: str) -> tuple[str, str]:
    group, _, rate = text.partition(":")
    return group.strip(), rate.strip()
