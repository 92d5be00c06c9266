"""What can go wrong with the payment provider."""

from tollkeeper.kit import ConflictError, InvalidInputError, TollkeeperError, UnavailableError


class ProviderUnavailableError(UnavailableError):
    """The payment provider cannot be reached or fails."""

    code = "provider_unavailable"
    title = "The payment provider does not answer"
    hint = "Nothing was charged. Try again in a moment."


class ProviderRefusedError(TollkeeperError):
    """The payment provider understood our request and refused it: a fault in our settings or in our program."""

    code = "provider_refused"
    status = 502
    title = "The payment provider refused the request"
    hint = "Nothing was charged. The operator finds the reason in the log and with `tollkeeper doctor`."


class ProviderCredentialsError(ProviderRefusedError):
    """The payment provider does not accept our key, or the key may not do this."""

    code = "provider_credentials"
    title = "The payment provider does not accept our key"


class ProviderMissingError(ProviderRefusedError):
    """The payment provider does not know a thing we named. `param` tells which, in the provider's words."""

    code = "provider_missing"
    title = "The payment provider does not know a thing we named"

    def __init__(self, detail: str | None = None, *, param: str | None = None, log: str | None = None) -> None:
        super().__init__(detail, log=log)
        self.param = param


class PaymentFailedError(TollkeeperError):
    """The payment was declined."""

    code = "payment_failed"
    status = 402
    title = "The payment was declined"
    hint = "Use another payment method, or ask the bank that issued the card."


class ProviderStateError(ConflictError):
    """The provider's present state does not allow this (something else changed it first)."""

    code = "provider_state"
    title = "The payment provider's present state does not allow this"


class TaxIdInvalidError(InvalidInputError):
    """The provider does not take this tax id: it is not of its kind's form, or the kind is not known."""

    code = "tax_id_invalid"
    title = "This is not a tax id of that kind"
    hint = "Check the kind and every letter; a European VAT number begins with its country, such as DE123456789."

    def __init__(self, detail: str | None = None) -> None:
        super().__init__(detail or self.title)


class UnreadableEventError(TollkeeperError):
    """The signed body is not an event this endpoint takes."""

    code = "webhook_unreadable"
    status = 400
    title = "This is not an event"
    hint = "Send snapshot events as JSON; nothing was stored."


class ThinEventError(UnreadableEventError):
    """A thin event came to an endpoint for snapshot events."""

    code = "webhook_thin_event"
    title = "Thin events are not taken here"
    hint = "Register the endpoint for snapshot events; `ensure_webhook_endpoint` does. Nothing was stored."
