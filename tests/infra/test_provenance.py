"""Where settings come from, and that nothing secret is told of them."""

from pathlib import Path

import pytest
from pydantic import SecretStr

from tollkeeper.infra import KnownSetting, Settings, SettingSource, known_settings, load_settings


@pytest.fixture
def bare(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A folder to be in, without settings in the environment."""
    monkeypatch.chdir(tmp_path)
    for field in Settings.model_fields.values():
        monkeypatch.delenv(field.alias or "", raising=False)
    return tmp_path


def by_name(settings: Settings) -> dict[str, KnownSetting]:
    return {each.name: each for each in known_settings(settings)}


def test_each_setting_says_where_it_comes_from(bare: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (bare / ".env").write_text("TOLLKEEPER_PAUSE=30\nTOLLKEEPER_SELLER_NAME=Ada's\n")
    monkeypatch.setenv("TOLLKEEPER_SELLER_NAME", "Grace's")
    found = by_name(load_settings(data_dir=bare / "data"))
    assert {name: found[name].source for name in ("TOLLKEEPER_PAUSE", "TOLLKEEPER_SELLER_NAME", "JWT_SECRET")} == {
        "TOLLKEEPER_PAUSE": SettingSource.FILE,
        "TOLLKEEPER_SELLER_NAME": SettingSource.ENVIRONMENT,
        "JWT_SECRET": SettingSource.MADE,
    }
    assert found["TOLLKEEPER_DATA_DIR"].source is SettingSource.COMMAND
    assert (found["TOLLKEEPER_TAX"].source, found["TOLLKEEPER_TAX"].value) == (SettingSource.DEFAULT, "off")
    assert found["TOLLKEEPER_SELLER_NAME"].value == "Grace's"
    assert len(found) == len(Settings.model_fields)


def test_no_secret_is_told(bare: Path) -> None:
    settings = load_settings(
        data_dir=bare,
        stripe_secret_key=SecretStr("sk_test_abcdef"),
        stripe_webhook_secrets=[SecretStr("whsec_one"), SecretStr("whsec_two")],
        smtp_url=SecretStr("smtp://post:letter@mail.example:587/?x=letter"),
        demo_password="a demo password",
    )
    found = by_name(settings)
    told = " ".join(f"{each.value} {each.default}" for each in found.values())
    for secret in ("abcdef", "whsec_", "letter", "post:", "a demo password", *map(str, settings.sealing_keys)):
        assert secret not in told
    assert found["SMTP_URL"].value == "smtp://mail.example:587/"
    assert found["STRIPE_WEBHOOK_SECRET"].value.count("•") == 16
    assert found["REDIS_URL"].value == ""
    assert found["TOLLKEEPER_DEMO_PASSWORD"].is_secret
