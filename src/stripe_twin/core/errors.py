"""Errors in Stripe's shape: `{"error": {type, code, message, param, ...}}`."""

from stripe_twin.core.json import Json

DOCS = "https://stripe.com/docs/error-codes/"


class StripeError(Exception):
    """An answer other than success.

    `keep` says that what happened before the error stays (a declined charge is a fact); otherwise everything is undone.
    """

    def __init__(
        self,
        status: int,
        kind: str,
        message: str,
        *,
        code: str | None = None,
        param: str | None = None,
        extra: Json | None = None,
        keep: bool = False,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.kind = kind
        self.message = message
        self.code = code
        self.param = param
        self.extra = extra or {}
        self.keep = keep

    def body(self) -> Json:
        """The JSON answer; absent parts are left out as Stripe does."""
        error: Json = {}
        if self.code:
            error["code"] = self.code
            error["doc_url"] = DOCS + self.code.replace("_", "-")
        error["message"] = self.message
        if self.param:
            error["param"] = self.param
        return {"error": {**error, **self.extra, "type": self.kind}}


def invalid(message: str, *, param: str | None = None, code: str | None = None, status: int = 400) -> StripeError:
    """The request itself is wrong."""
    return StripeError(status, "invalid_request_error", message, code=code, param=param)


def missing(label: str, ident: str, param: str | None, *, status: int | None = None) -> StripeError:
    """No object of that id: 404 when the URL names it (`param` is "id"), 400 when a parameter does, as at Stripe."""
    hint = ""
    if label == "PaymentMethod":
        hint = (
            "; It's possible this PaymentMethod exists on one of your connected accounts, in which case you should "
            "retry "
            "this request on that connected account. Learn more at https://stripe.com/docs/connect/authentication"
        )
    code = status or (404 if param == "id" else 400)
    return invalid(f"No such {label}: '{ident}'{hint}", param=param, code="resource_missing", status=code)


def unauthorized(message: str) -> StripeError:
    """The key is absent or refused."""
    return StripeError(401, "invalid_request_error", message)
