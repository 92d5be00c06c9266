"""Terms, privacy and imprint: templates that the settings fill in, or the operator's own texts."""

from datetime import UTC, datetime
from pathlib import Path
from string import Template
from urllib.parse import urlsplit

from fastapi import APIRouter, Request
from starlette.responses import Response

from tollkeeper.infra import Settings, base_url_of, brand_of, runtime_of
from tollkeeper.web.ui import page

from .markdown import rendered

router = APIRouter(include_in_schema=False)

TEMPLATES = Path(__file__).parent / "legal"
NOTE = (
    "It is filled in from the settings and says what this software does. Have it checked, keep it as Markdown in a "
    "folder of your own and name that in `TOLLKEEPER_TEXTS`; this note is then gone."
)
_ESCAPED = str.maketrans({sign: f"\\{sign}" for sign in "\\`*_[]<>#|"})


@router.get("/terms")
async def terms_page(request: Request) -> Response:
    """Show what the operator and the customer agree on."""
    return _shown(request, "terms")


@router.get("/privacy")
async def privacy_page(request: Request) -> Response:
    """Show what is kept of people, and why."""
    return _shown(request, "privacy")


@router.get("/imprint")
async def imprint_page(request: Request) -> Response:
    """Show who runs this."""
    return _shown(request, "imprint")


def _shown(request: Request, name: str) -> Response:
    settings = runtime_of(request).settings
    own = settings.texts / f"{name}.md" if settings.texts else None
    path = own if own is not None and own.is_file() else TEMPLATES / f"{name}.md"
    words = _filled_in(settings, base_url_of(request))
    source = Template(path.read_text()).safe_substitute(words)
    return page(request, "site/text.html", text=rendered(source), note="" if path == own else NOTE)


def _filled_in(settings: Settings, base_url: str) -> dict[str, str]:
    """Return what stands for the words in the templates; what no setting says is named as missing."""
    told = {
        "seller_name": (settings.seller_name, "TOLLKEEPER_SELLER_NAME"),
        "seller_address": (settings.seller_address, "TOLLKEEPER_SELLER_ADDRESS"),
        "seller_tax_id": (settings.seller_tax_id, "TOLLKEEPER_SELLER_TAX_ID"),
        "seller_email": (settings.seller_email, "TOLLKEEPER_SELLER_EMAIL"),
    }
    words = {
        name: "  \n".join(line.strip().translate(_ESCAPED) for line in value.split("|"))
        if value
        else f"**\\[not set: `{setting}`\\]**"
        for name, (value, setting) in told.items()
    }
    return {
        **words,
        "site": brand_of(settings).name.translate(_ESCAPED),
        "host": urlsplit(base_url).netloc,
        "deletion_days": str(settings.deletion_days),
        "year": str(datetime.now(UTC).year),
    }
