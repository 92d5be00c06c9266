"""What passes between us and a browser about a passkey, as the library of the standard (WebAuthn) makes and reads it.

Loaded when the first person uses a passkey: what the library stands on is large.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar

from webauthn import (
    generate_authentication_options,
    generate_registration_options,
    verify_authentication_response,
    verify_registration_response,
)
from webauthn.authentication.verify_authentication_response import VerifiedAuthentication
from webauthn.helpers import (
    base64url_to_bytes,
    options_to_json_dict,
    parse_authentication_credential_json,
    parse_client_data_json,
)
from webauthn.helpers.structs import (
    AuthenticationCredential,
    AuthenticatorSelectionCriteria,
    AuthenticatorTransport,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)
from webauthn.registration.verify_registration_response import VerifiedRegistration

from tollkeeper.identity.model import User

from .codes import ISSUER
from .model import CHALLENGE_LIFE, InvalidPasskeyError, Passkey, RelyingParty

_TRANSPORTS = frozenset(AuthenticatorTransport)
_MILLISECONDS = int(CHALLENGE_LIFE.total_seconds() * 1000)

T = TypeVar("T")


def creation_options(user: User, party: RelyingParty, challenge: bytes, known: Iterable[bytes]) -> dict[str, Any]:
    """Return what `navigator.credentials.create` is given, as JSON. `known`: which passkeys the person has already."""
    options = generate_registration_options(
        rp_id=party.id,
        rp_name=ISSUER,
        user_id=user.id.bytes,
        user_name=user.email,
        user_display_name=user.name,
        challenge=challenge,
        timeout=_MILLISECONDS,
        authenticator_selection=AuthenticatorSelectionCriteria(
            resident_key=ResidentKeyRequirement.REQUIRED,
            require_resident_key=True,
            user_verification=UserVerificationRequirement.REQUIRED,
        ),
        exclude_credentials=[PublicKeyCredentialDescriptor(id=each) for each in known],
    )
    return options_to_json_dict(options)


def request_options(party: RelyingParty, challenge: bytes) -> dict[str, Any]:
    """Return what `navigator.credentials.get` is given, as JSON. It names nobody: the device knows whom."""
    options = generate_authentication_options(
        rp_id=party.id,
        challenge=challenge,
        timeout=_MILLISECONDS,
        user_verification=UserVerificationRequirement.REQUIRED,
    )
    return options_to_json_dict(options)


def made_with(credential: Mapping[str, Any], party: RelyingParty, challenge: bytes) -> VerifiedRegistration:
    """Return the passkey a browser made in answer to a challenge.

    Raises:
        InvalidPasskeyError: it made none, or in answer to something else.
    """
    return _checked(
        lambda: verify_registration_response(
            credential=dict(credential),
            expected_challenge=challenge,
            expected_rp_id=party.id,
            expected_origin=party.origin,
            require_user_verification=True,
        )
    )


def answer_in(credential: Mapping[str, Any]) -> AuthenticationCredential:
    """Return what a browser says of the passkey it answers with; nothing of it is proven yet.

    Raises:
        InvalidPasskeyError: it says nothing of the kind.
    """
    return _checked(lambda: parse_authentication_credential_json(dict(credential)))


def answered_with(
    answer: AuthenticationCredential, party: RelyingParty, challenge: bytes, passkey: Passkey
) -> VerifiedAuthentication:
    """Return what is proven by an answer to a challenge.

    Raises:
        InvalidPasskeyError: nothing is.
    """
    return _checked(
        lambda: verify_authentication_response(
            credential=answer,
            expected_challenge=challenge,
            expected_rp_id=party.id,
            expected_origin=party.origin,
            credential_public_key=passkey.public_key,
            credential_current_sign_count=passkey.sign_count,
            require_user_verification=True,
        )
    )


def challenge_in(credential: Mapping[str, Any]) -> str:
    """Return the challenge a browser says it answers.

    Raises:
        InvalidPasskeyError: it says none.
    """

    def said() -> str:
        told = parse_client_data_json(base64url_to_bytes(credential["response"]["clientDataJSON"]))
        return told.challenge.decode()

    return _checked(said)


def transports_in(credential: Mapping[str, Any]) -> tuple[str, ...]:
    """Return how the device of a passkey is reached, as far as we know the words."""
    named = credential["response"].get("transports")
    return tuple(each for each in named if each in _TRANSPORTS) if isinstance(named, list) else ()


def _checked(work: Callable[[], T]) -> T:
    """Return what the library makes of a browser's answer; whatever it chokes on is no passkey."""
    try:
        return work()
    except Exception as error:  # noqa: BLE001 - hostile bytes come out of its parsers as any kind of error
        raise InvalidPasskeyError(log=str(error)) from None
