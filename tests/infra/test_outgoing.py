"""Addresses customers set lead to the public internet alone, and to what was checked."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from pydantic import SecretStr

from tollkeeper.infra import (
    AddressRefusedError,
    Environment,
    GuardedTransport,
    OutgoingFailedError,
    Settings,
    check_outgoing_url,
    fetch_guarded,
)
from tollkeeper.infra.outgoing import IpAddress

PRIVATE = [
    "127.0.0.1",
    "127.8.8.8",
    "0.0.0.0",  # noqa: S104 - an address that is refused
    "10.0.0.1",
    "172.16.0.1",
    "192.168.1.1",
    "169.254.169.254",  # where clouds tell their machines secrets
    "100.100.100.200",
    "168.63.129.16",
    "192.0.0.192",
    "224.0.1.1",
    "255.255.255.255",
    "198.18.0.1",
    "[::1]",
    "[::]",
    "[fe80::1]",
    "[fd00:ec2::254]",
    "[::ffff:127.0.0.1]",
    "[::ffff:169.254.169.254]",
    "[64:ff9b::a9fe:a9fe]",
    "[2002:7f00:1::]",
    "[2001::1]",
    "[ff02::1]",
]
PUBLIC = ["93.184.216.34", "[2606:2800:220:1:248:1893:25c8:1946]"]


def settings(**more: object) -> Settings:
    secrets = {"jwt_secret": SecretStr("a" * 64), "jwt_refresh_secret": SecretStr("b" * 64)}
    return Settings.model_validate({"_env_file": None, "env": "test", **secrets, **more})


def production(**more: object) -> Settings:
    """Settings as in production where it matters here; the rest of production needs much that is not about this."""
    return settings(**more).model_copy(update={"env": Environment.PRODUCTION})


@pytest.fixture
def strict(monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.setenv("TOLLKEEPER_OUTGOING_NETWORKS", "")
    return production()


@pytest.mark.parametrize("host", PRIVATE)
def test_what_is_not_public_is_refused_when_it_is_set(strict: Settings, host: str) -> None:
    with pytest.raises(AddressRefusedError) as refused:
        check_outgoing_url(strict, f"https://{host}/hook", field="issuer")
    assert refused.value.problems[0].field == "issuer"


@pytest.mark.parametrize("host", PRIVATE)
async def test_a_name_for_what_is_not_public_is_refused_when_it_is_called(strict: Settings, host: str) -> None:
    for addresses in ([host], [PUBLIC[0], host]):
        with pytest.raises(AddressRefusedError):
            await through(strict, knows(*addresses)).get("https://innocent.example/")


@pytest.mark.parametrize("host", [*PUBLIC, "example.com", "xn--bcher-kva.example"])
def test_what_is_public_is_taken(strict: Settings, host: str) -> None:
    check_outgoing_url(strict, f"https://{host}/hook?x=1")
    check_outgoing_url(strict, f"https://{host}:8443/hook")


@pytest.mark.parametrize(
    "url",
    [
        "http://example.com/",
        "ftp://example.com/",
        "file:///etc/passwd",
        "gopher://example.com/",
        "//example.com/",
        "https://",
        "https:///path",
        "https://user:pw@example.com/",
        "https://example.com:22/",
        "https://example.com:6379x/",
        "https://example.com:0/",
        "https://exa mple.com/",
        "https://example.com/\n",
        "https://example.com\\@127.0.0.1/",
        "https://[::1",
        "javascript:alert(1)",
        "https://example.com/" + "x" * 2000,
        "",
    ],
)
def test_what_is_no_address_for_us_is_refused(strict: Settings, url: str) -> None:
    with pytest.raises(AddressRefusedError):
        check_outgoing_url(strict, url)


async def test_numbers_in_disguise_are_resolved_before_they_are_believed(strict: Settings) -> None:
    for host in ("2130706433", "0x7f000001", "0177.0.0.1", "127.1", "localhost"):
        with pytest.raises((AddressRefusedError, OutgoingFailedError)):
            await fetch_guarded(strict, "GET", f"https://{host}/")


def test_an_inner_network_that_the_operator_names_may_be_called() -> None:
    inside = production(outgoing_networks=["10.1.0.0/16"])
    check_outgoing_url(inside, "https://10.1.2.3/")
    with pytest.raises(AddressRefusedError):
        check_outgoing_url(inside, "https://10.2.2.3/")


def test_outside_production_this_machine_may_be_called_but_no_other() -> None:
    check_outgoing_url(settings(), "http://127.0.0.1:9000/")
    for url in ("http://10.0.0.1/", "http://169.254.169.254/latest/meta-data"):
        with pytest.raises(AddressRefusedError):
            check_outgoing_url(settings(), url)


def knows(*hosts: str) -> Callable[[str, int], Awaitable[list[IpAddress]]]:
    """A name service that always answers so."""

    async def answer(_: str, __: int) -> list[IpAddress]:
        return [ip_address(host.strip("[]")) for host in hosts]

    return answer


def through(
    found: Settings, resolve: Callable[[str, int], Awaitable[list[IpAddress]]], *, redirects: int = 0
) -> httpx.AsyncClient:
    transport = GuardedTransport(found, resolve=resolve)
    return httpx.AsyncClient(transport=transport, follow_redirects=redirects > 0, max_redirects=redirects or 1)


class Server:
    """Answers each connection with the same bytes, and keeps what it was asked."""

    def __init__(self) -> None:
        self.answer = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"
        self.asked: list[bytes] = []
        self.port = 0
        self.trickle = False

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            self.asked.append(await reader.readuntil(b"\r\n\r\n"))
            for piece in [self.answer] if not self.trickle else [self.answer[n : n + 1] for n in range(99)]:
                writer.write(piece)
                await writer.drain()
                await asyncio.sleep(0.05 if self.trickle else 0)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        writer.close()


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    made = Server()
    listening = await asyncio.start_server(made.serve, "127.0.0.1", 0)
    made.port = listening.sockets[0].getsockname()[1]
    yield made
    listening.close()


async def test_a_good_address_is_called_under_its_name(server: Server) -> None:
    answer = await through(settings(), knows("127.0.0.1")).get(f"http://hook.example:{server.port}/a?b=c")
    assert answer.text == "ok"
    assert b"GET /a?b=c HTTP/1.1" in server.asked[0]
    assert f"host: hook.example:{server.port}".encode() in server.asked[0].lower()


async def test_a_name_that_answers_otherwise_the_second_time_gains_nothing(server: Server) -> None:
    answers = iter([["127.0.0.1"], ["169.254.169.254"]])
    asked: list[str] = []

    async def rebinding(host: str, _: int) -> list[IpAddress]:
        asked.append(host)
        return [ip_address(address) for address in next(answers)]

    client = through(settings(), rebinding)
    assert (await client.get(f"http://hook.example:{server.port}/")).text == "ok"
    assert asked == ["hook.example"], "what was checked is what was called; nobody asked again"
    with pytest.raises(AddressRefusedError):
        await client.get(f"http://hook.example:{server.port}/")


@pytest.mark.parametrize(
    "target", ["http://169.254.169.254/latest/meta-data", "http://10.0.0.1/", "file:///etc/passwd"]
)
async def test_a_redirect_goes_the_same_way(server: Server, target: str) -> None:
    server.answer = f"HTTP/1.1 302 Found\r\nlocation: {target}\r\ncontent-length: 0\r\n\r\n".encode()
    url = f"http://127.0.0.1:{server.port}/"
    assert (await fetch_guarded(settings(), "GET", url)).status_code == 302
    with pytest.raises((AddressRefusedError, OutgoingFailedError)):
        await fetch_guarded(settings(), "GET", url, redirects=3)
    assert len(server.asked) == 2


async def test_redirects_without_end_are_not_followed(server: Server) -> None:
    url = f"http://127.0.0.1:{server.port}/"
    server.answer = f"HTTP/1.1 302 Found\r\nlocation: {url}\r\ncontent-length: 0\r\n\r\n".encode()
    with pytest.raises(OutgoingFailedError):
        await fetch_guarded(settings(), "GET", url, redirects=3)
    assert len(server.asked) == 4


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\ncontent-length: 5000\r\n\r\n" + b"x" * 5000,
        b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * 5000,
        b"HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: 2\r\n\r\nok",
        b"nonsense\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nok",
        b"",
    ],
)
async def test_an_answer_too_large_packed_or_broken_is_a_failure(server: Server, answer: bytes) -> None:
    server.answer = answer
    with pytest.raises(OutgoingFailedError):
        await fetch_guarded(settings(), "GET", f"http://127.0.0.1:{server.port}/", max_bytes=4999)


async def test_an_answer_that_trickles_ends_with_the_time_allowed(server: Server) -> None:
    server.trickle = True
    with pytest.raises(OutgoingFailedError):
        await fetch_guarded(settings(), "GET", f"http://127.0.0.1:{server.port}/", timeout=0.3)


async def test_what_is_sent_arrives(server: Server) -> None:
    sent = {"X-Signature": "v1"}
    url = f"http://127.0.0.1:{server.port}/hook"
    answer = await fetch_guarded(settings(), "POST", url, headers=sent, content=b"{}")
    assert answer.status_code == 200
    head = server.asked[0].lower()
    assert b"post /hook" in head
    assert b"x-signature: v1" in head
    assert b"accept-encoding: identity" in head


def certificate(folder: Path, name: str) -> Path:
    """A certificate for a name, signed by itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    path = folder / "both.pem"
    secret = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path.write_bytes(secret + made.public_bytes(serialization.Encoding.PEM))
    return path


async def test_the_certificate_must_be_the_names_not_the_addresses(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pem = certificate(tmp_path, "hook.example")
    monkeypatch.setenv("SSL_CERT_FILE", str(pem))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)
    made = Server()
    listening = await asyncio.start_server(made.serve, "127.0.0.1", 0, ssl=context)
    port = listening.sockets[0].getsockname()[1]
    client = through(settings(), knows("127.0.0.1"))
    assert (await client.get(f"https://hook.example:{port}/")).text == "ok"
    with pytest.raises(httpx.ConnectError):
        await client.get(f"https://other.example:{port}/")
    listening.close()
