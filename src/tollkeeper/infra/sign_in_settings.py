"""The settings that say who else may vouch for people, and how long a login lasts."""

import json
from datetime import timedelta
from enum import StrEnum
from typing import Annotated, Any, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, SecretStr, model_validator
from pydantic_settings import BaseSettings, NoDecode


class SignInPreset(StrEnum):
    """Whose protocol a provider speaks."""

    OIDC = "oidc"
    GOOGLE = "google"
    GITHUB = "github"


_PRESETS = {
    SignInPreset.GOOGLE: {"key": "google", "title": "Google", "issuer": "https://accounts.google.com"},
    SignInPreset.GITHUB: {"key": "github", "title": "GitHub", "issuer": "https://github.com"},
}


class SignInProvider(BaseModel):
    """One service that people may sign in with, as the operator registered there.

    `key` is its name in addresses and never changes, since what people linked is kept under it. `issuer` of GitHub is
    the address of its server.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    preset: SignInPreset = SignInPreset.OIDC
    key: str = Field(pattern=r"^[a-z][a-z0-9-]{0,30}$")
    title: str = Field(min_length=1, max_length=60)
    issuer: str = Field(pattern=r"^https?://[^\s?#]+[^\s?#/]$", max_length=500)
    client_id: str = Field(min_length=1, max_length=500)
    client_secret: SecretStr | None = None

    @model_validator(mode="before")
    @classmethod
    def _filled(cls, given: Any) -> Any:
        known = isinstance(given, dict) and given.get("preset") in list(_PRESETS)
        return {**_PRESETS[SignInPreset(given["preset"])], **given} if known else given


def _read(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value or "[]")
    except ValueError:
        raise ValueError(
            'not JSON; a list such as [{"preset": "google", "client_id": "...", "client_secret": "..."}].'
        ) from None


class SignInSettings(BaseSettings):
    """The part of the settings that is about signing in, here and elsewhere."""

    sign_in: Annotated[list[SignInProvider], NoDecode, BeforeValidator(_read)] = Field(
        default_factory=list,
        alias="TOLLKEEPER_SIGN_IN",
        description='Who else may vouch for people: a JSON list of `{"preset": "google", "client_id": ..., '
        '"client_secret": ...}`; `preset` is `google`, `github` or `oidc`, the last with `key`, `title` and `issuer`.',
    )
    dns_servers: str = Field(
        "",
        alias="TOLLKEEPER_DNS_SERVERS",
        pattern=r"^([0-9a-fA-F.:\[\]]+(, *[0-9a-fA-F.:\[\]]+)*)?$",
        description="Name servers asked whether an organization holds a domain, `address` or `address:port`, separated "
        "by commas. Empty: those of this machine.",
    )

    session_idle_hours: int = Field(
        24,
        alias="TOLLKEEPER_SESSION_IDLE_HOURS",
        ge=1,
        le=720,
        description="After how many hours of not being used a browser's login ends; thirty days after it began it does "
        "so in any case.",
    )

    @property
    def session_idle(self) -> timedelta:
        """How long a browser's login lasts without being used."""
        return timedelta(hours=self.session_idle_hours)

    @model_validator(mode="after")
    def _providers_apart(self) -> Self:
        keys = [each.key for each in self.sign_in]
        if len(keys) != len(set(keys)):
            raise ValueError("TOLLKEEPER_SIGN_IN: two providers have the same `key`.")
        return self
