"""Values of further proofs, and what can go wrong with them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Literal
from uuid import UUID

from tollkeeper.identity.model import OpenedSession
from tollkeeper.kit import ConflictError, ForbiddenError, NotFoundError, TollkeeperError, UnauthenticatedError

FRESH_FOR = timedelta(minutes=10)
"""For so long after a proof a login may do what is dangerous."""
CHALLENGE_LIFE = timedelta(minutes=10)
RECOVERY_CODES = 10
MAX_PASSKEYS = 20
MAX_PASSKEY_NAME = 60


class Method(StrEnum):
    """By what somebody can prove who they are."""

    PASSWORD = "password"  # noqa: S105 - a kind of proof, not one
    TOTP = "totp"
    PASSKEY = "passkey"
    RECOVERY_CODE = "recovery_code"


@dataclass(frozen=True, slots=True)
class TotpSecret:
    """A person's device that makes codes. `last_step` is of the last code accepted; None before the first."""

    user_id: UUID
    sealed: str
    created_at: datetime
    confirmed_at: datetime | None
    last_step: int | None


@dataclass(frozen=True, slots=True)
class TotpEnrolment:
    """A secret just made, for the device to read: as text, and as the `otpauth:` address that a QR code holds."""

    secret: str
    uri: str


@dataclass(frozen=True, slots=True)
class Passkey:
    """A key that one of a person's devices signs in with. `last_used_at` None: never since it was added."""

    id: UUID
    user_id: UUID
    credential_id: bytes
    public_key: bytes
    sign_count: int
    transports: tuple[str, ...]
    backed_up: bool
    name: str
    created_at: datetime
    last_used_at: datetime | None


@dataclass(frozen=True, slots=True)
class Factors:
    """What a person has besides the password. `totp_since` None: no device that makes codes."""

    totp_since: datetime | None
    passkeys: tuple[Passkey, ...]
    recovery_codes_left: int

    @property
    def enrolled(self) -> bool:
        """Whether the password alone no longer lets this person in."""
        return self.totp_since is not None or bool(self.passkeys)

    @property
    def methods(self) -> tuple[Method, ...]:
        """What can be the second factor of a login, the usual ones first; empty when none is enrolled."""
        ways = (
            (Method.TOTP, self.totp_since is not None),
            (Method.PASSKEY, bool(self.passkeys)),
            (Method.RECOVERY_CODE, self.enrolled and self.recovery_codes_left > 0),
        )
        return tuple(method for method, is_there in ways if is_there)


@dataclass(frozen=True, slots=True)
class RelyingParty:
    """For whom passkeys are made: the host they belong to, and the origin that may ask for them."""

    id: str
    origin: str


@dataclass(frozen=True, slots=True)
class Refused:
    """A proof that was not accepted, as a value so that its being counted is committed.

    `until` is when the next one is looked at, exclusive; None: at once.
    """

    why: Literal["wrong", "wait"]
    until: datetime | None = None

    def error(self, now: datetime) -> TollkeeperError:
        """Return what the caller is told."""
        if self.why == "wrong" or self.until is None:
            return InvalidCodeError()
        return TooManyCodesError(retry_after=max(1, round((self.until - now).total_seconds())))


@dataclass(frozen=True, slots=True)
class Proved:
    """A login that proved itself again. `fresh_until` is exclusive.

    `session` is the browser's session with its new token, the old one being worth nothing; None for programs.
    """

    fresh_until: datetime
    session: OpenedSession | None


class StepUpNeededError(ForbiddenError):
    """This is dangerous, and the login last proved itself too long ago."""

    code = "step_up_required"
    title = "Confirm that it is you"
    hint = "Prove yourself again with `POST /api/auth/step-up`, then repeat the call within ten minutes."


class SecondFactorNeededError(UnauthenticatedError):
    """The password is right, and this person has a second factor."""

    code = "second_factor_required"
    title = "A second factor is needed"
    hint = "Send the same again with `otp`: a code of the authenticator app or a recovery code. Or use a passkey."

    def __init__(self, user_id: UUID, methods: Sequence[Method]) -> None:
        """`user_id` is whose password it was, for us alone; `methods` are by which it may go on."""
        super().__init__(methods=[method.value for method in methods])
        self.user_id = user_id
        self.methods = tuple(methods)


class InvalidCodeError(UnauthenticatedError):
    """The code is wrong, too old, or was used before; which of them is not told."""

    code = "invalid_code"
    title = "The code is not right"
    hint = "Wait for the next code of the app and try again, or use a recovery code. Each code works once."


class TooManyCodesError(TollkeeperError):
    """So many proofs were wrong in a row that the next one has to wait."""

    code = "too_many_wrong_codes"
    status = 429
    title = "Too many wrong tries in a row"
    hint = "Wait as long as `Retry-After` says, or use a passkey."

    def __init__(self, *, retry_after: int) -> None:
        """`retry_after` is in seconds."""
        super().__init__(
            f"Too many wrong tries in a row; the next one is looked at in {retry_after} s.",
            headers={"Retry-After": str(retry_after)},
            retry_after=retry_after,
        )


class InvalidPasskeyError(UnauthenticatedError):
    """The passkey is not known, or its answer is not one to a question of ours, or was used before."""

    code = "invalid_passkey"
    title = "The passkey was not accepted"
    hint = "Ask for new options and try again, or use another way to log in."

    def __init__(self, *, log: str | None = None, **extra: Any) -> None:
        """`log` says for us what was wrong with it."""
        super().__init__(log=log, **extra)


class PasskeysUnavailableError(ConflictError):
    """The server is reached by a number, and passkeys belong to a name."""

    code = "passkeys_unavailable"
    title = "Passkeys need a host name"
    hint = "Reach the server by a name over https, or as `localhost`."


class PasskeyNotFoundError(NotFoundError):
    """The person has no such passkey."""

    code = "passkey_not_found"
    title = "There is no such passkey"


class TooManyPasskeysError(ConflictError):
    """The person has as many passkeys as one may have."""

    code = "too_many_passkeys"
    title = f"You have {MAX_PASSKEYS} passkeys already"
    hint = "Remove one that you no longer use."


class TotpEnrolledError(ConflictError):
    """There is an authenticator app already."""

    code = "totp_enrolled"
    title = "An authenticator app is set up already"
    hint = "Remove it first."


class TotpNotBegunError(ConflictError):
    """Nothing was begun that could be confirmed."""

    code = "totp_not_begun"
    title = "Setting up an authenticator app was not begun"
    hint = "Begin with `POST /api/profile/totp`."


class NoFactorError(ConflictError):
    """Without a second factor there is nothing to recover."""

    code = "no_second_factor"
    title = "You have no second factor"
    hint = "Set up an authenticator app or a passkey first; recovery codes come with it."
