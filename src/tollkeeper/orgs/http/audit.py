"""Addresses of the trail: an organization's, everybody's for operators, and what a person did themselves."""

from collections.abc import AsyncIterator
from datetime import datetime
from typing import Annotated, Any, Self
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field
from starlette.responses import StreamingResponse

from tollkeeper.infra import ActorDep, Runtime, RuntimeDep, Sought, TxDep, count_trail
from tollkeeper.kit import Page
from tollkeeper.orgs.auditing import Told, TrailFormat, flat, head_of_file, lines_of_file, read_trail, whose_trail

from .person import person_of
from .schemas import MAX_PAGE, read_cursor

router = APIRouter()

MAX_WORD = 200
_FILE: dict[str, Any] = {"schema": {"type": "string", "format": "binary"}}
_PIECE = 500
MOST_COUNTED = 100_000
"""So many records are counted before they are sent, which an index tells in milliseconds."""
Word = Annotated[str, Field(min_length=1, max_length=MAX_WORD, pattern="^[^\x00]*$")]


class WhenQuery(BaseModel):
    """Which records: of what kind, and when."""

    model_config = ConfigDict(extra="forbid")

    action: Word | None = Field(None, description="What was done, or with a full stop at its end all that begin so.")
    since: AwareDatetime | None = Field(None, alias="from", description="Not before.")
    until: AwareDatetime | None = Field(None, alias="to", description="Before.")


class TrailQuery(WhenQuery):
    """Which records: by whom, to what."""

    actor: UUID | None = Field(None, description="A person, login, key, or member of staff who acted as another.")
    target_kind: Word | None = Field(None, description="What it was done to: `key`, `user`, `subscription`...")
    target_id: Word | None = Field(None, description="Which one; with `target_kind`.")
    request_id: Word | None = Field(None, description="The `X-Request-Id` of a call.")
    impersonated: bool | None = Field(None, description="Only what staff did in somebody's place, or only the rest.")
    customer: Word | None = Field(
        None, description="For operators: whose, by id or external id; left out: everybody's."
    )

    def sought(self, organization_id: UUID | None) -> Sought:
        """Return what is looked for."""
        return Sought(
            organization_id=organization_id,
            action=self.action,
            actor=self.actor,
            target_kind=self.target_kind,
            target_id=self.target_id,
            request_id=self.request_id,
            impersonated=self.impersonated,
            since=self.since,
            until=self.until,
        )


class PageQuery(BaseModel):
    """Which page."""

    limit: int = Field(50, ge=1, le=MAX_PAGE, description="Items a page.")
    cursor: str | None = Field(
        None, max_length=64, description="`next_cursor` of the page before; left out for the first page."
    )


class TrailPageQuery(TrailQuery, PageQuery):
    """A page of the trail."""


class ActivityQuery(WhenQuery, PageQuery):
    """A page of the own activity."""


class TrailFileQuery(TrailQuery):
    """The trail as a file."""

    file_format: TrailFormat = Field(TrailFormat.CSV, alias="format")


class RecordOut(BaseModel):
    """One thing that was done."""

    id: UUID
    at: datetime
    action: str
    organization_id: UUID | None = Field(description="null: it concerns none, or all")
    actor_kind: str = Field(description="By what who acted proved who they are; `nobody`: without a login.")
    user_id: UUID | None
    email: str | None = Field(description="Of the person who acted; null when none did, or they are gone.")
    credential_id: UUID | None = Field(description="The session, login or key that acted.")
    impersonator_id: UUID | None = Field(description="The member of staff who acted as the person.")
    target_kind: str
    target_id: str
    via: str = Field(description="The call, job or command.")
    request_id: str
    ip: str
    user_agent: str
    before: dict[str, Any] | None
    after: dict[str, Any] | None
    erased: bool = Field(description="The details are gone with a person who was erased.")

    @classmethod
    def of(cls, told: Told) -> Self:
        """Show a record."""
        return cls(**flat(told))


class RecordList(BaseModel):
    """Records, newest first."""

    data: list[RecordOut]
    next_cursor: str | None

    @classmethod
    def of(cls, page: Page[Told]) -> Self:
        """Show a page."""
        return cls(data=[RecordOut.of(each) for each in page.data], next_cursor=page.next_cursor)


@router.get("/audit", tags=["Audit"], summary="Search the audit trail")
async def search_audit(tx: TxDep, actor: ActorDep, wanted: Annotated[TrailPageQuery, Query()]) -> RecordList:
    """What was done in the organization, newest first; to operators who name no customer, everything."""
    sought = wanted.sought(await whose_trail(tx, actor, wanted.customer))
    return RecordList.of(await read_trail(tx, sought, cursor=read_cursor(wanted.cursor), limit=wanted.limit))


@router.get(
    "/audit/export",
    tags=["Audit"],
    summary="Export the audit trail",
    response_class=StreamingResponse,
    responses={
        200: {
            "description": "The records, one a line, newest first.",
            "headers": {
                "X-Total-Count": {
                    "description": f"How many they are; left out when more than {MOST_COUNTED:,}.",
                    "schema": {"type": "integer"},
                }
            },
            "content": {each.media_type: _FILE for each in TrailFormat},
        }
    },
)
async def export_audit(
    tx: TxDep, actor: ActorDep, runtime: RuntimeDep, wanted: Annotated[TrailFileQuery, Query()]
) -> StreamingResponse:
    """Everything a search would find, as a file. That it was exported is recorded, too."""
    whose = await whose_trail(tx, actor, wanted.customer)
    await tx.record(
        "trail.exported", target=("trail", ""), organization_id=whose, after=wanted.model_dump(exclude_none=True)
    )
    total = await count_trail(tx, wanted.sought(whose), most=MOST_COUNTED)
    name = f"audit-{tx.now:%Y%m%d}.{wanted.file_format}"
    return StreamingResponse(
        _pieces(runtime, wanted.sought(whose), wanted.file_format),
        media_type=wanted.file_format.media_type,
        headers={"content-disposition": f'attachment; filename="{name}"'}
        | ({} if total is None else {"x-total-count": str(total)}),
    )


async def _pieces(runtime: Runtime, sought: Sought, file_format: TrailFormat) -> AsyncIterator[bytes]:
    """Yield the file piece by piece, a short transaction each: a slow reader holds no connection."""
    yield head_of_file(file_format)
    cursor: str | None = None
    while True:
        async with runtime.transaction() as tx:
            page = await read_trail(tx, sought, cursor=read_cursor(cursor), limit=_PIECE)
        yield lines_of_file(page.data, file_format)
        cursor = page.next_cursor
        if cursor is None:
            return


@router.get("/profile/activity", tags=["People"], summary="Read the own activity")
async def read_activity(tx: TxDep, actor: ActorDep, wanted: Annotated[ActivityQuery, Query()]) -> RecordList:
    """What the caller did and what was done to their account, newest first, in whichever organization."""
    sought = Sought(person=person_of(actor), action=wanted.action, since=wanted.since, until=wanted.until)
    return RecordList.of(await read_trail(tx, sought, cursor=read_cursor(wanted.cursor), limit=wanted.limit))
