"""wapiti: crawls the pages with a login and attacks every form and parameter it finds."""

import json
import subprocess
import time
from pathlib import Path

from .report import Finding, Scan, sorted_out
from .target import Target

SHORT = "cookieflags,csp,csrf,crlf,http_headers,methods,redirect,sql,xss,file"
FULL = f"{SHORT},backup,exec,htaccess,ldap,permanentxss,shellshock,spring4shell,timesql,upload,xslt"
LEFT_OUT = (
    "modules for products that are not here (cms, drupal, network_device, nikto, wp), those that ask servers on the "
    "internet (htp, log4shell, ssrf, wapp, xxe), guessing (brute_login_form, buster, takeover), and TLS "
    "(https_redirect, ssl), which testssl does"
)
LEVELS = {0: "informational", 1: "low", 2: "medium", 3: "high", 4: "critical"}
SECONDS = {True: (40, 12), False: (300, 120)}
NEVER = ("/logout", "/billing/portal", "/checkout/return/state", "/static/*")
REASONS = {
    "Secure Flag cookie": "scanned without TLS, where no cookie could have it; tests/orgs/test_auth_api.py has it",
    "HTTP Strict Transport Security (HSTS)": "scanned without TLS; production sends it, as does the sample proxy",
    "Unencrypted Channels": "scanned without TLS; testssl looks at that",
}


def scan(target: Target, folder: Path, program: Path, *, short: bool) -> Scan:
    """Crawl and attack, within bounds of time."""
    began = time.monotonic()
    crawl, attack = SECONDS[short]
    out = folder / "wapiti.json"
    command: list[str | Path] = [
        program,
        "--url",
        f"{target.url}/",
        "--cookie-value",
        target.cookie,
        "--drop-set-cookie",
    ]
    command += ["--module", SHORT if short else FULL, "--level", "1", "--scope", "folder", "--flush-session"]
    command += ["--store-session", folder / "wapiti", "--store-config", folder / "wapiti", "--no-bugreport"]
    command += ["--max-scan-time", str(crawl), "--max-attack-time", str(attack), "--tasks", "4"]
    command += ["--format", "json", "--output", out, "--verbose", "0", "--detailed-report", "1"]
    command += [part for path in ("/dashboard", "/docs", "/keys", "/billing") for part in ("-s", target.url + path)]
    command += [part for path in NEVER for part in ("-x", target.url + path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=crawl + attack * 30)
    (folder / "wapiti.log").write_text(done.stdout + done.stderr)
    spent = time.monotonic() - began
    if not out.is_file():
        return Scan("wapiti", "pages", spent, failure=f"ended with {done.returncode}: {done.stderr[-300:]}")
    found = json.loads(out.read_text())
    pages = found["infos"].get("crawled_pages_nbr", 0)
    looked_at = f"{pages} pages and forms, {len((SHORT if short else FULL).split(','))} modules"
    if not pages:
        return Scan("wapiti", looked_at, spent, failure="nothing was crawled")
    findings = [
        Finding(name, LEVELS.get(each.get("level", 0), "?"), f"{each['method']} {each['path']}", each.get("info", ""))
        for kind in ("vulnerabilities", "anomalies")
        for name, listed in found[kind].items()
        for each in listed
    ]
    sorted_findings = sorted_out(findings, REASONS)
    return Scan("wapiti", looked_at, spent, left_out=LEFT_OUT, **sorted_findings)  # type: ignore[arg-type]
