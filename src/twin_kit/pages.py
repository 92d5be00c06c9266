"""The frame of the pages an imitation shows: its templates, and the headers they come with."""

from collections.abc import Mapping

from jinja2 import Environment, PackageLoader, StrictUndefined

POLICY = "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; frame-ancestors 'none'"
"""Nothing but a page's own style sheet and pictures.

No `form-action`: browsers apply it to the redirect that leads back to who sent the browser here, too.
"""
HEADERS: Mapping[str, str] = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}


def templates_of(package: str) -> Environment:
    """Return the templates that lie in a package's folder `templates`."""
    return Environment(
        loader=PackageLoader(package), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
