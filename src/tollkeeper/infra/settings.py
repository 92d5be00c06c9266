"""Every setting there is, in one typed class. `.env.example` and the settings page are generated from it."""

from datetime import timedelta
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Self
from urllib.parse import urlsplit

from pydantic import BeforeValidator, Field, SecretStr, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from .brand_settings import BrandSettings
from .captcha_settings import CaptchaSettings
from .guard_settings import GuardSettings
from .sign_in_settings import SignInSettings

MIN_SECRET_BYTES = 32
PROVIDER_PAGES = ("https://checkout.stripe.com", "https://billing.stripe.com")
DATABASE_SCHEMES = frozenset({"postgresql", "postgres", "postgresql+psycopg"})
REDIS_SCHEMES = frozenset({"redis", "rediss"})
CLICKHOUSE_SCHEMES = frozenset({"http", "https"})
SMTP_SCHEMES = frozenset({"smtp", "smtps"})
DEFAULT_DATA_DIR = Path(".data")
_ADDRESS_RATE = r"(api|auth|chat): *([1-9]\d{0,7}|off)"
_DISPUTE_RULE = r"((open|lost):(keep|restrict|end)|remind:\d{1,2})"


class Environment(StrEnum):
    """Where this runs. Production refuses everything that is only fit for trying out."""

    DEVELOPMENT = "development"
    TEST = "test"
    PRODUCTION = "production"


class Switch(StrEnum):
    """A setting that is on or off."""

    ON = "on"
    OFF = "off"


class TaxMode(StrEnum):
    """How tax comes onto what is sold."""

    OFF = "off"
    AUTOMATIC = "automatic"
    RATES = "rates"


class SettingsError(Exception):
    """One or more settings are wrong. `problems` names each with what to do; `str()` lists them all."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("Settings are wrong:\n" + "\n".join(f"  - {problem}" for problem in problems))
        self.problems = problems


def _listed(value: Any) -> Any:
    return [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value


def _is_address(text: str, schemes: frozenset[str]) -> bool:
    try:
        parts = urlsplit(text)
        for host in parts.netloc.rpartition("@")[2].split(","):
            _ = urlsplit(f"//{host}").port  # reading it raises when it is no number
    except ValueError:
        return False
    return parts.scheme in schemes and text.startswith(f"{parts.scheme}://")


CommaSeparated = Annotated[list[str], NoDecode, BeforeValidator(_listed)]
SecretList = Annotated[list[SecretStr], NoDecode, BeforeValidator(_listed)]


class Settings(SignInSettings, CaptchaSettings, BrandSettings, GuardSettings, BaseSettings):
    """The settings of one process, read from the environment (and a `.env` file beside it)."""

    model_config = SettingsConfigDict(env_file=".env", extra="ignore", frozen=True, populate_by_name=True)

    env: Environment = Field(
        Environment.DEVELOPMENT,
        alias="TOLLKEEPER_ENV",
        description="`development`, `test` or `production`. Production refuses the twin, test keys, generated secrets "
        "and an embedded database.",
    )
    data_dir: Path = Field(
        DEFAULT_DATA_DIR,
        alias="TOLLKEEPER_DATA_DIR",
        description="Folder for the embedded database, the twin and generated development secrets.",
    )
    public_url: str = Field(
        "",
        alias="TOLLKEEPER_PUBLIC_URL",
        description="Address customers reach this server at, without a trailing slash. Empty: the address it serves.",
    )
    database_url: SecretStr | None = Field(
        None,
        alias="DATABASE_URL",
        description="PostgreSQL 15 or newer, `postgresql://user:password@host/name`. Several hosts, with "
        "`?target_session_attrs=read-write`: whichever is the primary. Empty: an embedded server.",
    )
    database_owner_url: SecretStr | None = Field(
        None,
        alias="DATABASE_OWNER_URL",
        description="The same, as the owner of its tables reaches it; for `tollkeeper migrate`. Empty: `DATABASE_URL`.",
    )
    database_pool_size: int = Field(
        10, alias="DATABASE_POOL_SIZE", ge=2, le=200, description="Connections each process may hold open."
    )
    redis_url: SecretStr | None = Field(
        None, alias="REDIS_URL", description="Redis for limits shared between workers. Empty: kept in each process."
    )
    jwt_secret: SecretStr | None = Field(
        None, alias="JWT_SECRET", description="Signs access tokens; 32 random bytes or more. Empty: made once, kept."
    )
    jwt_refresh_secret: SecretStr | None = Field(
        None, alias="JWT_REFRESH_SECRET", description="Signs refresh tokens; different from `JWT_SECRET`."
    )
    encryption_keys: SecretList = Field(
        default_factory=list,
        alias="TOLLKEEPER_ENCRYPTION_KEYS",
        description="Seal the secrets that rest in the database; 32 random bytes or more each, separated by commas. "
        "The first encrypts, all open. Empty: made once, kept.",
    )
    stripe_secret_key: SecretStr | None = Field(
        None, alias="STRIPE_SECRET_KEY", description="Stripe's secret key. Empty: the local twin is started instead."
    )
    stripe_webhook_secrets: SecretList = Field(
        default_factory=list,
        alias="STRIPE_WEBHOOK_SECRET",
        description="Signing secret of the webhook endpoint; several, separated by commas, while one is being rolled.",
    )
    stripe_api_base: str | None = Field(
        None, alias="STRIPE_API_BASE", description="Address of a Stripe look-alike. Empty: Stripe itself."
    )
    provider_timeout: int = Field(
        20,
        alias="TOLLKEEPER_PROVIDER_TIMEOUT",
        ge=1,
        le=120,
        description="Seconds one call to the payment provider may take in all, its repetitions included.",
    )
    provider_failures: int = Field(
        5,
        alias="TOLLKEEPER_PROVIDER_FAILURES",
        ge=1,
        le=1000,
        description="After so many failed calls in a row (no answer, 5xx, 429) the payment provider is left alone.",
    )
    provider_pause: int = Field(
        30,
        alias="TOLLKEEPER_PROVIDER_PAUSE",
        ge=1,
        le=3600,
        description="For so many seconds; then one call tries whether it answers again.",
    )
    dunning: str = Field(
        "0:remind, 3:remind:second_reminder, 7:restrict, 14:end",
        alias="TOLLKEEPER_DUNNING",
        pattern=r"^(\d{1,3}:(remind|restrict|end)(:[a-z_]+)?(, *\d{1,3}:(remind|restrict|end)(:[a-z_]+)?)*)?$",
        description="What happens while a payment fails: `day:action[:message]`, separated by commas. Days count from "
        "the unpaid invoice; `remind` tells the customer, `restrict` withholds the plan, `end` ends the subscription.",
    )
    pause: str = Field(
        "off",
        alias="TOLLKEEPER_PAUSE",
        pattern=r"^(off|[1-9]\d{0,2})$",
        description="For how many days customers may pause their subscriptions at most; nothing is owed and the plan "
        "is not given meanwhile. `off`: only operators pause.",
    )
    tax: TaxMode = Field(
        TaxMode.OFF,
        alias="TOLLKEEPER_TAX",
        description="`off`; `automatic`: Stripe Tax works it out from the customer's address; `rates`: those of "
        "`TOLLKEEPER_TAX_RATES`. Not `off`: checkout asks for addresses and tax ids.",
    )
    tax_rates: CommaSeparated = Field(
        default_factory=list,
        alias="TOLLKEEPER_TAX_RATES",
        description="With `TOLLKEEPER_TAX=rates`: ids of Stripe's tax rates (`txr_...`) on everything sold, separated "
        "by commas.",
    )
    invoice_font: Path | None = Field(
        None,
        alias="TOLLKEEPER_INVOICE_FONT",
        description="A TrueType font (`.ttf`) for letters on printed invoices beyond Latin, Greek and Cyrillic.",
    )
    disputes: str = Field(
        "open:keep, lost:restrict, remind:3",
        alias="TOLLKEEPER_DISPUTES",
        pattern=rf"^({_DISPUTE_RULE}(, *{_DISPUTE_RULE})*)?$",
        description="What a customer's dispute does to the plan that the disputed payment paid for, while it is `open` "
        "and when it is `lost`: `keep`, `restrict` withholds the plan, `end` ends the subscription. `remind`: so many "
        "days before its deadline a dispute without evidence is told of.",
    )
    smtp_url: SecretStr | None = Field(
        None,
        alias="SMTP_URL",
        description="Mail server, `smtp://user:password@host:587` (STARTTLS) or `smtps://...:465`. Empty: a mailbox "
        "on this machine is started to read mails in.",
    )
    mail_from: str = Field(
        "",
        alias="TOLLKEEPER_MAIL_FROM",
        pattern=r"^([^<>\r\n]*<[^<>@\s]+@[^<>@\s]+>|[^<>@\s]+@[^<>@\s]+)?$",
        description="Sender of mails, `Name <address>`. Empty: `no-reply@` the host of `TOLLKEEPER_PUBLIC_URL`.",
    )
    mailbox_url: str = Field(
        "",
        alias="TOLLKEEPER_MAILBOX_URL",
        description="Where mails that were sent can be read, linked from the admin's gallery. Empty: nowhere.",
    )
    verified_email: Switch = Field(
        Switch.OFF,
        alias="TOLLKEEPER_VERIFIED_EMAIL",
        description="`on`: who signs up proves their e-mail address before they can log in, and nobody learns from "
        "signing up whether an address is registered.",
    )
    places: Path | None = Field(
        None,
        alias="TOLLKEEPER_PLACES",
        description="A city database in MaxMind's format (`.mmdb`): sessions then show where they are. Empty: they "
        "show the address alone.",
    )
    rate_limits: Switch = Field(
        Switch.ON, alias="TOLLKEEPER_RATE_LIMITS", description="`off` for load tests; refused in production."
    )
    address_rates: str = Field(
        "api:100, auth:100, chat:10",
        alias="TOLLKEEPER_ADDRESS_RATES",
        pattern=rf"^({_ADDRESS_RATE}(, *{_ADDRESS_RATE})*)?$",
        description="Calls a minute from one address without a login by group of routes: `api` is all of them, `auth` "
        "logging in and signing up, `chat` the assistant. `off`, or not named: not limited.",
    )
    closed_without_redis: str = Field(
        "",
        alias="TOLLKEEPER_CLOSED_WITHOUT_REDIS",
        pattern=r"^((api|auth|chat)(, *(api|auth|chat))*)?$",
        description="Groups of routes (`api`, `auth`, `chat`) that are refused with 503 while Redis is gone; the "
        "others are limited by each process for itself meanwhile.",
    )
    trusted_proxies: CommaSeparated = Field(
        default_factory=list,
        alias="TOLLKEEPER_TRUSTED_PROXIES",
        description="Addresses of proxies whose `X-Forwarded-For` is believed, separated by commas.",
    )
    deletion_days: int = Field(
        14,
        alias="TOLLKEEPER_DELETION_DAYS",
        ge=0,
        le=90,
        description="For how many days somebody who asked for their account to be deleted can take it back.",
    )
    late_usage: str = Field(
        "3d",
        alias="TOLLKEEPER_LATE_USAGE",
        pattern=r"^([0-9]|[12][0-9]|3[01])d$|^([0-9]{1,2})h$",
        description="For how long after its end a period still takes usage that happened in it, and corrections: days "
        "(`3d`, at most `31d`) or hours (`12h`). Then it is closed.",
    )
    keep_events: int | None = Field(
        None,
        alias="TOLLKEEPER_KEEP_EVENTS",
        ge=2,
        le=1200,
        description="For how many whole months usage events and their idempotency keys are kept; counters and history "
        "stay. Empty: for ever.",
    )
    clickhouse_url: SecretStr | None = Field(
        None,
        alias="TOLLKEEPER_CLICKHOUSE_URL",
        description="ClickHouse to pass usage events on to, `https://user:password@host:8443/database`. Empty: none.",
    )
    log_level: str = Field(
        "info",
        alias="TOLLKEEPER_LOG_LEVEL",
        pattern="^(debug|info|warning|error)$",
        description="`debug`, `info`, `warning` or `error`.",
    )
    metrics_token: SecretStr | None = Field(
        None, alias="TOLLKEEPER_METRICS_TOKEN", description="Bearer token for `/metrics`. Empty: loopback only."
    )
    demo_email: str = Field(
        "demo@tollkeeper.example", alias="TOLLKEEPER_DEMO_EMAIL", description="Login made by `tollkeeper seed`."
    )
    demo_password: str = Field(
        "demo-password",
        alias="TOLLKEEPER_DEMO_PASSWORD",
        repr=False,
        description="Its password; shown on the log-in page outside production.",
    )
    worker_id: int = Field(0, alias="TOLLKEEPER_WORKER_ID", description="Number of this process among its siblings.")

    @property
    def hosted_page_origins(self) -> tuple[str, ...]:
        """Where forms may lead besides our own pages: the provider's, or the twin's."""
        return (self.stripe_api_base,) if self.stripe_api_base else PROVIDER_PAGES

    @property
    def owner_url(self) -> str | None:
        """The database's address as the owner of its tables reaches it; None: no database was named."""
        url = self.database_owner_url or self.database_url
        return None if url is None else url.get_secret_value()

    @property
    def sealing_keys(self) -> list[str]:
        """What secrets at rest are sealed with: the first encrypts, all open.

        `JWT_SECRET` comes last: before there were keys for it, what rests was sealed with that.
        """
        jwt = [] if self.jwt_secret is None else [self.jwt_secret]
        return [key.get_secret_value() for key in (*self.encryption_keys, *jwt)]

    @property
    def is_production(self) -> bool:
        """Whether real customers are served."""
        return self.env is Environment.PRODUCTION

    @property
    def late_for(self) -> timedelta:
        """How long after its end a period still takes usage that happened in it."""
        amount = int(self.late_usage[:-1])
        return timedelta(days=amount) if self.late_usage.endswith("d") else timedelta(hours=amount)

    @property
    def uses_twin(self) -> bool:
        """Whether the payment provider is a local imitation."""
        return self.stripe_secret_key is None or self.stripe_api_base is not None

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        problems = [*self._address_problems(), *self._secret_problems()]
        if self.tax is TaxMode.RATES and not self.tax_rates:
            problems.append("TOLLKEEPER_TAX_RATES: missing; TOLLKEEPER_TAX=rates needs at least one `txr_...`.")
        problems += self._production_problems() if self.is_production else []
        if problems:
            raise ValueError("\n".join(problems))
        return self

    def _address_problems(self) -> list[str]:
        addresses = {
            "DATABASE_URL": (self.database_url, DATABASE_SCHEMES, "postgresql://user:password@host/name"),
            "DATABASE_OWNER_URL": (self.database_owner_url, DATABASE_SCHEMES, "postgresql://owner:password@host/name"),
            "REDIS_URL": (self.redis_url, REDIS_SCHEMES, "redis://host:6379/0"),
            "SMTP_URL": (self.smtp_url, SMTP_SCHEMES, "smtp://user:password@host:587"),
            "TOLLKEEPER_CLICKHOUSE_URL": (
                self.clickhouse_url,
                CLICKHOUSE_SCHEMES,
                "https://user:password@host:8443/db",
            ),
        }
        return [
            f"{name}: not an address of the form {form}."
            for name, (address, schemes, form) in addresses.items()
            if address is not None and not _is_address(address.get_secret_value(), schemes)
        ]

    def _secret_problems(self) -> list[str]:
        problems = [
            f"{name}: too weak; use at least {MIN_SECRET_BYTES} random bytes, for example from `openssl rand -hex 32`."
            for name, secret in (
                ("JWT_SECRET", self.jwt_secret),
                ("JWT_REFRESH_SECRET", self.jwt_refresh_secret),
                *(("TOLLKEEPER_ENCRYPTION_KEYS", key) for key in self.encryption_keys),
            )
            if secret is not None and len(secret.get_secret_value().encode()) < MIN_SECRET_BYTES
        ]
        if self.jwt_secret is not None and self.jwt_secret == self.jwt_refresh_secret:
            problems.append("JWT_REFRESH_SECRET: the same as JWT_SECRET; make a second one.")
        if {self.jwt_secret, self.jwt_refresh_secret} & set(self.encryption_keys[:1]):
            problems.append("TOLLKEEPER_ENCRYPTION_KEYS: the first is one of the other secrets; make one of its own.")
        return problems

    def _production_problems(self) -> list[str]:
        key = self.stripe_secret_key.get_secret_value() if self.stripe_secret_key else ""
        wrong = {
            "DATABASE_URL: missing; production needs a PostgreSQL of its own.": not self.database_url,
            "JWT_SECRET: missing; make one with `openssl rand -hex 32`.": not self.jwt_secret,
            "JWT_REFRESH_SECRET: missing; make one with `openssl rand -hex 32`.": not self.jwt_refresh_secret,
            "TOLLKEEPER_ENCRYPTION_KEYS: missing; make one with `openssl rand -hex 32`.": not self.encryption_keys,
            "STRIPE_SECRET_KEY: missing; production does not run on the twin.": not key,
            "STRIPE_SECRET_KEY: a test key; production needs `sk_live_` or `rk_live_`.": "_test_" in key,
            "STRIPE_API_BASE: set; production speaks to Stripe itself.": self.stripe_api_base is not None,
            "STRIPE_WEBHOOK_SECRET: missing; Stripe shows it at the endpoint.": not self.stripe_webhook_secrets,
            "SMTP_URL: missing; passwords are reset and people invited by mail.": not self.smtp_url,
            "TOLLKEEPER_PUBLIC_URL: must be an https:// address.": not self.public_url.startswith("https://"),
            "TOLLKEEPER_RATE_LIMITS: `off` is for load tests; remove it.": self.rate_limits is Switch.OFF,
            **self.guard_problems(),
            "TOLLKEEPER_CAPTCHA_API: must be an https:// address.": not self.captcha_api.startswith("https://"),
            "TOLLKEEPER_SIGN_IN: every issuer must be an https:// address.": not all(
                each.issuer.startswith("https://") for each in self.sign_in
            ),
        }
        return [problem for problem, is_wrong in wrong.items() if is_wrong]
