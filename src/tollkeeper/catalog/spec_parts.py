"""The parts that the catalogue file is made of: keys, names, amounts."""

from typing import Annotated, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from .charges import MAX_MINOR as MAX_AMOUNT

MAX_LIMIT = 10**15

Path: TypeAlias = tuple[str, ...]
Key: TypeAlias = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_-]{0,62}$")]
Currency: TypeAlias = Annotated[str, StringConstraints(pattern=r"^[a-z]{3}$")]
Words: TypeAlias = Annotated[str, StringConstraints(min_length=1, max_length=120, strip_whitespace=True)]
Prose: TypeAlias = Annotated[str, StringConstraints(max_length=1000, strip_whitespace=True)]
Amount: TypeAlias = Annotated[int, Field(strict=True, ge=1, le=MAX_AMOUNT)]


class Spec(BaseModel):
    """Takes nothing it does not know, and never changes."""

    model_config = ConfigDict(extra="forbid", frozen=True)
