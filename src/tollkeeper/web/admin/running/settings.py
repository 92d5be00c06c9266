"""The settings in force, each with where it comes from. Nothing is changed here: settings are the environment's."""

from fastapi import APIRouter, Request
from starlette.responses import Response

from tollkeeper.infra import KnownSetting, RuntimeDep, SettingSource, known_settings
from tollkeeper.web.admin.guard import StaffDep
from tollkeeper.web.admin.showing import show
from tollkeeper.web.ui import Asked, Column, Filter, Option, Table

router = APIRouter()

HOME = "/admin/settings"
SOURCES = {
    SettingSource.ENVIRONMENT: ("Environment", "accent"),
    SettingSource.FILE: (".env file", "accent"),
    SettingSource.MADE: ("Made here", "warn"),
    SettingSource.COMMAND: ("Started with", "accent"),
    SettingSource.DEFAULT: ("Default", "neutral"),
}
LISTED = Table(
    path=HOME,
    columns=(Column("name", "Setting"), Column("value", "Value"), Column("source", "Comes from")),
    filters=(
        Filter(
            "source",
            "Comes from",
            (Option("", "Anywhere"), *(Option(each.value, SOURCES[each][0]) for each in SOURCES)),
        ),
        Filter("q", "Search", hint="Name or what it is for"),
    ),
    order="",
)


@router.get(HOME)
async def settings_page(request: Request, viewer: StaffDep, runtime: RuntimeDep) -> Response:
    """Show every setting in force; of a secret only that there is one."""
    asked = LISTED.read(request.query_params)
    found = [each for each in known_settings(runtime.settings) if _is_wanted(each, asked)]
    return show(request, viewer, "settings.html", table=LISTED.shown(asked), rows=found, sources=SOURCES)


def _is_wanted(setting: KnownSetting, asked: Asked) -> bool:
    sought = asked["q"].lower()
    return asked["source"] in {"", setting.source.value} and (
        not sought or sought in setting.name.lower() or sought in setting.about.lower()
    )
