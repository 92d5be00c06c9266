"""Setting billing up: the parts of a process, and the registration at the provider."""

from tollkeeper.infra import Runtime
from tollkeeper.kit import TollkeeperError

from .provider import PaymentProvider, ProviderLists, StripeLists, StripeProvider, WebhookSecrets, provider_of


def provide(runtime: Runtime) -> None:
    """Give the process its payment provider, by the settings. Without a key it has none, and buying answers 503."""
    runtime.provide(WebhookSecrets, WebhookSecrets())
    key = runtime.settings.stripe_secret_key
    if key is not None:
        provider = StripeProvider(key.get_secret_value(), api_base=runtime.settings.stripe_api_base)
        runtime.parts[PaymentProvider] = provider
        runtime.parts[ProviderLists] = StripeLists(key.get_secret_value(), api_base=runtime.settings.stripe_api_base)


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


async def ensure_webhook_endpoint(runtime: Runtime, url: str, *, secret_known: bool = True) -> str | None:
    """Have exactly the events we handle sent to `url`, in the pinned version.

    Returns the signing secret when the registration is new: the provider shows it only this once. None: one stood
    already. `secret_known` False replaces a standing one, for when its secret was lost.
    """
    return await provider_of(runtime).ensure_endpoint(url, renew=not secret_known)
