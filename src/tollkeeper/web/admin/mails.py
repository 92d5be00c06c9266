"""The gallery of mails: what people get, with made-up data, as HTML and as plain text."""

import base64
import hashlib
import re
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi.responses import HTMLResponse
from starlette.responses import Response

from tollkeeper.infra import RuntimeDep
from tollkeeper.kit import NotFoundError
from tollkeeper.notify import SAMPLES, SampleMail, render

from .guard import StaffDep
from .showing import show

router = APIRouter()

HOME = "/admin/mails"
_STYLE = re.compile(r"<style>(.*?)</style>", re.DOTALL)


class MailNotFoundError(NotFoundError):
    """There is no mail of this name."""

    code = "mail_not_found"
    title = "There is no such mail"


async def _sample(template: str) -> SampleMail:
    found = SAMPLES.get(template)
    if found is None:
        raise MailNotFoundError
    return found


SampleDep = Annotated[SampleMail, Depends(_sample)]


@router.get(HOME)
async def mails_page(request: Request, viewer: StaffDep, runtime: RuntimeDep) -> Response:
    """Show every mail by its subject."""
    rows = [(each, render(runtime.settings, each.template, dict(each.data))) for each in SAMPLES.values()]
    return show(request, viewer, "mails.html", rows=rows, mailbox=runtime.settings.mailbox_url)


@router.get(HOME + "/{template}")
async def mail_page(request: Request, viewer: StaffDep, runtime: RuntimeDep, sample: SampleDep) -> Response:
    """Show one mail: as HTML in a frame of its own, and as plain text."""
    mail = render(runtime.settings, sample.template, dict(sample.data))
    response = show(request, viewer, "mail.html", sample=sample, mail=mail)
    response.headers["content-security-policy"] += "; frame-src 'self'"
    return response


@router.get(HOME + "/{template}/html")
async def mail_itself(runtime: RuntimeDep, sample: SampleDep) -> Response:
    """Return the HTML of a mail. Its one style block is allowed by its digest; nothing in it runs or leads away."""
    html = render(runtime.settings, sample.template, dict(sample.data)).html
    digests = [base64.b64encode(hashlib.sha256(each.encode()).digest()).decode() for each in _STYLE.findall(html)]
    policy = [
        "default-src 'none'",
        " ".join(["style-src", *(f"'sha256-{each}'" for each in digests)]),
        "img-src 'self'",
        "frame-ancestors 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "sandbox",
    ]
    return HTMLResponse(html, headers={"content-security-policy": "; ".join(policy), "cache-control": "no-store"})
