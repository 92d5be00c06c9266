"""Every setting as it is in force, and where that comes from: for people to read, without the secrets."""

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any
from urllib.parse import urlsplit

from pydantic import BaseModel, SecretStr
from pydantic.fields import FieldInfo
from pydantic_settings import DotEnvSettingsSource, EnvSettingsSource

from .loading import read_local_secrets
from .settings import Settings

HIDDEN = "••••••••"


class Source(StrEnum):
    """Where a setting comes from."""

    ENVIRONMENT = "environment"
    FILE = "file"
    MADE = "made"
    """Made here and kept in the data folder, since nobody named one."""
    COMMAND = "command"
    DEFAULT = "default"


@dataclass(frozen=True, slots=True)
class KnownSetting:
    """One setting. `value` is what is in force, for people; a secret is only said to be there. Empty: none is set."""

    name: str
    value: str
    source: Source
    about: str
    is_secret: bool
    default: str


def known_settings(settings: Settings) -> list[KnownSetting]:
    """Return every setting in the order of the reference."""
    return list(_known(settings))


def _known(settings: Settings) -> Iterator[KnownSetting]:
    given = EnvSettingsSource(Settings).env_vars
    written = DotEnvSettingsSource(Settings, env_file=Settings.model_config.get("env_file")).env_vars
    made = {} if settings.is_production else read_local_secrets(settings.data_dir)
    for field, info in Settings.model_fields.items():
        name = info.alias or field
        source = _source(name, field, settings, (given, written), made)
        yield KnownSetting(
            name=name,
            value=_shown(getattr(settings, field), info),
            source=source,
            about=info.description or "",
            is_secret=_is_secret(info),
            default=_shown(info.get_default(call_default_factory=True), info),
        )


def _source(
    name: str,
    field: str,
    settings: Settings,
    places: tuple[Mapping[str, str | None], Mapping[str, str | None]],
    made: Mapping[str, str],
) -> Source:
    given, written = places
    if field not in settings.model_fields_set:
        return Source.DEFAULT
    if name.lower() in given or name in os.environ:
        return Source.ENVIRONMENT
    if name.lower() in written:
        return Source.FILE
    return Source.MADE if field in made else Source.COMMAND


def _is_secret(info: FieldInfo) -> bool:
    return "Secret" in str(info.annotation) or info.repr is False


def _shown(value: Any, info: FieldInfo) -> str:
    if not value and value != 0:
        return ""
    if isinstance(value, SecretStr):
        return _address(value.get_secret_value()) or HIDDEN
    if info.repr is False:
        return HIDDEN
    if isinstance(value, list | tuple):
        return ", ".join(_shown(each, info) for each in value)
    if isinstance(value, BaseModel):
        return value.model_dump_json(exclude_defaults=True)  # secrets in it are stars
    return str(value)


def _address(secret: str) -> str:
    """Return an address without who logs in there and how; empty when it is none."""
    try:
        parts = urlsplit(secret)
    except ValueError:
        return ""
    if not parts.scheme or "://" not in secret:
        return ""
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"
