"""What the imitation knows: who said they were whom, and what it was told to do wrong."""

from dataclasses import dataclass
from enum import StrEnum


class Misbehaviour(StrEnum):
    """One thing an issuer, or somebody in its place, does wrong. Everything else stays right."""

    NONE = "none"
    OTHER_ISSUER = "other_issuer"
    """The ID token is another issuer's."""
    OTHER_AUDIENCE = "other_audience"
    """The ID token was made for another client."""
    TWO_AUDIENCES = "two_audiences"
    """The ID token is for this client and another, and the other asked for it."""
    OTHER_NONCE = "other_nonce"
    """The ID token belongs to another attempt to sign in."""
    NO_NONCE = "no_nonce"
    EXPIRED = "expired"
    FROM_THE_FUTURE = "from_the_future"
    UNSIGNED = "unsigned"
    """The ID token says `alg: none`."""
    SIGNED_WITH_THE_SECRET = "signed_with_the_secret"  # noqa: S105 - a name
    """The ID token says `alg: HS256`, under the client's own secret."""
    SIGNED_WITH_A_STRANGERS_KEY = "signed_with_a_strangers_key"
    """The ID token names a key that is in the set, but another key signed it."""
    UNKNOWN_KEY = "unknown_key"
    """The ID token names a key that is not in the set."""
    DISCOVERY_OF_ANOTHER = "discovery_of_another"
    """The discovery document names another issuer."""
    INSECURE_ENDPOINT = "insecure_endpoint"
    """The discovery document leads elsewhere for the token."""
    USERINFO_OF_ANOTHER = "userinfo_of_another"
    """Userinfo speaks of another person than the ID token."""
    NO_EMAIL = "no_email"
    """Neither the ID token nor userinfo names an address."""
    ONLY_USERINFO = "only_userinfo"
    """The ID token names no address, userinfo does: allowed, and common."""
    OTHER_STATE = "other_state"
    """The browser comes back with the state of another attempt."""
    OTHER_ISS = "other_iss"
    """The browser comes back with another issuer's name (RFC 9207)."""
    DOWN = "down"
    """Everything a program asks for is answered with 503."""
    NOT_JSON = "not_json"
    """Everything a program asks for is answered with a page."""


@dataclass(frozen=True, slots=True)
class Person:
    """Who somebody said they were. `sub` is stable for an address at an issuer."""

    sub: str
    email: str
    email_verified: bool
    name: str


@dataclass(frozen=True, slots=True)
class Grant:
    """A code handed to a browser, until it is traded. `issuer` is its address; `expires` in Unix seconds."""

    person: Person
    issuer: str
    client_id: str
    redirect_uri: str
    nonce: str
    challenge: str
    expires: float
