"""Where tax is due and how much, for `automatic_tax`. INVENTED: a small table, simplified, not advice and not Stripe's.

The shop sits in Ireland and is registered in every place of the table; elsewhere no tax is collected. A customer in
another country of the European Union with a VAT id that was not found wrong accounts for the tax themselves.
"""

import re
from dataclasses import dataclass

HOME = "IE"


@dataclass(frozen=True)
class Place:
    """A jurisdiction: its tax and rate in percent. `state` is empty for a whole country."""

    country: str
    state: str
    name: str
    tax: str
    tax_type: str
    percentage: float


_VAT = {"AT": 20.0, "BE": 21.0, "DE": 19.0, "ES": 21.0, "FR": 20.0, "IE": 23.0, "IT": 22.0, "NL": 21.0, "PL": 23.0}
_NAMES = {
    "AT": "Austria",
    "BE": "Belgium",
    "DE": "Germany",
    "ES": "Spain",
    "FR": "France",
    "IE": "Ireland",
    "IT": "Italy",
    "NL": "Netherlands",
    "PL": "Poland",
}
UNION = frozenset(_VAT)
PLACES = {
    **{(code, ""): Place(code, "", _NAMES[code], "VAT", "vat", share) for code, share in _VAT.items()},
    ("GB", ""): Place("GB", "", "United Kingdom", "VAT", "vat", 20.0),
    ("CH", ""): Place("CH", "", "Switzerland", "VAT", "vat", 8.1),
    ("NO", ""): Place("NO", "", "Norway", "VAT", "vat", 25.0),
    ("AU", ""): Place("AU", "", "Australia", "GST", "gst", 10.0),
    ("US", "CA"): Place("US", "CA", "California", "Sales Tax", "sales_tax", 7.25),
    ("US", "NY"): Place("US", "NY", "New York", "Sales Tax", "sales_tax", 8.875),
}

# Kinds of tax ids with the form each has; the kind a buyer means follows from their country.
TAX_IDS = {
    "eu_vat": r"(AT|BE|BG|CY|CZ|DE|DK|EE|EL|ES|FI|FR|HR|HU|IE|IT|LT|LU|LV|MT|NL|PL|PT|RO|SE|SI|SK|XI)[0-9A-Z+*]{2,12}",
    "gb_vat": r"GB([0-9]{9}|[0-9]{12}|(GD|HA)[0-9]{3})",
    "ch_vat": r"CHE-?[0-9]{3}\.?[0-9]{3}\.?[0-9]{3} ?(MWST|TVA|IVA)",
    "no_vat": r"[0-9]{9}MVA",
    "us_ein": r"[0-9]{2}-?[0-9]{7}",
    "au_abn": r"[0-9]{11}",
    "nz_gst": r"[0-9]{8,9}",
    "ca_bn": r"[0-9]{9}",
    "ca_gst_hst": r"[0-9]{9}RT[0-9]{4}",
    "in_gst": r"[0-9]{2}[A-Z0-9]{13}",
    "jp_cn": r"[0-9]{13}",
    "sg_gst": r"[A-Z0-9-]{9,12}",
    "za_vat": r"4[0-9]{9}",
    "br_cnpj": r"[0-9]{2}\.?[0-9]{3}\.?[0-9]{3}/?[0-9]{4}-?[0-9]{2}",
    "mx_rfc": r"[A-Z&]{3,4}[0-9]{6}[A-Z0-9]{3}",
}
_KIND_OF = {"GB": "gb_vat", "CH": "ch_vat", "NO": "no_vat", "US": "us_ein", "AU": "au_abn", "NZ": "nz_gst"}


def place_of(country: str | None, state: str | None) -> Place | None:
    """The jurisdiction that taxes there, None where no tax is collected."""
    return PLACES.get((country or "", "")) or PLACES.get((country or "", (state or "").upper()))


def fits(kind: str, value: str) -> bool:
    """Whether a tax id has the form of its kind; spaces do not count."""
    return re.fullmatch(TAX_IDS[kind], value.replace(" ", "").upper()) is not None


def kind_for(country: str, value: str) -> str | None:
    """The kind of tax id that somebody there means; None when the value is no such id."""
    kind = _KIND_OF.get(country, "eu_vat")
    return kind if fits(kind, value) else None
