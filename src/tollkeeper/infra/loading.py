"""Reading the settings, and the secrets that are made for a newcomer and kept beside the data."""

import json
import os
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import SecretStr, ValidationError

from .settings import MIN_SECRET_BYTES, Settings, SettingsError


def load_settings(**overrides: Any) -> Settings:
    """Read the settings; outside production, fill in the secrets a newcomer has not set.

    Args:
        overrides: values by field name that win over the environment (command-line options).

    Raises:
        SettingsError: naming every setting that is wrong or missing at once.
    """
    present = {name: value for name, value in overrides.items() if value is not None}
    try:
        settings = Settings(**present)
    except ValidationError as error:
        raise SettingsError(_in_words(error)) from None
    return settings if settings.is_production else _with_development_secrets(settings)


def _in_words(error: ValidationError) -> list[str]:
    problems: list[str] = []
    for item in error.errors(include_url=False, include_input=False):
        message = item["msg"].removeprefix("Value error, ")
        name = str(item["loc"][0]) if item["loc"] else ""
        problems.extend(f"{name}: {line}" if name else line for line in message.split("\n"))
    return problems


def _with_development_secrets(settings: Settings) -> Settings:
    """Keep generated secrets in the data directory, so that sessions outlive a restart."""
    wanted = {
        "jwt_secret": settings.jwt_secret,
        "jwt_refresh_secret": settings.jwt_refresh_secret,
        "encryption_keys": settings.encryption_keys,
    }
    missing = [name for name, value in wanted.items() if not value]
    if not missing:
        return settings
    kept = read_local_secrets(settings.data_dir)
    made = {name: kept.get(name) or secrets.token_hex(MIN_SECRET_BYTES) for name in missing}
    if any(kept.get(name) != value for name, value in made.items()):
        write_local_secrets(settings.data_dir, {**kept, **made})
    found: dict[str, Any] = {name: SecretStr(value) for name, value in made.items()}
    if "encryption_keys" in found:
        found["encryption_keys"] = [found["encryption_keys"]]
    return settings.model_copy(update=found)


def read_local_secrets(data_dir: Path) -> dict[str, str]:
    """Read the secrets generated for development; empty when there are none."""
    try:
        content: dict[str, str] = json.loads((data_dir / "secrets.json").read_text())
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except (OSError, ValueError) as error:
        raise SettingsError([f"{data_dir / 'secrets.json'}: cannot be read ({error}); mend or delete it."]) from None
    return content


def write_local_secrets(data_dir: Path, content: Mapping[str, str]) -> None:
    """Keep generated development secrets, readable by the owner only; written whole or not at all."""
    path = data_dir / "secrets.json"
    try:
        data_dir.mkdir(parents=True, exist_ok=True)
        scratch = path.with_suffix(f".{os.getpid()}")
        descriptor = os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w") as file:
            json.dump(dict(content), file, indent=2)
        scratch.replace(path)
    except OSError as error:
        raise SettingsError(
            [f"TOLLKEEPER_DATA_DIR: {data_dir} cannot be written ({error.strerror}); choose another with --data-dir."]
        ) from None
