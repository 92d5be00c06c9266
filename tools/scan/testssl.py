"""testssl on the sample proxy (`deploy/nginx.conf`) in front of the running server."""

import json
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from .report import Finding, Scan, sorted_out
from .target import Target

SAMPLE = Path(__file__).parents[2] / "deploy" / "nginx.conf"
HOST = "app.example.com"
BAD = ("LOW", "MEDIUM", "HIGH", "CRITICAL", "WARN")
SHORT = ("--protocols", "--std", "--pfs", "--server-defaults", "--headers")
SECONDS = {True: 120, False: 400}
_TRIED_OUT = "the certificate is made for the scan and signed by itself"
REASONS = {
    "cert_chain_of_trust": _TRIED_OUT,
    "cert_expirationStatus": _TRIED_OUT,
    "cert_notAfter": _TRIED_OUT,
    "cert_trust": _TRIED_OUT,
    "cert_revocation": _TRIED_OUT,
    "cert_crlDistributionPoints": _TRIED_OUT,
    "cert_ocspURL": _TRIED_OUT,
    "OCSP_stapling": _TRIED_OUT,
    "DNS_CAArecord": "a record of the domain, which is nobody's here; docs/guides/running-in-production.md tells of it",
    "certificate_transparency": _TRIED_OUT,
    "HSTS_preload": "whether a domain is preloaded is its owner's to decide",
    "scanTime": "how long it took is no finding",
    "LUCKY13": "no CBC cipher is offered; what is said is that it could be tested for",
    "scanProblem": "looked at without name service",
    "BREACH": "no secret in a compressed page is the same twice: tokens are masked anew (tests/web/test_packing.py)",
    "sessionresumption_ticket": "the sample hands out no tickets, so that there is nothing to resume with",
    "engine_problem": "of the openssl that looks, not of what it looks at",
}


def scan(target: Target, folder: Path, *, short: bool) -> Scan:
    """Put the sample proxy before the server, and look at its TLS and headers."""
    programs = {name: shutil.which(name, path="/usr/sbin:/usr/bin:/sbin:/bin") for name in ("nginx", "testssl")}
    missing = [name for name, path in programs.items() if path is None]
    if missing:
        return Scan("testssl", "deploy/nginx.conf", 0.0, failure=f"not installed: {', '.join(missing)}")
    began = time.monotonic()
    out = folder / "testssl.json"
    out.unlink(missing_ok=True)
    with _proxy(str(programs["nginx"]), target.port, folder / "nginx") as port:
        command = [str(programs["testssl"]), "--jsonfile", str(out), "--quiet", "--color", "0", "--warnings", "off"]
        command += ["--nodns", "none", "--ip", "127.0.0.1", *(SHORT if short else ()), f"https://{HOST}:{port}/login"]
        try:
            done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=SECONDS[short])
            said, failure = done.stdout + done.stderr, ""
        except subprocess.TimeoutExpired as error:
            said, failure = (error.stdout or b"").decode(errors="replace"), f"not done in {SECONDS[short]} s"
    (folder / "testssl.log").write_text(said)
    spent = time.monotonic() - began
    rows = json.loads(out.read_text()) if out.is_file() and not failure else []
    if not rows and not failure:
        failure = f"found nothing at all: {said[-300:]}"
    findings = [Finding(row["id"], row["severity"].lower(), row["ip"], row["finding"]) for row in rows if _is_bad(row)]
    looked_at = f"deploy/nginx.conf, {len(rows)} properties"
    return Scan("testssl", looked_at, spent, failure=failure, **sorted_out(findings, REASONS))  # type: ignore[arg-type]


def _is_bad(row: dict[str, str]) -> bool:
    return row["severity"] in BAD


@contextmanager
def _proxy(nginx: str, server_port: int, folder: Path) -> Iterator[int]:
    """Run the sample with ports, certificate and places of its own while inside; yields its TLS port."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    plain, secure = _free_ports(2)
    _certificate(folder)
    text = SAMPLE.read_text()
    for sample, ours in {
        "listen 80 ": f"listen 127.0.0.1:{plain} ",
        "listen 443 ": f"listen 127.0.0.1:{secure} ",
        "server 127.0.0.1:8000;": f"server 127.0.0.1:{server_port};",
        "/etc/ssl/app.example.com": str(folder),
        "worker_processes auto;": f"worker_processes 1; daemon off; pid {folder}/pid; error_log {folder}/error.log;",
        "server_tokens off;": "server_tokens off;"
        + "".join(
            f" {kind}_temp_path {folder}/{kind};" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        ),
    }.items():
        if sample not in text:
            raise ValueError(f"{SAMPLE.name} no longer has {sample!r}")
        text = text.replace(sample, ours)
    config = folder / "nginx.conf"
    config.write_text(text)
    process = subprocess.Popen([nginx, "-p", str(folder), "-c", str(config), "-e", str(folder / "error.log")])
    try:
        _until_it_answers(secure, process, folder / "error.log")
        yield secure
    finally:
        process.terminate()
        process.wait(20)


def _until_it_answers(port: int, process: "subprocess.Popen[bytes]", log: Path) -> None:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline and process.poll() is None:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    raise RuntimeError(f"the proxy did not start: {log.read_text() if log.is_file() else ''}")


def _free_ports(count: int) -> list[int]:
    probes = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [int(probe.getsockname()[1]) for probe in probes]
    for probe in probes:
        probe.close()
    return ports


def _certificate(folder: Path) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    name, now = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, HOST)]), datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=90))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(HOST)]), critical=False)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .sign(key, hashes.SHA256())
    )
    secret = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    (folder / "key.pem").write_bytes(secret)
    (folder / "fullchain.pem").write_bytes(made.public_bytes(serialization.Encoding.PEM))
