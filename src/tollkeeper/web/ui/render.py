"""Pages from templates: what every template can use, the security policy, and the error page."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

from fastapi import Request
from fastapi.responses import HTMLResponse, RedirectResponse
from jinja2 import Environment, FileSystemLoader, PrefixLoader, StrictUndefined
from markupsafe import Markup, escape
from starlette.responses import Response

from tollkeeper.infra import request_id_of, runtime_of
from tollkeeper.kit import ActorKind, TollkeeperError

from .files import asset, icon_body
from .forms import FormToken

WEB = Path(__file__).parent.parent
THEMES = ("light", "dark")
_NOT_FOUND = 404
_UNAUTHENTICATED = 401


@dataclass(frozen=True, slots=True)
class DemoLogin:
    """A login shown on the log-in page so that a newcomer can look around."""

    email: str
    password: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Site:
    """What the pages need to know of this deployment; wiring provides it as a part of the runtime.

    `provider_page_origins` are the origins (`https://checkout.stripe.com`) of the payment provider's hosted pages. A
    form may lead there directly; other origins are reached over a page of ours with a link.
    `demo_login` must be None outside development.
    """

    name: str = "Tollkeeper"
    provider_page_origins: tuple[str, ...] = ()
    demo_login: DemoLogin | None = None


def site_of(request: Request) -> Site:
    """Return this deployment's site, or the default one when wiring provided none."""
    found: Site = runtime_of(request).parts.get(Site, Site())
    return found


def security_policy(form_targets: tuple[str, ...] = ()) -> str:
    """Return the Content-Security-Policy of every page: nothing inline, nothing from elsewhere, no framing."""
    # Chromium holds form-action against the redirects after a post, too, so hosted payment pages are named.
    return "; ".join(
        [
            "default-src 'none'",
            "script-src 'self'",
            "style-src 'self'",
            "img-src 'self' data:",
            "font-src 'self'",
            "connect-src 'self'",
            " ".join(["form-action 'self'", *form_targets]),
            "frame-ancestors 'none'",
            "base-uri 'none'",
        ]
    )


def _day(at: datetime) -> str:
    return f"{at.astimezone(UTC):%-d %b %Y}"


def _minute(at: datetime) -> str:
    return f"{at.astimezone(UTC):%-d %b %Y, %H:%M} UTC"


def _iso(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def _number(value: int) -> str:
    return f"{value:,}"


def _code(text: str) -> Markup:
    """Show what stands between back-ticks as code."""
    parts = [str(escape(part)) for part in text.split("`")]
    parts[1::2] = [f"<code>{part}</code>" for part in parts[1::2]]
    return Markup("".join(parts))  # noqa: S704 - every part is escaped above


def _environment() -> Environment:
    rooms = {room: FileSystemLoader(WEB / room / "templates") for room in ("ui", "site", "portal")}
    environment = Environment(
        loader=PrefixLoader(rooms),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    environment.globals.update(asset=asset, icon_body=icon_body)
    environment.filters.update(day=_day, minute=_minute, iso=_iso, number=_number, code=_code)
    return environment


_TEMPLATES = _environment()


def base_url_of(request: Request) -> str:
    """Return the address customers reach this server at, without a trailing slash."""
    return runtime_of(request).settings.public_url.rstrip("/") or str(request.base_url).rstrip("/")


def is_logged_in(request: Request) -> bool:
    """Whether the request came with a valid browser session."""
    actor = request.scope.get("state", {}).get("actor")
    return actor is not None and actor.kind is ActorKind.SESSION


def page(request: Request, template: str, *, status: int = 200, **context: Any) -> HTMLResponse:
    """Render a template as an answer with the security policy.

    Args:
        request: the request answered; its path, theme cookie and id are at the template's hand.
        template: `<room>/<file>`, for example `site/home.html`.
        status: the HTTP status.
        context: what the template shows. `viewer` is who is logged in, False for nobody.
    """
    site = site_of(request)
    token = FormToken(request)
    theme = request.cookies.get("theme", "")
    everywhere: Mapping[str, Any] = {
        "viewer": is_logged_in(request),
        "path": request.url.path,
        "status": status,
        "theme": theme if theme in THEMES else "",
        "csrf_token": token,
        "site_name": site.name,
        "base_url": base_url_of(request),
    }
    html = _TEMPLATES.get_template(template).render({**everywhere, **context})
    response = HTMLResponse(html, status_code=status)
    response.headers["content-security-policy"] = security_policy(site.provider_page_origins)
    response.headers["cache-control"] = "no-store"
    token.remember(response)
    return response


def go(path: str) -> RedirectResponse:
    """Send the browser on to one of our own pages after a form."""
    return RedirectResponse(path, status_code=303)


def leave(request: Request, url: str, place: str) -> Response:
    """Send the browser from a form to a page of the payment provider.

    Straight there when the page's policy allows the origin, otherwise over a page with a link, which no policy stops.
    `place` names it for the reader ("payment").
    """
    target = urlsplit(url)
    if f"{target.scheme}://{target.netloc}" in site_of(request).provider_page_origins:
        return RedirectResponse(url, status_code=303)
    return page(request, "ui/continue.html", url=url, place=place)


async def error_page(request: Request, error: TollkeeperError, request_id: str) -> Response:
    """Answer a failure outside the API with a page in the look of all others.

    Somebody who is not logged in is sent to the log-in page and back afterwards.
    """
    if error.status == _UNAUTHENTICATED:
        return login_redirect(request)
    status = error.status
    home = {"href": "/dashboard", "text": "Go to the overview"} if is_logged_in(request) else {}
    links = [home or {"href": "/", "text": "Go to the home page"}]
    if status >= 500:  # noqa: PLR2004 - every server error may pass
        links.insert(0, {"href": request.url.path, "text": "Try again"})
    title = "There is no such page" if status == _NOT_FOUND else error.title
    response = page(
        request,
        "ui/error.html",
        status=status,
        title=title,
        detail=_sentence(error.detail) if error.detail != error.title else "",
        hint="" if status == _NOT_FOUND else error.hint,
        links=links,
        request_id=request_id or request_id_of(request),
    )
    response.headers.update(error.headers)
    return response


def login_redirect(request: Request) -> Response:
    """Send somebody who is not logged in to the log-in page, to come back to the page they asked for."""
    path = request.url.path
    back = f"{path}?{request.url.query}" if request.url.query else path
    login = f"/login?{urlencode({'next': back})}" if request.method == "GET" else "/login"
    if "hx-request" in request.headers:
        # A part of a page is asked for: the whole page has to go, not the part.
        return Response(headers={"hx-redirect": "/login"})
    return RedirectResponse(login, status_code=303)


def _sentence(text: str) -> str:
    return text if text.endswith((".", "!", "?")) else f"{text}."
