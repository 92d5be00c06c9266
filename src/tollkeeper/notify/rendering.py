"""A mail in words: subject, plain text and HTML from its templates."""

from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from tollkeeper.infra import Settings, brand_of

TEMPLATES = Path(__file__).parent / "templates"
_LOCAL = "http://127.0.0.1:8000"


@dataclass(frozen=True, slots=True)
class Rendered:
    """What a person reads."""

    subject: str
    text: str
    html: str


def render(settings: Settings, template: str, data: dict[str, Any]) -> Rendered:
    """Fill the two templates of this name. Raises jinja2's errors when one is missing, or lacks a value it names."""
    context = {**site_of(settings), **data}
    words = _environment().get_template(f"{template}.txt")
    subject = "".join(words.blocks["subject"](words.new_context(context)))
    return Rendered(
        subject=" ".join(subject.split()),  # a name with a line break in it must not begin a header
        text=words.render(context).strip() + "\n",
        html=_environment().get_template(f"{template}.html").render({**context, **_look_of(settings)}),
    )


def site_of(settings: Settings) -> dict[str, str]:
    """Return what every template knows of this deployment."""
    return {
        "site_name": brand_of(settings).name,
        "site_url": settings.public_url.rstrip("/") or _LOCAL,
        "seller_email": settings.seller_email,
    }


def _look_of(settings: Settings) -> dict[str, Any]:
    """Return what the frame of HTML knows of the look. Few mail programs draw SVG, so a sign that is one stays away."""
    brand = brand_of(settings)
    sign = f"/brand/{brand.logo.name}" if brand.logo is not None and brand.logo.media_type == "image/png" else ""
    return {"light": brand.light, "dark": brand.dark, "sign": sign}


@lru_cache(maxsize=1)
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=select_autoescape(["html"]),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    environment.filters["minute"] = _minute
    return environment


def _minute(iso: str) -> str:
    """Show an ISO 8601 moment to the minute, in UTC."""
    return f"{datetime.fromisoformat(iso).astimezone(UTC):%-d %b %Y, %H:%M} UTC"
