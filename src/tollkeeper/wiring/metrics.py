"""Metrics in OpenMetrics' text, for the scraper on this machine or one with the token."""

from contextlib import suppress
from ipaddress import ip_address

from fastapi import APIRouter, Request
from prometheus_client import REGISTRY
from prometheus_client.openmetrics.exposition import CONTENT_TYPE_LATEST, generate_latest
from sqlalchemy.exc import SQLAlchemyError
from starlette.responses import Response

from tollkeeper import metering
from tollkeeper.infra import RuntimeDep, same
from tollkeeper.kit import ForbiddenError

router = APIRouter(tags=["Health"])


class MetricsForbiddenError(ForbiddenError):
    """Metrics are for loopback, or for callers with the token."""

    code = "metrics_forbidden"
    hint = "Send `Authorization: Bearer <TOLLKEEPER_METRICS_TOKEN>`, or scrape from the same machine."


@router.get("/metrics", response_class=Response)
async def metrics(request: Request, runtime: RuntimeDep) -> Response:
    """Every metric of this process."""
    token = runtime.settings.metrics_token
    sent = request.headers.get("authorization", "").removeprefix("Bearer ")
    if token is not None:
        if not same(sent, token.get_secret_value()):
            raise MetricsForbiddenError
    elif not _is_loopback(request):
        raise MetricsForbiddenError
    if runtime.settings.clickhouse_url:
        with suppress(SQLAlchemyError, OSError):  # what is known is shown without the database, too
            async with runtime.transaction() as tx:
                await metering.sink_lag(tx)
    text: bytes = generate_latest(REGISTRY)  # type: ignore[no-untyped-call]
    return Response(text, media_type=CONTENT_TYPE_LATEST)


def _is_loopback(request: Request) -> bool:
    # A proxy on this machine makes every caller look local, so forwarded requests need the token.
    if request.client is None or "x-forwarded-for" in request.headers:
        return False
    try:
        return ip_address(request.client.host).is_loopback
    except ValueError:
        return False
