"""What links in mails lead to: verifying an address, choosing a new password. And asking for such mails."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from fastapi import APIRouter, Request
from starlette.responses import Response

from tollkeeper.identity import MIN_PASSWORD, LinkEndedError, Purpose, check_link, follow_address_link
from tollkeeper.infra import Runtime, RuntimeDep, Tx, TxDep
from tollkeeper.kit import TollkeeperError
from tollkeeper.orgs import reset_password, want_reset, want_verification
from tollkeeper.web.ui import FormState, empty_form, page, read_form, refused_form

router = APIRouter(include_in_schema=False)

PASSWORD_HINT = f"At least {MIN_PASSWORD} characters. A few words in a row are good."


@dataclass(frozen=True, slots=True)
class _Wish:
    """A mail somebody can ask for, by a form at `path`."""

    path: str
    title: str
    words: str
    sent: str
    ask: Callable[[Tx, str], Awaitable[None]]


_RESET = _Wish(
    "/password/forgot",
    "Forgot your password?",
    "We send you a mail with a link to choose a new one.",
    "If there is an account with this address, we have sent it a mail with a link to choose a new password.",
    want_reset,
)
_VERIFICATION = _Wish(
    "/verify/resend",
    "Verify your e-mail address",
    "We send you a mail with a link to follow.",
    "If there is an account with this address that is not verified yet, we have sent it a mail with a link.",
    want_verification,
)


@router.get("/password/forgot")
async def forgot_page(request: Request) -> Response:
    """Show the form that asks for a new password."""
    return _asking(request, _RESET, empty_form("email"))


@router.post("/password/forgot")
async def forgot_form(request: Request, runtime: RuntimeDep) -> Response:
    """Have the mail sent, if there is anybody to send it to; the answer does not tell."""
    return await _asked(request, runtime, _RESET)


@router.get("/verify/resend")
async def resend_page(request: Request) -> Response:
    """Show the form that asks for another proof of an address."""
    return _asking(request, _VERIFICATION, empty_form("email"))


@router.post("/verify/resend")
async def resend_form(request: Request, runtime: RuntimeDep) -> Response:
    """Have the mail sent, if there is anybody to send it to; the answer does not tell."""
    return await _asked(request, runtime, _VERIFICATION)


@router.get("/verify")
async def verify_page(request: Request, tx: TxDep, token: str = "") -> Response:
    """Ask for a press of a button: programs that look through mails follow links, too, but press nothing."""
    try:
        proof = await check_link(tx, token, Purpose.VERIFY, Purpose.MOVE)
    except LinkEndedError as error:
        return _verifying(request, error=error)
    return _verifying(request, address=proof.email, token=token)


@router.post("/verify")
async def verify_form(request: Request, runtime: RuntimeDep) -> Response:
    """Prove the address."""
    token = (await read_form(request)).get("token", "")
    try:
        async with runtime.transaction() as tx:
            user = await follow_address_link(tx, token)
    except TollkeeperError as error:
        return _verifying(request, error=error)
    return _verifying(request, email=user.email)


@router.get("/password/reset")
async def reset_page(request: Request, tx: TxDep, token: str = "") -> Response:
    """Show the form for the new password, while the link is good."""
    try:
        await check_link(tx, token, Purpose.RESET)
    except LinkEndedError as error:
        return _resetting(request, ended=error)
    return _resetting(request, form=empty_form("password"), token=token)


@router.post("/password/reset")
async def reset_form(request: Request, runtime: RuntimeDep) -> Response:
    """Set the new password."""
    fields = await read_form(request)
    token = fields.get("token", "")
    try:
        await reset_password(runtime, token, fields.get("password", ""))
    except LinkEndedError as error:
        return _resetting(request, ended=error)
    except TollkeeperError as error:
        return _resetting(request, form=refused_form(fields, [], error), token=token, status=error.status)
    return _resetting(request, done=True)


def _asking(request: Request, wish: _Wish, form: FormState, *, status: int = 200) -> Response:
    shown = {"title": wish.title, "words": wish.words, "action": wish.path, "form": form}
    return page(request, "site/ask_mail.html", status=status, **shown)


async def _asked(request: Request, runtime: Runtime, wish: _Wish) -> Response:
    fields = await read_form(request)
    try:
        async with runtime.transaction() as tx:
            await wish.ask(tx, fields.get("email", ""))
    except TollkeeperError as error:
        return _asking(request, wish, refused_form(fields, ["email"], error), status=error.status)
    return page(request, "site/mail_sent.html", words=wish.sent, again=wish.path)


def _verifying(
    request: Request, *, error: TollkeeperError | None = None, address: str = "", token: str = "", email: str = ""
) -> Response:
    status = error.status if error else 200
    shown = {"error": error, "address": address, "token": token, "email": email}
    return page(request, "site/verify.html", status=status, **shown)


def _resetting(
    request: Request,
    *,
    ended: LinkEndedError | None = None,
    done: bool = False,
    form: FormState | None = None,
    token: str = "",
    status: int = 200,
) -> Response:
    shown = {"ended": ended, "done": done, "form": form, "token": token, "password_hint": PASSWORD_HINT}
    return page(request, "site/reset.html", status=ended.status if ended else status, **shown)
