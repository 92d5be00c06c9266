"""Further proofs of who one is: codes from a device, passkeys, recovery codes; and proving oneself anew.

Owns: TOTP secrets, recovery codes, passkeys, spent challenges, and when a login last proved itself.
Does not own: passwords and the making of logins (identity itself), who is let in after which proof (orgs).
Invariants: a TOTP secret rests sealed and a recovery code as a digest; a code, a challenge and a recovery code are each
accepted once; who has a factor has recovery codes; wrong proofs in a row make the next one wait.
What each time means: a code belongs to the thirty seconds it was made in and is taken half a minute before and after;
a challenge is good for `CHALLENGE_LIFE`, exclusive; a login is fresh for `FRESH_FOR` after `proved_at`.
"""

from .codes import (
    begin_totp,
    begun_totp,
    check_code,
    confirm_totp,
    factors_of,
    needs_second_factor,
    remove_factors,
    remove_totp,
    renew_recovery_codes,
)
from .ending import forget_ended_proofs
from .fresh import is_fresh, must_be_fresh, prove_anew, prove_by_code, prove_by_password, step_up_methods
from .model import (
    FRESH_FOR,
    MAX_PASSKEY_NAME,
    Factors,
    InvalidCodeError,
    InvalidPasskeyError,
    Method,
    NoFactorError,
    Passkey,
    PasskeyNotFoundError,
    PasskeysUnavailableError,
    Proved,
    Refused,
    RelyingParty,
    SecondFactorNeededError,
    StepUpNeededError,
    TooManyCodesError,
    TooManyPasskeysError,
    TotpEnrolledError,
    TotpEnrolment,
    TotpNotBegunError,
)
from .passkeys import (
    add_passkey,
    passkey_creation_options,
    passkey_request_options,
    remove_passkey,
    rename_passkey,
    use_passkey,
)
from .rules import relying_party, wait_until

__all__ = [
    "FRESH_FOR",
    "MAX_PASSKEY_NAME",
    "Factors",
    "InvalidCodeError",
    "InvalidPasskeyError",
    "Method",
    "NoFactorError",
    "Passkey",
    "PasskeyNotFoundError",
    "PasskeysUnavailableError",
    "Proved",
    "Refused",
    "RelyingParty",
    "SecondFactorNeededError",
    "StepUpNeededError",
    "TooManyCodesError",
    "TooManyPasskeysError",
    "TotpEnrolledError",
    "TotpEnrolment",
    "TotpNotBegunError",
    "add_passkey",
    "begin_totp",
    "begun_totp",
    "check_code",
    "confirm_totp",
    "factors_of",
    "forget_ended_proofs",
    "is_fresh",
    "must_be_fresh",
    "needs_second_factor",
    "passkey_creation_options",
    "passkey_request_options",
    "prove_anew",
    "prove_by_code",
    "prove_by_password",
    "relying_party",
    "remove_factors",
    "remove_passkey",
    "remove_totp",
    "rename_passkey",
    "renew_recovery_codes",
    "step_up_methods",
    "use_passkey",
    "wait_until",
]
