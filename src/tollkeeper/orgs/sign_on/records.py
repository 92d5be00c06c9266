"""What a domain says of itself: TXT records, asked of name servers over a port."""

from typing import Protocol

import dns.asyncresolver
import dns.exception
import dns.resolver

from tollkeeper.identity.elsewhere import Outside
from tollkeeper.infra import Runtime, Settings

from .model import DnsUnavailableError

SECONDS = 5.0
_DNS_PORT = 53


class DomainRecords(Protocol):
    """The port: who answers for domains."""

    async def txt(self, name: str) -> list[str]:
        """Return the TXT records of a name; none when there are none.

        Raises:
            DnsUnavailableError: nobody answers.
        """


class NameServers:
    """Name servers: those of the settings, or those this machine uses."""

    def __init__(self, settings: Settings) -> None:
        """Ask nobody yet."""
        self._servers = [each.strip() for each in settings.dns_servers.split(",") if each.strip()]

    async def txt(self, name: str) -> list[str]:
        """Return the TXT records of a name; none when there are none.

        Raises:
            DnsUnavailableError: nobody answers.
        """
        try:
            answer = await self._resolver().resolve(name, "TXT", lifetime=SECONDS, search=False)
        except (dns.resolver.NXDOMAIN, dns.resolver.NoAnswer):
            return []
        except (dns.exception.DNSException, OSError) as error:
            raise DnsUnavailableError(log=f"{name}: {type(error).__name__}: {error}") from error
        return [b"".join(record.strings).decode(errors="replace") for record in answer]

    def _resolver(self) -> dns.asyncresolver.Resolver:
        resolver = dns.asyncresolver.Resolver(configure=not self._servers)
        if self._servers:
            pairs = [_split(each) for each in self._servers]
            resolver.nameservers = [host for host, _ in pairs]
            resolver.nameserver_ports = dict(pairs)
        return resolver


def _split(server: str) -> tuple[str, int]:
    host, colon, port = server.rpartition(":")
    if colon and port.isdigit() and (":" not in host or host.startswith("[")):
        return host.strip("[]"), int(port)
    return server.strip("[]"), _DNS_PORT


def provide(runtime: Runtime) -> None:
    """Give the process what asks issuers and name servers, unless it has that already. Nothing is asked yet."""
    runtime.parts.setdefault(Outside, Outside(runtime.settings))
    runtime.parts.setdefault(DomainRecords, NameServers(runtime.settings))
