"""Addresses for the operator's staff: to see an account as the person they help sees it."""

from datetime import datetime, timedelta
from typing import Annotated, Self
from uuid import UUID

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from tollkeeper.identity import OpenedSession
from tollkeeper.identity.staff import (
    IMPERSONATION_LIFE,
    LONGEST_IMPERSONATION,
    MAX_REASON,
    Impersonation,
    ImpersonationNotFoundError,
    end_impersonation,
    list_impersonations,
    must_be_staff,
)
from tollkeeper.infra import ActorDep, TxDep
from tollkeeper.kit import id_or
from tollkeeper.orgs.impersonating import act_as
from tollkeeper.orgs.model import Member

from .browsers import client_of, keep_own_session, set_session_cookie
from .schemas import OrganizationOut, UserOut

router = APIRouter(prefix="/staff/impersonations", tags=["Staff"])

MINUTES = int(IMPERSONATION_LIFE.total_seconds() // 60)
MOST_MINUTES = int(LONGEST_IMPERSONATION.total_seconds() // 60)
Reason = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=MAX_REASON, pattern="^[^\x00]*$")
]


class ImpersonationBody(BaseModel):
    """As whom to act, why, and for how long."""

    model_config = ConfigDict(extra="forbid")

    email: str = Field(max_length=320, description="Of the person.")
    organization: str | None = Field(
        None,
        min_length=1,
        max_length=200,
        description="For which of their organizations, by id or external id; left out: where they would log in.",
    )
    reason: Reason = Field(description="For the trail; the person sees it in their activity, too.")
    minutes: int = Field(MINUTES, ge=1, le=MOST_MINUTES, strict=True, description="After these it ends by itself.")


class BegunOut(BaseModel):
    """A session in which staff act as somebody. The answer sets the browser's cookie."""

    id: UUID
    user: UserOut
    organization: OrganizationOut
    expires_at: datetime
    csrf_token: str

    @classmethod
    def of(cls, member: Member, opened: OpenedSession) -> Self:
        """Show what was begun."""
        return cls(
            id=opened.session.id,
            user=UserOut.of(member.user),
            organization=OrganizationOut.of(member.organization),
            expires_at=opened.expires_at,
            csrf_token=opened.csrf_token,
        )


class ImpersonationOut(BaseModel):
    """A session that is open."""

    id: UUID
    staff_id: UUID
    user_id: UUID
    organization_id: UUID
    created_at: datetime
    expires_at: datetime

    @classmethod
    def of(cls, found: Impersonation) -> Self:
        """Show one."""
        return cls(
            id=found.id,
            staff_id=found.staff_id,
            user_id=found.user_id,
            organization_id=found.organization_id,
            created_at=found.created_at,
            expires_at=found.expires_at,
        )


class ImpersonationList(BaseModel):
    """Open sessions, newest first."""

    data: list[ImpersonationOut]


@router.post(
    "",
    status_code=201,
    responses={
        403: {"description": "`staff_needed`, `step_up_required`, `not_impersonable`"},
        404: {"description": "`person_not_found`, `customer_not_found`"},
    },
    summary="Act as somebody",
)
async def begin(body: ImpersonationBody, request: Request, response: Response, tx: TxDep, actor: ActorDep) -> BegunOut:
    """Open a browser session in which staff see what a person sees, and can change nothing.

    The caller proves who they are again first. The answer sets the session cookie; logging out ends it and gives a
    browser its own session back. Everything is in the trail with the name of who acted, and the person sees it in
    their activity.
    """
    member, opened = await act_as(
        tx,
        actor,
        body.email,
        body.organization,
        reason=body.reason,
        life=timedelta(minutes=body.minutes),
        client=client_of(request),
    )
    set_session_cookie(request, response, opened)
    keep_own_session(request, response, opened)
    return BegunOut.of(member, opened)


@router.get("", responses={403: {"description": "`staff_needed`"}}, summary="List who acts as whom")
async def list_open(tx: TxDep, actor: ActorDep) -> ImpersonationList:
    """Sessions in which staff act as somebody now."""
    await must_be_staff(tx, actor)
    return ImpersonationList(data=[ImpersonationOut.of(each) for each in await list_impersonations(tx)])


@router.delete(
    "/{impersonation_id}",
    status_code=204,
    responses={
        403: {"description": "`staff_needed`"},
        404: {"description": "`impersonation_not_found`: none is open, or it is another's and the caller no admin"},
    },
    summary="Stop acting as somebody",
)
async def end(impersonation_id: str, tx: TxDep, actor: ActorDep) -> None:
    """End such a session at once: one's own, or as an admin of staff anybody's."""
    staff = await must_be_staff(tx, actor)
    found = id_or(impersonation_id, ImpersonationNotFoundError)
    await end_impersonation(tx, staff, found)
