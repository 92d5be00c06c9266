"""The page of notifications: which mails a person wants, and which come in any case."""

from fastapi import APIRouter, Request
from starlette.responses import Response

from tollkeeper.identity import Notification, change_preferences, get_preferences, get_user
from tollkeeper.infra import RuntimeDep
from tollkeeper.orgs import person_of
from tollkeeper.web.ui import go, page, read_form, toast

from .person import PersonDep, load_viewer

router = APIRouter()

HOME = "/notifications"
SORTS = (
    (Notification.USAGE, "Limits", "When 80, 90 and 100 % of a limit are used, each once in a period."),
    (Notification.BILLING, "Billing", "When a trial is about to end."),
    (Notification.TEAM, "Team", "When somebody joins, and when your own role changes."),
    (Notification.NEWS, "News", "What is new, now and then."),
)
ALWAYS = (
    "Log-ins from a new device",
    "Changes of your password, second factors and address",
    "Links and invitations you or others asked for",
    "Payments that fail, for those who manage billing",
    "Your data export, and the deletion of your account",
)


@router.get(HOME)
async def notifications_page(request: Request, runtime: RuntimeDep, actor: PersonDep) -> Response:
    """Show which mails the person wants."""
    async with runtime.transaction() as tx:
        viewer = await load_viewer(tx, actor)
        user = await get_user(tx, person_of(actor))
        chosen = await get_preferences(tx, user.id)
    return page(
        request,
        "portal/notifications.html",
        viewer=viewer,
        banners=[],
        is_verified=user.verified_at is not None,
        sorts=[(sort.value, title, words, chosen.wants(sort)) for sort, title, words in SORTS],
        always=ALWAYS,
    )


@router.post(HOME)
async def notifications_form(request: Request, runtime: RuntimeDep, actor: PersonDep) -> Response:
    """Change which mails the person wants: those whose box was ticked."""
    fields = await read_form(request)
    wanted = {sort: sort.value in fields for sort in Notification}
    async with runtime.transaction() as tx:
        await change_preferences(tx, person_of(actor), notifications=wanted)
    return toast(request, go(HOME), "Saved. The next mail obeys it.")
