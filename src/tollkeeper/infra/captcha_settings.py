"""The settings that say whether people at the door have to look like people."""

from enum import StrEnum
from typing import Self

from pydantic import Field, SecretStr, model_validator
from pydantic_settings import BaseSettings


class WhenDown(StrEnum):
    """What becomes of people when the verifier does not answer."""

    ALLOW = "allow"
    REFUSE = "refuse"


class CaptchaSettings(BaseSettings):
    """The part of the settings that is about the CAPTCHA on signing up and logging in."""

    captcha_site_key: str = Field(
        "",
        alias="TOLLKEEPER_CAPTCHA_SITE_KEY",
        pattern=r"^[\w-]*$",
        description="Site key of reCAPTCHA v3, for the pages of signing up and logging in. Empty: no CAPTCHA.",
    )
    captcha_secret: SecretStr | None = Field(
        None, alias="TOLLKEEPER_CAPTCHA_SECRET", description="Its secret key, which verifies what browsers send."
    )
    captcha_api: str = Field(
        "https://www.google.com/recaptcha",
        alias="TOLLKEEPER_CAPTCHA_API",
        pattern=r"^https?://[^\s?#;,]+[^\s?#;,/]$",
        description="Where its script (`/api.js`) and its verifier (`/api/siteverify`) are; also of those who speak "
        "the same protocol.",
    )
    captcha_threshold: float = Field(
        0.5,
        alias="TOLLKEEPER_CAPTCHA_THRESHOLD",
        ge=0,
        le=1,
        description="The least score, from 0 (a robot) to 1 (a person), that is let through.",
    )
    captcha_when_down: WhenDown = Field(
        WhenDown.ALLOW,
        alias="TOLLKEEPER_CAPTCHA_WHEN_DOWN",
        description="When the verifier does not answer: `allow` lets people through, whom passwords and limits still "
        "guard against; `refuse` answers 503.",
    )

    @model_validator(mode="after")
    def _captcha_whole(self) -> Self:
        if bool(self.captcha_site_key) != (self.captcha_secret is not None):
            raise ValueError("TOLLKEEPER_CAPTCHA_SECRET: it and TOLLKEEPER_CAPTCHA_SITE_KEY are set both or neither.")
        return self
