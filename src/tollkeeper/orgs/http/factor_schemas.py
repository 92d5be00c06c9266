"""What the API takes and answers about further proofs of who one is."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any, Self
from uuid import UUID

import segno
from pydantic import BaseModel, Field, model_validator

from tollkeeper.identity import MAX_PASSKEY_NAME, Factors, Method, Passkey, Proved, TotpEnrolment

from .schemas import Body, Code, Name, Text

Credential = Annotated[
    dict[str, Any],
    Field(description="What the browser's `navigator.credentials` call gave, as its `toJSON()` says it."),
]
PasskeyName = Annotated[Name, Field(max_length=MAX_PASSKEY_NAME)]


class CredentialBody(Body):
    """A passkey's answer to a challenge."""

    credential: Credential


class StepUpBody(Body):
    """One proof of who you are: exactly one of the three."""

    password: Text | None = None
    otp: Code | None = None
    credential: Credential | None = None

    @model_validator(mode="after")
    def _one(self) -> Self:
        if sum(each is not None for each in (self.password, self.otp, self.credential)) != 1:
            raise ValueError("send exactly one of `password`, `otp` and `credential`")
        return self


class CodeBody(Body):
    """A code the app shows now."""

    code: Code


class PasskeyBody(Body):
    """A passkey the browser just made, and what you call it."""

    name: PasskeyName
    credential: Credential


class PasskeyChangeBody(Body):
    """Another name of a passkey."""

    name: PasskeyName


class OptionsOut(BaseModel):
    """What the browser's `navigator.credentials` call is given as `publicKey`, in its JSON form."""

    options: dict[str, Any]


class StepUpStateOut(BaseModel):
    """Whether dangerous calls are let through now. `methods` empty: log in anew instead."""

    fresh: bool
    methods: list[Method]


class StepUpOut(BaseModel):
    """A login that proved itself. `csrf_token` goes with the new session cookie; null for tokens."""

    fresh_until: datetime
    csrf_token: str | None

    @classmethod
    def of(cls, proved: Proved) -> Self:
        """Show a login that proved itself."""
        return cls(fresh_until=proved.fresh_until, csrf_token=proved.session.csrf_token if proved.session else None)


class TotpOut(BaseModel):
    """A secret for the app: as text, as the address that a QR code holds, and as that QR code (a `data:` address)."""

    secret: str
    uri: str
    qr: str

    @classmethod
    def of(cls, enrolment: TotpEnrolment) -> Self:
        """Show a secret just made."""
        return cls(secret=enrolment.secret, uri=enrolment.uri, qr=qr_image(enrolment.uri))


def qr_image(text: str) -> str:
    """Return a QR code as the `data:` address of an SVG image, dark on light in every theme."""
    image: str = segno.make(text, micro=False).svg_data_uri(scale=5, border=3, light="#fff")
    return image


class RecoveryCodesOut(BaseModel):
    """Recovery codes, shown this once and kept as digests; null: you have some already, and they stay good."""

    recovery_codes: list[str] | None

    @classmethod
    def of(cls, codes: Sequence[str] | None) -> Self:
        """Show codes just made."""
        return cls(recovery_codes=None if codes is None else list(codes))


class PasskeyOut(BaseModel):
    """A passkey. `backed_up`: it is on more than one device; `last_used_at` null: never used yet."""

    id: UUID
    name: str
    backed_up: bool
    transports: list[str]
    created_at: datetime
    last_used_at: datetime | None

    @classmethod
    def of(cls, passkey: Passkey) -> Self:
        """Show a passkey."""
        return cls(
            id=passkey.id,
            name=passkey.name,
            backed_up=passkey.backed_up,
            transports=list(passkey.transports),
            created_at=passkey.created_at,
            last_used_at=passkey.last_used_at,
        )


class NewPasskeyOut(RecoveryCodesOut):
    """A passkey just added."""

    passkey: PasskeyOut


class FactorsOut(BaseModel):
    """What you have besides the password. `enrolled`: the password alone does not let you in."""

    enrolled: bool
    totp_since: datetime | None
    passkeys: list[PasskeyOut]
    recovery_codes_left: int

    @classmethod
    def of(cls, factors: Factors) -> Self:
        """Show somebody's factors."""
        return cls(
            enrolled=factors.enrolled,
            totp_since=factors.totp_since,
            passkeys=[PasskeyOut.of(each) for each in factors.passkeys],
            recovery_codes_left=factors.recovery_codes_left,
        )
