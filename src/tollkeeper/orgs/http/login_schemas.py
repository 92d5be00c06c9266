"""What the API takes and answers about logins, passwords and addresses."""

from datetime import datetime
from typing import Literal, Self
from uuid import UUID

from pydantic import BaseModel, Field

from tollkeeper.identity import MAX_PASSWORD, MIN_PASSWORD, Login, Strength, device_name, place_of
from tollkeeper.infra import Runtime

from .schemas import Body, Text

_A_PASSWORD = f"{MIN_PASSWORD} to {MAX_PASSWORD} characters, not easy to guess."


class EmailBody(Body):
    """An address."""

    email: Text = Field(examples=["ada@example.com"])


class LinkBody(Body):
    """The token of a link that came by mail."""

    token: Text


class ResetBody(LinkBody):
    """The token of the mail, and the password from now on."""

    password: Text = Field(description=_A_PASSWORD)


class PasswordBody(Body):
    """The password until now, and the one from now on."""

    current_password: Text | None = Field(None, description="Left out by people who have none yet.")
    new_password: Text = Field(description=_A_PASSWORD)


class StrengthBody(Body):
    """A password somebody thinks of, and what a guesser would know of them."""

    password: Text
    email: Text = ""
    name: Text = ""


class StrengthOut(BaseModel):
    """How hard a password is to guess: `score` from 0 to 4; `is_enough`: it would be taken."""

    score: int
    label: str
    is_enough: bool
    warning: str
    suggestions: list[str]

    @classmethod
    def of(cls, strength: Strength) -> Self:
        """Show an estimate."""
        return cls(
            score=strength.score,
            label=strength.label,
            is_enough=strength.is_enough,
            warning=strength.warning,
            suggestions=list(strength.suggestions),
        )


class MailSentOut(BaseModel):
    """What is to be done stands in a mail. The answer is the same whether anybody has the address."""

    status: Literal["mail_sent"] = "mail_sent"


class AddressOut(BaseModel):
    """An address that has just been proved."""

    email: str
    verified_at: datetime | None


class SessionOut(BaseModel):
    """One place the caller is logged in at.

    `device` and `place` are for people to recognise it by: the device says of itself what it likes, and the place is
    that of the network; empty where nothing is known. `impersonated`: a member of staff acts as the caller.
    """

    id: UUID
    device: str
    user_agent: str
    ip: str
    place: str
    organization_id: UUID
    created_at: datetime
    last_seen_at: datetime
    current: bool
    impersonated: bool

    @classmethod
    def of(cls, login: Login, runtime: Runtime) -> Self:
        """Show a login."""
        return cls(
            id=login.id,
            device=device_name(login.user_agent) if login.user_agent else "Program",
            user_agent=login.user_agent,
            ip=login.ip,
            place=place_of(runtime, login.ip),
            organization_id=login.organization_id,
            created_at=login.created_at,
            last_seen_at=login.last_seen_at,
            current=login.is_current,
            impersonated=login.is_impersonation,
        )


class SessionList(BaseModel):
    """Every place the caller is logged in at, their own first."""

    data: list[SessionOut]


class EndedOut(BaseModel):
    """How many logins ended."""

    ended: int
