"""The settings that say who sells, and under which name, sign and colour pages and mails appear."""

from pathlib import Path
from typing import Self

from pydantic import Field, model_validator
from pydantic_settings import BaseSettings

from .brand import LOGO_TYPES, MAX_LOGO, accent_problem


class BrandSettings(BaseSettings):
    """The part of the settings that is about the seller and the look."""

    brand_name: str = Field(
        "",
        alias="TOLLKEEPER_BRAND_NAME",
        max_length=60,
        description="The name on pages and mails. Empty: `TOLLKEEPER_SELLER_NAME`, and without that `Tollkeeper`.",
    )
    brand_accent: str = Field(
        "",
        alias="TOLLKEEPER_BRAND_ACCENT",
        pattern=r"^(#[0-9a-fA-F]{6})?$",
        description="The one colour of links, buttons and charts, `#0b5f6e`. It has to be readable on white; its "
        "counterpart for dark screens is made from it. Empty: petrol.",
    )
    brand_logo: Path | None = Field(
        None,
        alias="TOLLKEEPER_BRAND_LOGO",
        description="A square sign beside the name, an SVG or PNG of at most 100 kB. Mails show a PNG alone. Empty: "
        "Tollkeeper's.",
    )

    texts: Path | None = Field(
        None,
        alias="TOLLKEEPER_TEXTS",
        description="Folder with texts of your own in Markdown, each if there is one: `terms.md`, `privacy.md`, "
        "`imprint.md` in place of the templates, `incidents.md` for the status page.",
    )

    seller_name: str = Field("", alias="TOLLKEEPER_SELLER_NAME", description="Who sells, as printed on invoices.")
    seller_address: str = Field(
        "", alias="TOLLKEEPER_SELLER_ADDRESS", description="The seller's postal address, its lines separated by `|`."
    )
    seller_tax_id: str = Field(
        "", alias="TOLLKEEPER_SELLER_TAX_ID", description="The seller's tax id, as printed on invoices."
    )
    seller_email: str = Field(
        "", alias="TOLLKEEPER_SELLER_EMAIL", description="Where customers ask about invoices, as printed on them."
    )

    @model_validator(mode="after")
    def _brand_shows(self) -> Self:
        problem = accent_problem(self.brand_accent) or _logo_problem(self.brand_logo) or _texts_problem(self.texts)
        if problem:
            raise ValueError(problem)
        return self


def _logo_problem(logo: Path | None) -> str:
    if logo is None:
        return ""
    if logo.suffix.lower() not in LOGO_TYPES:
        return f"TOLLKEEPER_BRAND_LOGO: {logo} is neither `.svg` nor `.png`."
    if not logo.is_file():
        return f"TOLLKEEPER_BRAND_LOGO: there is no file {logo}."
    return "" if logo.stat().st_size <= MAX_LOGO else f"TOLLKEEPER_BRAND_LOGO: {logo} has more than 100 kB."


def _texts_problem(texts: Path | None) -> str:
    return "" if texts is None or texts.is_dir() else f"TOLLKEEPER_TEXTS: there is no folder {texts}."
