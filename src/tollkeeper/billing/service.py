"""Setting billing up: the parts of a process, and the registration at the provider."""

from datetime import timedelta

from tollkeeper.infra import Runtime, Settings, SettingsError, Sparingly, TaxMode
from tollkeeper.kit import TollkeeperError

from .invoices import UnusableFontError, check_font
from .provider import (
    Circuit,
    Limits,
    PaymentProvider,
    ProviderLists,
    StripeLists,
    StripeProvider,
    TaxWish,
    WebhookSecrets,
    provider_of,
)


def provide(runtime: Runtime) -> None:
    """Give the process its payment provider, by the settings. Without a key it has none, and buying answers 503."""
    _check_font(runtime.settings)
    runtime.provide(WebhookSecrets, WebhookSecrets())
    runtime.provide(Sparingly, Sparingly())
    key = runtime.settings.stripe_secret_key
    if key is not None:
        secret, base, circuit = key.get_secret_value(), runtime.settings.stripe_api_base, _circuit(runtime)
        runtime.provide(Circuit, circuit)
        runtime.parts[PaymentProvider] = StripeProvider(
            secret, api_base=base, circuit=circuit, tax=tax_wish(runtime.settings)
        )
        runtime.parts[ProviderLists] = StripeLists(secret, api_base=base, circuit=circuit)


def _check_font(settings: Settings) -> None:
    """Refuse a font for printed invoices that cannot be used, now and not when somebody asks for an invoice."""
    if settings.invoice_font is not None:
        try:
            check_font(settings.invoice_font)
        except UnusableFontError as error:
            raise SettingsError(
                [f"TOLLKEEPER_INVOICE_FONT: {settings.invoice_font} cannot be used ({error})."]
            ) from None


def _circuit(runtime: Runtime) -> Circuit:
    told = runtime.settings
    limits = Limits(
        failures=told.provider_failures,
        pause=timedelta(seconds=told.provider_pause),
        timeout=timedelta(seconds=told.provider_timeout),
    )
    return Circuit(limits, runtime.clock.now)


def tax_wish(settings: Settings) -> TaxWish:
    """Return how tax comes onto what is sold, by the settings."""
    return TaxWish(
        automatic=settings.tax is TaxMode.AUTOMATIC,
        rates=tuple(settings.tax_rates) if settings.tax is TaxMode.RATES else (),
        collect_ids=settings.tax is not TaxMode.OFF,
    )


async def close(runtime: Runtime) -> None:
    """Let go of connections to the provider."""
    provider: PaymentProvider | None = runtime.parts.get(PaymentProvider)
    if provider is not None:
        await provider.close()
    lists: ProviderLists | None = runtime.parts.get(ProviderLists)
    if lists is not None:
        await lists.close()


async def provider_problem(runtime: Runtime) -> str | None:
    """Return what is wrong with the provider, in words; None when it answers and takes our key."""
    try:
        await provider_of(runtime).ping()
    except TollkeeperError as error:
        return error.detail
    return None


def provider_circuit(runtime: Runtime) -> str | None:
    """Return whether calls of this process go to the provider: closed (they do), half_open, open; None without one."""
    found: Circuit | None = runtime.parts.get(Circuit)
    return found.phase.value if found else None


async def ensure_webhook_endpoint(runtime: Runtime, url: str, *, secret_known: bool = True) -> str | None:
    """Have exactly the events we handle sent to `url`, in the pinned version.

    Returns the signing secret when the registration is new: the provider shows it only this once. None: one stood
    already. `secret_known` False replaces a standing one, for when its secret was lost.
    """
    return await provider_of(runtime).ensure_endpoint(url, renew=not secret_known)
