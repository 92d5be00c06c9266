"""The usage calls. `track` and `check` are in `hot`, where admission calls them directly; here they are described."""

from datetime import datetime, timedelta
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, IPvAnyAddress, StrictInt
from starlette.responses import Response

from tollkeeper.catalog import Entitlement
from tollkeeper.gate import hot
from tollkeeper.gate.history import Split, usage_history
from tollkeeper.gate.hot import balance_document
from tollkeeper.gate.model import Access, AddressNotAllowedError, Balance, InvalidKeyError, offer_document
from tollkeeper.gate.schemas import MAX_COUNT, MAX_FEATURE, BalanceBody, CheckAnswer, CheckBody, TrackBody
from tollkeeper.gate.service import Gate
from tollkeeper.infra import ActorDep, RuntimeDep, Tx, TxDep, current_actor, pairs, runtime_of
from tollkeeper.kit import FieldProblem, InvalidInputError, Permission
from tollkeeper.metering import HistoryPoint
from tollkeeper.orgs import OrganizationSuspendedError
from tollkeeper.rating import Period

router = APIRouter(prefix="/usage", tags=["Usage"])
keys_router = APIRouter(prefix="/keys", tags=["API keys"])

LONGEST_HISTORY = timedelta(days=366)
DEFAULT_HISTORY = timedelta(days=30)
# Nothing was counted before; dates near the first year cannot be reckoned with.
EARLIEST_YEAR = 2000
MAX_FILTER = 255

PROBLEMS: dict[int | str, dict[str, Any]] = {
    401: {"description": "No valid credential."},
    402: {"description": "`quota_exceeded`: a hard limit would be passed; nothing was recorded."},
    403: {"description": "The key or role may not do this."},
    404: {"description": "No such customer."},
    413: {"description": "The body is too large."},
    422: {"description": "Invalid fields, all named in `errors`."},
    429: {"description": "Too many calls; see `Retry-After`."},
    503: {"description": "The database does not answer; see `Retry-After`."},
}


_CALLER = [Depends(current_actor)]  # asked for below, too; here so that the description says so


def _takes(model: type[BaseModel]) -> dict[str, Any]:
    content = {"application/json": {"schema": model.model_json_schema()}}
    return {"requestBody": {"required": True, "content": content}}


def without(status: int) -> dict[int | str, dict[str, Any]]:
    """Return the problems but for one that cannot happen there."""
    return {code: words for code, words in PROBLEMS.items() if code != status}


@router.post(
    "/track", response_model=BalanceBody, responses=PROBLEMS, openapi_extra=_takes(TrackBody), dependencies=_CALLER
)
async def track(request: Request) -> Response:
    """Use something: decided exactly against the limit, and on disk when the answer comes."""
    return await _through(hot.track, request)


@router.post(
    "/check", response_model=CheckAnswer, responses=without(402), openapi_extra=_takes(CheckBody), dependencies=_CALLER
)
async def check(request: Request) -> Response:
    """Ask whether something may be used; records nothing."""
    return await _through(hot.check, request)


async def _through(call: hot.HotCall, request: Request) -> Response:
    answer = await call(gate_of(request), current_actor(request), await request.body())
    response = Response(answer.body)
    response.raw_headers += pairs(answer.head)
    return response


def gate_of(request: Request) -> Gate:
    """Return the gate of this process."""
    return runtime_of(request).part(Gate)


CustomerQuery = Annotated[
    str | None, Query(min_length=1, max_length=255, description="Organization's id or external id; operator keys only.")
]


async def _access(gate: Gate, actor: ActorDep, customer: str | None) -> Access:
    actor.must(Permission.USAGE_READ)
    return await gate.access(await gate.organization_of(actor, customer))


GroupQuery = Annotated[
    list[Annotated[str, Field(min_length=1, max_length=255)]] | None,
    Query(alias="group_by", max_length=5, description="Properties of the events to split the history by."),
]
FILTERS: dict[str, Any] = {
    "parameters": [
        {
            "name": "filter",
            "in": "query",
            "style": "deepObject",
            "explode": True,
            "schema": {"type": "object", "additionalProperties": {"type": "string", "maxLength": MAX_FILTER}},
            "description": "`filter[model]=large`: only events with this property; given twice, either value.",
        }
    ]
}


@router.get("", responses=without(402), openapi_extra=FILTERS)
async def usage(
    *,
    request: Request,
    actor: ActorDep,
    runtime: RuntimeDep,
    tx: TxDep,
    customer: CustomerQuery = None,
    feature: Annotated[str | None, Query(min_length=1, max_length=64)] = None,
    start: Annotated[AwareDatetime | None, Query(alias="from")] = None,
    end: Annotated[AwareDatetime | None, Query(alias="to")] = None,
    bucket: Split = Split.DAY,
    group: GroupQuery = None,
) -> dict[str, Any]:
    """Where every feature stands in its current period; with `feature`, its history by bucket, too."""
    gate = runtime.part(Gate)
    access = await _access(gate, actor, customer)
    balances = [_listed(balance) for balance in await gate.balances(access)]
    answer: dict[str, Any] = {"plan": access.plan, "data": balances}
    if feature is None:
        return answer
    span = history_span(start, end, tx.now)
    points = await usage_history(
        tx, access, feature, span, bucket, group_by=list(dict.fromkeys(group or ())), filters=history_filters(request)
    )
    answer["data"] = [each for each in balances if each["feature"] == feature]
    answer["history"] = {
        "feature": feature,
        "from": span.start,
        "to": span.end,
        "bucket": bucket,
        "data": [_point(point) for point in points],
    }
    return answer


def _listed(balance: Balance) -> dict[str, Any]:
    return {**balance_document(balance), "percent": balance.percent}


def _point(point: HistoryPoint) -> dict[str, Any]:
    return {"start": point.start, "used": point.used} | ({"group": point.group} if point.group else {})


def history_filters(request: Request) -> dict[str, list[str]]:
    """Return what `filter[property]=value` in the address says: the values by property.

    Raises:
        InvalidInputError: a filter has no property, or a value that is too long or none a text can hold.
    """
    found: dict[str, list[str]] = {}
    for name, value in request.query_params.multi_items():
        if not name.startswith("filter["):
            continue
        path = name.removeprefix("filter[").removesuffix("]")
        if not path or not name.endswith("]") or len(value) > MAX_FILTER or "\x00" in value:
            raise InvalidInputError(
                [FieldProblem("filter", f"filter[property]=value, {MAX_FILTER} characters at most")]
            )
        found.setdefault(path, []).append(value)
    return found


def history_span(start: datetime | None, end: datetime | None, now: datetime) -> Period:
    """The span a history was asked for: by default the last 30 days, at most a year.

    Raises:
        InvalidInputError: it ends before it starts, or is too long.
    """
    last = end or now
    if last.year < EARLIEST_YEAR:
        raise InvalidInputError([FieldProblem("to", f"must not lie before the year {EARLIEST_YEAR}")])
    first = start or last - DEFAULT_HISTORY
    if first >= last:
        raise InvalidInputError([FieldProblem("from", "must be before `to`")])
    if last - first > LONGEST_HISTORY:
        raise InvalidInputError([FieldProblem("from", "at most 366 days before `to`")])
    return Period(first, last)


@router.get("/limits", responses=without(402))
async def limits(actor: ActorDep, runtime: RuntimeDep, tx: TxDep, customer: CustomerQuery = None) -> dict[str, Any]:
    """Every entitlement of the organization, metered ones with where they stand."""
    gate = runtime.part(Gate)
    access = await _access(gate, actor, customer)
    data = await limits_report(tx, access.standing.organization_id)
    return {"plan": access.plan, "data": data, "next_cursor": None}


async def limits_report(tx: Tx, organization_id: UUID) -> list[dict[str, Any]]:
    """Every entitlement of an organization as JSON values, metered ones with where they stand."""
    gate = tx.runtime.part(Gate)
    access = await gate.access(organization_id)
    balances = {balance.allowance.feature: balance for balance in await gate.balances(access)}
    return [_entry(each, balances.get(each.feature.key)) for each in access.purchase.entitlements]


def _entry(entitlement: Entitlement, balance: Balance | None) -> dict[str, Any]:
    feature = entitlement.feature
    entry = {"feature": feature.key, "name": feature.name, "kind": feature.kind, "unit": feature.unit}
    if balance is None:
        return {**entry, "value": entitlement.value}
    window = entitlement.window
    terms = {
        "period": entitlement.period,
        "window_seconds": None if window is None else window // timedelta(seconds=1),
        "enforcement": "hard" if entitlement.hard else "soft",
        "grace": entitlement.grace,
        "thresholds": balance.allowance.thresholds,
        "rollover": entitlement.rollover,
        "per_member": entitlement.per_member,
        "credits": balance.credits,
    }
    return {**entry, **_listed(balance), **terms, "sources": _sources(balance)}


def _sources(balance: Balance) -> list[dict[str, Any]]:
    """What the limit is made of when there is more to it than the plan; `addon` null is the plan's part."""
    found = balance.allowance.sources
    return [{"name": each.name, "addon": each.addon, "quantity": each.quantity, "limit": each.amount} for each in found]


class VerifyBody(BaseModel):
    """Ask about a key; with a feature, also whether so much of it may be used. Records nothing."""

    model_config = ConfigDict(extra="forbid")

    key: str = Field(min_length=1, max_length=255, description="The secret a caller sent you.")
    feature: str | None = Field(None, min_length=1, max_length=MAX_FEATURE)
    quantity: StrictInt = Field(1, ge=1, le=MAX_COUNT)
    address: IPvAnyAddress | None = Field(
        None,
        description="From where the caller came to you. Left out: the key's networks are not looked at.",
    )


@keys_router.post("/verify", responses=without(402))
async def verify(actor: ActorDep, runtime: RuntimeDep, body: VerifyBody) -> dict[str, Any]:
    """Tell an operator whose key this is and whether it is good; an unknown key is an answer, not an error."""
    actor.must(Permission.KEYS_VERIFY)
    gate = runtime.part(Gate)
    try:
        owner = await gate.projection.actor_of_key(
            body.key, runtime.clock.now(), str(body.address) if body.address else None
        )
    except AddressNotAllowedError as error:
        return {"valid": False, "code": error.code}
    except InvalidKeyError as error:
        return {"valid": False, "code": error.extra.get("reason", "not_found")}
    answer: dict[str, Any] = {
        "valid": True,
        "code": "valid",
        "key_id": owner.credential_id,
        "permissions": sorted(owner.permissions),
        "organization": owner.organization_id,
    }
    if owner.organization_id is None:
        return answer
    access = await gate.access(owner.organization_id)
    answer["plan"] = access.plan
    if access.standing.suspended:
        return answer | {"valid": False, "code": OrganizationSuspendedError.code}
    if body.feature is None:
        return answer
    allowed, balance = await gate.ask(owner, access, body.feature, body.quantity)
    answer["usage"] = balance_document(balance)
    if not allowed:
        answer |= {
            "valid": False,
            "code": "quota_exceeded",
            "upgrade": offer_document(access.purchase.offers.get(body.feature)),
        }
    return answer
