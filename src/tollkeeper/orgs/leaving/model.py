"""Values of leaving: what tells that a customer has nobody left."""

from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from tollkeeper.infra import Event


@dataclass(frozen=True, slots=True, kw_only=True)
class OrganizationAbandoned(Event):
    """The last person of an organization was deleted. Its keys are revoked; what it bought is to end."""

    name: ClassVar[str] = "organization.abandoned"

    organization_id: UUID
