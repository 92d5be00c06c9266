"""Forms for one plan, one feature or one add-on; what they say is looked at before it is applied, as a file is."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Annotated, Any

from fastapi import APIRouter, Path, Request
from starlette.responses import Response

from tollkeeper.catalog import EntitlementPeriod, latest_version, read_catalogue_file
from tollkeeper.catalog.versions import data_of, words_of_data
from tollkeeper.infra import Runtime, RuntimeDep
from tollkeeper.kit import FieldProblem, InvalidInputError, NotFoundError
from tollkeeper.metering import Aggregation
from tollkeeper.web.admin.guard import AdminDep, StaffViewer
from tollkeeper.web.admin.showing import show
from tollkeeper.web.ui import FormState, Option, empty_form, go, read_form, refused_form, toast

from .applying import FILE, Draft, number_of, show_preview
from .catalogue import HOME
from .catalogue_forms import (
    INTERVALS,
    Data,
    Edited,
    addon_values,
    currencies_of,
    feature_values,
    groups_of,
    plan_values,
    with_addon,
    with_feature,
    with_plan,
    without,
)
from .reading import Fields

router = APIRouter()

NEW = "new"
Key = Annotated[str, Path(alias="thing")]


@dataclass(frozen=True, slots=True)
class Kind:
    """What can be edited: what one is called, its template, its fields as they stand, and the catalogue with them."""

    name: str
    template: str
    values: Callable[[Data, str], dict[str, str]]
    edited: Callable[[Data, str, Fields], Edited]


@dataclass(frozen=True, slots=True)
class Held:
    """The file of the version that holds as data, and its number; 0: none was kept yet."""

    number: int
    data: Data


KINDS: Mapping[str, Kind] = MappingProxyType(
    {
        "plans": Kind("plan", "money/plan_form.html", plan_values, with_plan),
        "features": Kind("feature", "money/feature_form.html", feature_values, with_feature),
        "addons": Kind("add-on", "money/addon_form.html", addon_values, with_addon),
    }
)
PERIODS = (
    Option(EntitlementPeriod.BILLING, "Billing period"),
    Option(EntitlementPeriod.CALENDAR_DAY, "Calendar day"),
    Option(EntitlementPeriod.CALENDAR_WEEK, "Calendar week"),
    Option(EntitlementPeriod.CALENDAR_MONTH, "Calendar month"),
    Option(EntitlementPeriod.CALENDAR_YEAR, "Calendar year"),
    Option(EntitlementPeriod.ROLLING, "Rolling window"),
    Option(EntitlementPeriod.NEVER, "For ever"),
)
_CHOICES = {
    "periods": PERIODS,
    "hardness": (Option("yes", "Refuses what is beyond"), Option("", "Lets it pass")),
    "switch": (Option("", "Not part of it"), Option("true", "On"), Option("false", "Off")),
    "cards": (Option("required", "Asked for at once"), Option("optional", "Not needed")),
    "endings": (Option("cancel", "It ends"), Option("pause", "It is paused")),
    "kinds": (Option("metered", "Counted"), Option("switch", "On or off"), Option("setting", "A value")),
    "aggregations": tuple(Option(each.value, each.value.capitalize()) for each in Aggregation),
}


@router.get(HOME + "/{section}/{thing}")
async def edit_page(request: Request, runtime: RuntimeDep, viewer: AdminDep, section: str, key: Key) -> Response:
    """Show the form of one thing; of a new one it is empty."""
    kind = _kind(section)
    held = await _held(runtime)
    if held.number == 0:
        return toast(request, go(FILE), "Keep the catalogue's file first; then its parts have forms.", "info")
    _must_exist(held.data, section, key)
    values = kind.values(held.data, "" if key == NEW else key)
    return _form(request, viewer, (section, key), held, empty_form(**values))


@router.post(HOME + "/{section}/{thing}")
async def edit_form(request: Request, runtime: RuntimeDep, viewer: AdminDep, section: str, key: Key) -> Response:
    """Show what the form would change."""
    fields, kind = await read_form(request), _kind(section)
    held = await _held(runtime)
    _must_exist(held.data, section, key)
    typed = fields.get("key", "").strip() if key == NEW else key
    try:
        if key == NEW:
            _must_be_free(held.data, section, typed)
        source = kind.edited(held.data, typed, fields).source()
    except InvalidInputError as error:
        form = refused_form(fields, kind.values(held.data, ""), error)
        return _form(request, viewer, (section, key), held, form, failure=error)
    return await show_preview(request, runtime, viewer, Draft(source, number_of(fields, "base") or held.number))


@router.post(HOME + "/{section}/{thing}/archive")
async def archive_form(request: Request, runtime: RuntimeDep, viewer: AdminDep, section: str, key: Key) -> Response:
    """Show what it would change to sell a thing no more."""
    await read_form(request)
    _kind(section)
    held = await _held(runtime)
    _must_exist(held.data, section, key)
    # What stands in the way is said of the file, where it can be mended.
    return await show_preview(
        request, runtime, viewer, Draft(words_of_data(without(held.data, section, key)), held.number)
    )


def _kind(section: str) -> Kind:
    found = KINDS.get(section)
    if found is None:
        raise NotFoundError
    return found


def _must_exist(data: Data, section: str, key: str) -> None:
    if key != NEW and key not in data.get(section, {}):
        raise NotFoundError


def _must_be_free(data: Data, section: str, key: str) -> None:
    if not key or key == NEW:
        raise InvalidInputError([FieldProblem("key", "Give it a key")])
    if key in data.get(section, {}):
        raise InvalidInputError([FieldProblem("key", "Another one has this key")])


async def _held(runtime: Runtime) -> Held:
    async with runtime.transaction(of_all=True) as tx:
        held = await latest_version(tx)
    return Held(held.number, data_of(read_catalogue_file(held.source))) if held else Held(0, {})


def _form(
    request: Request,
    viewer: StaffViewer,
    place: tuple[str, str],
    held: Held,
    form: FormState,
    *,
    failure: InvalidInputError | None = None,
) -> Response:
    (section, key), data = place, held.data
    kind = KINDS[section]
    elsewhere = [each.message for each in failure.problems if each.field not in form.values] if failure else []
    context: dict[str, Any] = {
        **_CHOICES,
        "features": data.get("features", {}),
        "plans": data.get("plans", {}),
        "currencies": currencies_of(data),
        "intervals": INTERVALS,
        "rate_groups": groups_of(data),
    }
    return show(
        request,
        viewer,
        kind.template,
        status=failure.status if failure else 200,
        section=section,
        key=key,
        kind=kind.name,
        is_new=key == NEW,
        thing=data.get(section, {}).get(key, {}),
        base=held.number,
        form=form,
        elsewhere=elsewhere,
        **context,
    )
