"""The settings that say whose pages may call us, and where we may call."""

import re
from ipaddress import ip_network
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field
from pydantic_settings import BaseSettings, NoDecode

ANY_ORIGIN = "*"
_ORIGIN = re.compile(r"https?://[a-z0-9.-]+(:\d{1,5})?")


def _listed(value: Any) -> Any:
    return [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value


def _origins(origins: list[str]) -> list[str]:
    wrong = [each for each in origins if each != ANY_ORIGIN and not _ORIGIN.fullmatch(each)]
    if wrong:
        raise ValueError(f"{wrong[0]!r} is no origin; write `https://app.example.com`, in lower case, without a path.")
    return origins


def _networks(networks: list[str]) -> list[str]:
    for each in networks:
        ip_network(each)
    return networks


class GuardSettings(BaseSettings):
    """The part of the settings that is about other sites."""

    cors_origins: Annotated[list[str], NoDecode, BeforeValidator(_listed), AfterValidator(_origins)] = Field(
        default_factory=list,
        alias="TOLLKEEPER_CORS_ORIGINS",
        description="Origins whose pages may call the API with a key or token (cookies are never taken from them), "
        "`https://app.example.com`, separated by commas; `*` for any, refused in production. Empty: none.",
    )
    outgoing_networks: Annotated[list[str], NoDecode, BeforeValidator(_listed), AfterValidator(_networks)] = Field(
        default_factory=list,
        alias="TOLLKEEPER_OUTGOING_NETWORKS",
        description="Inner networks (`10.1.2.0/24`) that addresses set by customers may lead to all the same, by "
        "commas. Empty: the public internet alone, and outside production this machine.",
    )

    def guard_problems(self) -> dict[str, bool]:
        """What production refuses, and whether it is so."""
        return {
            "TOLLKEEPER_CORS_ORIGINS: `*` is for trying out; name the origins.": ANY_ORIGIN in self.cors_origins,
            "TOLLKEEPER_CORS_ORIGINS: every origin must be https://.": any(
                each.startswith("http://") for each in self.cors_origins
            ),
        }
