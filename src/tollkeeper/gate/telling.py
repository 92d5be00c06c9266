"""Telling people by mail that a limit comes near or is reached."""

from datetime import datetime
from typing import Any
from uuid import UUID

from tollkeeper.catalog import EntitlementPeriod, load_catalogue
from tollkeeper.identity import Notification, write_to
from tollkeeper.infra import Tx, job
from tollkeeper.kit import Permission
from tollkeeper.metering import list_meters
from tollkeeper.orgs import find_organization, people_who_may

from . import rules, store


@job("gate.tell_of_threshold")
async def tell_of_threshold(
    tx: Tx, *, organization_id: str, meter_id: int, percent: int, limit: int, used: int, at: str, **_: Any
) -> None:
    """Tell those who manage the plan; metering sees to it that each threshold comes once a period."""
    organization = await find_organization(tx, organization_id)
    standing = await store.find_standing(tx, UUID(organization_id))
    if organization is None or standing is None:  # gone meanwhile
        return
    catalogue, meters = await load_catalogue(tx), await list_meters(tx)
    access = rules.build_access(standing, catalogue, meters)
    allowance = next((each for each in access.allowances.values() if each.meter_id == meter_id), None)
    if allowance is None:  # the plan is another by now
        return
    resets = allowance.window is None and allowance.period is not EntitlementPeriod.NEVER
    end = rules.period_of(standing, allowance.period, datetime.fromisoformat(at)).end if resets else None
    feature = catalogue.features[allowance.feature]
    await write_to(
        tx,
        await people_who_may(tx, organization.id, Permission.BILLING_MANAGE),
        "limit_near",
        sort=Notification.USAGE,
        organization=organization.name,
        feature=feature.name if feature.name[:2].isupper() else feature.name[:1].lower() + feature.name[1:],
        key=feature.key,
        percent=percent,
        used=f"{used:,}",
        limit=f"{limit:,}",
        hard=allowance.hard,
        resets_at=end.isoformat() if end else "",
    )
