"""sqlmap: every route that takes a parameter, in its path, query, body or form."""

import base64
import csv
import json
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from .report import Finding, Scan
from .target import Target

SECONDS = {True: 180, False: 1500}
METHODS = ("get", "post", "patch", "put", "delete")
NEVER = frozenset({"/api/auth/logout", "/api/webhooks/stripe", "/api/csp-reports"})
PAGES = (
    "/login?next=/keys*",
    "/signup?next=/keys*",
    "/pricing?interval=year*",
    "/usage?feature=prompts&span=7d",
    "/billing?interval=year&plan=pro",
    "/billing/change?plan=pro&interval=year",
    "/billing/addons?addon=extra_prompts&quantity=1",
    "/checkout/return?session_id=cs_1&tries=1",
    "/keys/00000000-0000-7000-8000-000000000000*/revoke",
    "/billing/invoices/00000000-0000-7000-8000-000000000000*",
)
_SAMPLES = {"integer": 1, "number": 1, "boolean": True, "array": [], "object": {}}


def scan(target: Target, folder: Path, program: Path, *, short: bool) -> Scan:
    """Send every route's parameters; those that seem to reach the database are tried in earnest (`--smart`)."""
    began = time.monotonic()
    requests = [*_pages(target), *_calls(target)]
    if short:  # calls that read come first, and each process of the other form takes its time
        requests = [each for each in requests if each.startswith(b"GET")][:25]
    history, results, out = folder / "sqlmap.xml", folder / "sqlmap.csv", folder / "sqlmap"
    history.write_text(_burp(target.port, requests))
    results.unlink(missing_ok=True)
    command: list[str | Path] = [
        program,
        "-l",
        history,
        "--batch",
        "--smart",
        "--skip-waf",
        "--flush-session",
        "--disable-coloring",
    ]
    command += ["--level", "1" if short else "2", "--technique", "BEU" if short else "BEUST", "--time-sec", "3"]
    command += ["--dbms", "postgresql", "--timeout", "20", "--retries", "1", "--results-file", results]
    command += ["--output-dir", out, "--ignore-code", "*"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=SECONDS[short])
        said = done.stdout
    except subprocess.TimeoutExpired as error:
        said = (error.stdout or b"").decode(errors="replace")
    (folder / "sqlmap.log").write_text(said)
    spent = time.monotonic() - began
    tried = said.count("testing URL") or said.count("URL ")
    looked_at = f"{tried} of {len(requests)} requests, every parameter"
    failure = "" if tried == len(requests) else f"only {tried} of {len(requests)} requests in {SECONDS[short]} s"
    return Scan("sqlmap", looked_at, spent, findings=tuple(_found(results)), failure=failure)


def _found(results: Path) -> Iterator[Finding]:
    if results.is_file():
        with results.open(newline="") as rows:
            for row in csv.DictReader(rows):
                if row.get("Technique(s)"):
                    where = f"{row['Target URL']} {row['Parameter']}"
                    yield Finding("SQL injection", "critical", where, row["Technique(s)"])


def _pages(target: Target) -> Iterator[bytes]:
    for path in PAGES:
        yield _request(target, "GET", path, cookie="" if path.startswith(("/login", "/signup")) else target.cookie)


def _calls(target: Target) -> Iterator[bytes]:
    document = target.openapi()
    for path, operations in document["paths"].items():
        for method in METHODS:
            if method in operations and path not in NEVER:
                request = _call(target, document, method, path, operations[method])
                if request is not None:
                    yield request


def _call(target: Target, document: Any, method: str, path: str, operation: Any) -> bytes | None:
    """Return one call with a sample in every parameter; None when it takes none. `*` marks what sqlmap is to try."""
    taken = [_resolved(document, each) for each in operation.get("parameters", [])]
    query = "&".join(f"{each['name']}={_sample(document, each['schema'])}" for each in taken if each["in"] == "query")
    filled = path
    for each in taken:
        if each["in"] == "path":
            filled = filled.replace(f"{{{each['name']}}}", "00000000-0000-7000-8000-000000000000*")
    content = operation.get("requestBody", {}).get("content", {}).get("application/json")
    body = None
    if content is not None:
        schema = _object(document, content["schema"])
        body = {name: _sample(document, each) for name, each in schema.get("properties", {}).items()}
    if not query and filled == path and not body:
        return None
    if query and method != "get":  # or sqlmap takes it for the call that reads there, and leaves it out
        query += f"&by={method}"
    return _request(target, method.upper(), f"{filled}?{query}" if query else filled, body=body, key=target.key)


def _resolved(document: Any, part: Any) -> Any:
    while "$ref" in part:
        found = document
        for step in part["$ref"].removeprefix("#/").split("/"):
            found = found[step]
        part = found
    return part


def _object(document: Any, schema: Any) -> Any:
    """Return the first form of a schema that has fields."""
    schema = _resolved(document, schema)
    forms = [_resolved(document, each) for each in schema.get("anyOf", schema.get("oneOf", ()))]
    return next((each for each in [schema, *forms] if "properties" in each), schema)


def _sample(document: Any, schema: Any) -> Any:
    schema = _resolved(document, schema)
    forms = [each for each in schema.get("anyOf", ()) if each.get("type") != "null"]
    if forms:
        return _sample(document, forms[0])
    if "enum" in schema:
        return schema["enum"][0]
    if schema.get("format") == "date-time":
        return "2026-01-01T00:00:00Z"
    return _SAMPLES.get(schema.get("type", "string"), "prompts")


def _request(target: Target, method: str, path: str, *, body: Any = None, cookie: str = "", key: str = "") -> bytes:
    lines = [f"{method} {path} HTTP/1.1", f"Host: 127.0.0.1:{target.port}"]
    lines += [f"Cookie: {cookie}"] if cookie else []
    lines += [f"Authorization: Bearer {key}"] if key else []
    content = json.dumps(body) if body else ""
    lines += ["Content-Type: application/json", f"Content-Length: {len(content)}"] if content else []
    return ("\r\n".join(lines) + "\r\n\r\n" + content).encode()


def _burp(port: int, requests: list[bytes]) -> str:
    """Write requests as the history of a proxy that sqlmap reads."""
    items = "\n".join(
        f"<item><port>{port}</port><protocol>http</protocol>"
        f'<request base64="true"><![CDATA[{base64.b64encode(each).decode()}]]></request></item>'
        for each in requests
    )
    return f'<?xml version="1.0"?>\n<items>\n{items}\n</items>\n'
