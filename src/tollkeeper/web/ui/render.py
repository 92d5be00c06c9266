"""Pages from templates: what every template can use, the security policy, and the error page."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import SplitResult, urlencode, urlsplit

from fastapi import Request
from fastapi.responses import HTMLResponse, RedirectResponse
from jinja2 import Environment, FileSystemLoader, PrefixLoader, StrictUndefined, pass_context
from jinja2.runtime import Context
from markupsafe import Markup, escape
from starlette.datastructures import URL
from starlette.responses import Response
from starlette.routing import Match

from tollkeeper.identity import CaptchaWidget, Session, StepUpNeededError
from tollkeeper.infra import base_url_of, request_id_of, runtime_of, watch_refusal
from tollkeeper.kit import ActorKind, TollkeeperError

from . import locale
from .advice import advice, as_sentence, is_of_cursor, said
from .charts import spark
from .files import asset, icon_body
from .forms import FormToken
from .look import look_of
from .packing import packed
from .toasts import forget_toast, toast_of

WEB = Path(__file__).parent.parent
THEMES = ("light", "dark")
_YEAR = 365 * 24 * 3600
REPORTS = "/api/csp-reports"
_OK = 200
_NOT_FOUND = 404
_WRONG_METHOD = 405
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

    provider_page_origins: tuple[str, ...] = ()
    demo_login: DemoLogin | None = None


def site_of(request: Request) -> Site:
    """Return this deployment's site, or the default one when wiring provided none."""
    found: Site = runtime_of(request).parts.get(Site, Site())
    return found


def security_policy(form_targets: tuple[str, ...] = (), captcha_sources: tuple[str, ...] = ()) -> str:
    """Return the Content-Security-Policy of every page: nothing inline, nothing from elsewhere, no framing.

    `captcha_sources` are what a CAPTCHA's script may load, ask and frame, on the pages that have one.
    """
    # Chromium holds form-action against the redirects after a post, too, so hosted payment pages are named.
    return "; ".join(
        [
            "default-src 'none'",
            " ".join(["script-src 'self'", *captcha_sources]),
            "style-src 'self'",
            "img-src 'self' data:",
            "font-src 'self'",
            " ".join(["connect-src 'self'", *captcha_sources]),
            *([" ".join(["frame-src", *captcha_sources])] if captcha_sources else []),
            " ".join(["form-action 'self'", *form_targets]),
            "frame-ancestors 'none'",
            "base-uri 'none'",
            f"report-uri {REPORTS}",
            "report-to csp",
        ]
    )


def _iso(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


@pass_context
def _ago(context: Context, at: datetime) -> str:
    return locale.ago(at, context["now"])


def _code(text: str) -> Markup:
    """Show what stands between back-ticks as code."""
    parts = [str(escape(part)) for part in text.split("`")]
    parts[1::2] = [f"<code>{part}</code>" for part in parts[1::2]]
    return Markup("".join(parts))  # noqa: S704 - every part is escaped above


def _environment() -> Environment:
    rooms = {room: FileSystemLoader(WEB / room / "templates") for room in ("ui", "site", "portal", "admin")}
    environment = Environment(
        loader=PrefixLoader(rooms),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    environment.globals.update(asset=asset, icon_body=icon_body, spark=spark)
    environment.filters.update(day=locale.day, minute=locale.minute, iso=_iso, code=_code, ago=_ago)
    environment.filters.update(
        number=locale.number, compact=locale.compact, percent=locale.percent, money=locale.exact, amount=locale.amount
    )
    return environment


_TEMPLATES = _environment()


def is_logged_in(request: Request) -> bool:
    """Whether the request came with a valid browser session."""
    actor = request.scope.get("state", {}).get("actor")
    return actor is not None and actor.kind is ActorKind.SESSION


def _impersonated_until(request: Request) -> datetime | None:
    """Return when the member of staff who looks at the page in somebody's place stops; None: it is the person's own."""
    session: Session | None = request.scope.get("state", {}).get("session")
    return session.expires_at if session is not None and session.impersonator_id is not None else None


def _theme_of(viewer: Any) -> str:
    found: str = viewer.own.theme if hasattr(viewer, "own") else ""
    return found


def page(request: Request, template: str, *, status: int = 200, **context: Any) -> HTMLResponse:
    """Render a template as an answer with the security policy.

    Args:
        request: the request answered; its path, theme cookie and id are at the template's hand.
        template: `<room>/<file>`, for example `site/home.html`.
        status: the HTTP status.
        context: what the template shows. `viewer` is who is logged in, False for nobody; `captcha` is the CAPTCHA of
            the page's forms, if it has one.
    """
    site = site_of(request)
    token = FormToken(request)
    captcha: CaptchaWidget | None = context.get("captcha")
    toast = toast_of(request)
    html = _markup(request, template, token, status, {"toast": toast, **context})
    response = packed(request, html, status)
    response.headers["content-security-policy"] = security_policy(
        site.provider_page_origins, captcha.sources if captcha else ()
    )
    response.headers["reporting-endpoints"] = f'csp="{REPORTS}"'
    response.headers["cross-origin-opener-policy"] = "same-origin"
    response.headers["cache-control"] = "no-store"
    token.remember(response)
    if toast is not None:
        forget_toast(request, response)
    return response


def part(request: Request, template: str, **context: Any) -> str:
    """Return a part of a page as HTML, with all at its template's hand that a whole page has."""
    return _markup(request, template, FormToken(request), _OK, context)


def _markup(request: Request, template: str, token: FormToken, status: int, context: Mapping[str, Any]) -> str:
    # What this browser was told goes before what the person chose for all.
    theme = request.cookies.get("theme") or _theme_of(context.get("viewer"))
    look = look_of(runtime_of(request).settings)
    everywhere: Mapping[str, Any] = {
        "viewer": is_logged_in(request),
        "path": request.url.path,
        "status": status,
        "theme": theme if theme in THEMES else "",
        "csrf_token": token,
        "look": look,
        "site_name": look.name,
        "base_url": base_url_of(request),
        "now": runtime_of(request).clock.now(),
        "toast": None,
        "impersonated_until": _impersonated_until(request),
    }
    return _TEMPLATES.get_template(template).render({**everywhere, **context})


def remember_theme(request: Request, response: Response, theme: str) -> None:
    """Have this browser use a theme from now on; what is none of THEMES leaves it to the browser."""
    secure = request.url.scheme == "https"
    if theme in THEMES:
        response.set_cookie("theme", theme, max_age=_YEAR, samesite="lax", secure=secure)
    else:
        response.delete_cookie("theme", samesite="lax", secure=secure)


def go(path: str) -> RedirectResponse:
    """Send the browser on to one of our own pages after a form."""
    return RedirectResponse(path, status_code=303)


PAYING = "Payment happens on the provider's own page. Card data never reaches us."


def leave(request: Request, url: str, place: str, *, words: str = PAYING) -> Response:
    """Send the browser from a form to a page of another service, the payment provider's unless `words` say else.

    Straight there when the page's policy allows the origin, otherwise over a page with a link, which no policy stops.
    `place` names it for the reader ("payment"), and `words` say what happens there.
    """
    target = urlsplit(url)
    if f"{target.scheme}://{target.netloc}" in site_of(request).provider_page_origins:
        return RedirectResponse(url, status_code=303)
    return page(request, "ui/continue.html", url=url, place=place, words=words)


async def error_page(request: Request, error: TollkeeperError, request_id: str) -> Response:
    """Answer a failure outside the API with a page in the look of all others.

    Somebody who is not logged in is sent to the log-in page and back afterwards, and somebody whose proof is too old to
    the page that asks for another.
    """
    watch_refusal(error)
    if error.status == _UNAUTHENTICATED:
        return login_redirect(request)
    if isinstance(error, StepUpNeededError):
        return step_up_redirect(request)
    if is_of_cursor(error) and "cursor" in request.query_params:
        # A page of a list that is no more, as after its address was edited: the list begins anew.
        return RedirectResponse(_path_of(request.url.remove_query_params("cursor")), status_code=303)
    status = error.status
    home = {"href": "/dashboard", "text": "Go to the overview"} if is_logged_in(request) else {}
    links = [home or {"href": "/", "text": "Go to the home page"}]
    above = _page_above(request) if request.method != "GET" or status == _WRONG_METHOD else ""
    if above:
        links.insert(0, {"href": above, "text": "Back to the page"})
    if status >= 500:  # noqa: PLR2004 - every server error may pass
        links.insert(0, {"href": request.url.path, "text": "Try again"})
    title = "There is no such page" if status == _NOT_FOUND else error.title
    response = page(
        request,
        "ui/error.html",
        status=status,
        title=title,
        detail=as_sentence(said(error)) if error.detail != error.title else "",
        hint="" if status == _NOT_FOUND else advice(error),
        links=links,
        request_id=request_id or request_id_of(request),
    )
    response.headers.update(error.headers)
    return response


def login_redirect(request: Request) -> Response:
    """Send somebody who is not logged in to the log-in page, to come back to the page they asked for."""
    if "hx-request" in request.headers:
        # A part of a page is asked for: the whole page has to go, not the part.
        whole = _path_of(urlsplit(request.headers.get("hx-current-url", "/dashboard")))
        return Response(headers={"hx-redirect": f"/login?{urlencode({'next': whole})}"})
    asked = {"next": _path_of(request.url)}
    if request.method != "GET":
        # A form is not carried over a log-in: nobody could tell whether a page of ours sent it.
        asked = {"next": _page_above(request), "unsent": "yes"}
    return RedirectResponse(f"/login?{urlencode(asked)}", status_code=303)


def step_up_redirect(request: Request) -> Response:
    """Send somebody to prove themselves again, to come back to the page they asked for.

    A form goes along with them: 307 has the browser send it there as it is, and it goes on after the proof.
    """
    asked = _path_of(request.url)
    if request.method == "GET":
        return RedirectResponse(f"/step-up?{urlencode({'next': asked})}", status_code=303)
    keep = urlencode({"to": asked, "next": _page_above(request)})
    return RedirectResponse(f"/step-up/keep?{keep}", status_code=307)


def _path_of(url: URL | SplitResult) -> str:
    return f"{url.path}?{url.query}" if url.query else url.path


def _page_above(request: Request) -> str:
    """Return the page a form was sent from, as the browser or else the form's address tells; empty: neither does."""
    came = urlsplit(request.headers.get("referer", ""))
    if came.netloc == request.url.netloc and _is_page(request, came.path):
        return _path_of(came)
    path = request.url.path
    while path and not _is_page(request, path):
        path = path.rpartition("/")[0]
    return path


def _is_page(request: Request, path: str) -> bool:
    asked = {**request.scope, "method": "GET", "path": path}
    return any(route.matches(asked)[0] is Match.FULL for route in request.app.routes)
