"""The parts of the real server, made by wiring. Imported once, by the process the others are forked from."""

import asyncio
import socket
from collections.abc import Callable

from pydantic import SecretStr

from tollkeeper import billing, gate, web, wiring
from tollkeeper.infra import Runtime, Settings, read_local_secrets, write_local_secrets

from .errors import TablesOutdatedError
from .serve import Parts
from .sockets import url_of
from .web import run_web


def load(settings: Settings) -> Parts:
    """Return the parts of a server with these settings."""
    demo = None if settings.is_production else (settings.demo_email, settings.demo_password)
    return Parts(prepare=_prepare, web=_web, worker=_worker, demo_login=demo)


def runtime_of(settings: Settings) -> Runtime:
    """Build the runtime of this process. The settings name a database: a given one, or the embedded one by now."""
    return wiring.build_runtime(settings, _database_url(settings))


def require_tables(settings: Settings, *, migrate: bool) -> None:
    """See to it that the database has the tables of this version, by migrating it if that is ours to do.

    Raises:
        TablesOutdatedError: it has not, and somebody else decides when it is migrated.
    """
    url = _database_url(settings)
    if migrate:
        wiring.migrate(settings.owner_url or url)
    elif (found := wiring.current_revision(url)) != (needed := wiring.newest_revision()):
        raise TablesOutdatedError(f"The database is at {found or 'nothing'}, this version needs {needed}.")


def _database_url(settings: Settings) -> str:
    if settings.database_url is None:
        raise RuntimeError("the embedded database has not been started")
    return settings.database_url.get_secret_value()


def _prepare(settings: Settings, address: str) -> None:
    wiring.migrate(settings.owner_url or _database_url(settings))
    asyncio.run(_fill(settings, address))


async def _fill(settings: Settings, address: str) -> None:
    runtime = runtime_of(settings)
    try:
        await wiring.prepare(runtime)
        if not settings.is_production and await wiring.is_empty(runtime):
            await wiring.seed(runtime)
        if settings.uses_twin:
            await _register_webhook(runtime, f"{address}/api/webhooks/stripe")
    finally:
        await runtime.database.close()


async def _register_webhook(runtime: Runtime, url: str) -> None:
    """Have the twin report to this address; the secret it signs with is told once, and kept beside the others."""
    kept = read_local_secrets(runtime.settings.data_dir)
    made = await billing.ensure_webhook_endpoint(runtime, url, secret_known=_secret_name(url) in kept)
    if made:
        write_local_secrets(runtime.settings.data_dir, {**kept, _secret_name(url): made})


def _with_webhook_secret(settings: Settings, address: str) -> Settings:
    secret = read_local_secrets(settings.data_dir).get(_secret_name(f"{address}/api/webhooks/stripe"))
    known = [*settings.stripe_webhook_secrets, *([SecretStr(secret)] if secret and settings.uses_twin else [])]
    return settings.model_copy(update={"stripe_webhook_secrets": known})


def _secret_name(url: str) -> str:
    return f"webhook secret of {url}"


def _web(settings: Settings, listener: socket.socket, ready: Callable[[], None]) -> None:
    settings = _with_webhook_secret(settings, url_of(listener))
    runtime = runtime_of(settings)
    app = wiring.build_app(runtime)
    run_web(
        app, listener, ready, settings.trusted_proxies, runtime.part(gate.Quick), leaving=runtime.part(web.Live).close
    )


def _worker(settings: Settings, ready: Callable[[], None]) -> None:
    runtime = runtime_of(settings)
    ready()
    asyncio.run(wiring.run_worker(runtime))
