"""Pure decisions about guessing: how devices are known again, and how long wrong passwords wait."""

import hashlib
import hmac
import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from ipaddress import IPv6Address, ip_address, ip_network

from tollkeeper.identity.factors import wait_until

from .model import Device, Watch

FREE_AT_AN_ACCOUNT = 10
FREE_AT_A_DEVICE = 10
FREE_AT_A_NETWORK = 100
REMEMBERED_FOR = timedelta(days=1)
_NETWORK_BITS = {4: 24, 6: 64}


def marks_of(secret: bytes, device: Device) -> tuple[bytes, ...]:
    """Return what a device is known by: its cookie, and its network together with the sort of its program."""
    sort = re.sub(r"[\d._]+", "", device.user_agent)  # versions change by themselves
    seen = _digest(secret, "seen", network_of(device.ip), sort)
    return (_digest(secret, "device", device.token), seen) if device.token else (seen,)


def network_of(ip: str) -> str:
    """Return the network somebody gets their addresses from; the text itself when it is no address."""
    try:
        address = ip_address(ip)
    except ValueError:
        return ip
    if isinstance(address, IPv6Address) and address.ipv4_mapped:
        address = address.ipv4_mapped
    return str(ip_network(f"{address}/{_NETWORK_BITS[address.version]}", strict=False))


def watch_of_stranger(secret: bytes, email: str, device: Device) -> Watch:
    """Return what a try from a device never seen is counted for: the account, and the network it comes from."""
    account = account_key(secret, email)
    network = _digest(secret, "network", network_of(device.ip))
    return Watch({account: FREE_AT_AN_ACCOUNT, network: FREE_AT_A_NETWORK}, account)


def watch_of_known(secret: bytes, email: str, mark: bytes) -> Watch:
    """Return what a try from a known device is counted for: itself, at this account."""
    own = _digest(secret, "known", email, mark.hex())
    return Watch({own: FREE_AT_A_DEVICE}, own)


def account_key(secret: bytes, email: str) -> bytes:
    """Return what strangers at an account are counted under."""
    return _digest(secret, "account", email)


def waits_until(watch: Watch, failures: Mapping[bytes, tuple[int, datetime]], now: datetime) -> datetime | None:
    """Return when the next password is looked at; None: now."""
    waits = [
        wait_until(in_a_row, failed_at, free=watch.limits[key])
        for key, (in_a_row, failed_at) in failures.items()
        if now < failed_at + REMEMBERED_FOR
    ]
    latest = max(waits, default=now)
    return latest if latest > now else None


def _digest(secret: bytes, *words: str) -> bytes:
    return hmac.new(b"tollkeeper guessing: " + secret, "\0".join(words).encode(), hashlib.sha256).digest()
