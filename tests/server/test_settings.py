"""Settings: one frozen value, every mistake at once, secrets from files, the right database found."""

from __future__ import annotations

from dataclasses import FrozenInstanceError
from pathlib import Path

import pytest

from server.settings import SettingsInvalid, load_settings, setting_fields, unknown_names

SECRET = "kunci-yang-cukup-panjang"


def test_nothing_set_gives_a_server_for_this_machine_only(tmp_path: Path) -> None:
    settings = load_settings({}, tmp_path)
    assert settings.host == "127.0.0.1"
    assert settings.database == str(tmp_path / "var/padan.db")
    assert settings.base_url == f"http://127.0.0.1:{settings.port}"
    with pytest.raises(FrozenInstanceError):
        settings.port = 1  # type: ignore[misc]


def test_every_mistake_is_reported_at_once_and_by_name(tmp_path: Path) -> None:
    wrong = {
        "PADAN_PORT": "delapan",
        "PADAN_THREADS": "0",
        "PADAN_REGISTRY_URL": "registry.example",
        "PADAN_LOG_LEVEL": "loud",
        "PADAN_REGISTRY_SECRET_FILE": str(tmp_path / "nothing"),
    }
    with pytest.raises(SettingsInvalid) as caught:
        load_settings(wrong, tmp_path)
    assert len(caught.value.problems) == len(wrong)
    for name in wrong:
        assert any(problem.startswith(f"{name}: ") for problem in caught.value.problems), name


def test_a_secret_comes_from_a_file_without_its_newline_and_is_not_shown(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text(SECRET + "\r\n")
    settings = load_settings(
        {"PADAN_REGISTRY_URL": "http://127.0.0.1:9", "PADAN_REGISTRY_SECRET_FILE": str(tmp_path / "secret")}, tmp_path
    )
    assert settings.registry_secret == SECRET
    assert SECRET not in repr(settings)


def test_a_setting_given_twice_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text(SECRET)
    with pytest.raises(SettingsInvalid, match="PADAN_REGISTRY_SECRET: set twice"):
        load_settings(
            {"PADAN_REGISTRY_SECRET": SECRET, "PADAN_REGISTRY_SECRET_FILE": str(tmp_path / "secret")}, tmp_path
        )


def test_a_registry_without_a_key_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(SettingsInvalid, match="PADAN_REGISTRY_SECRET: needed"):
        load_settings({"PADAN_REGISTRY_URL": "http://127.0.0.1:9"}, tmp_path)


def test_a_secret_that_is_too_short_is_not_quoted(tmp_path: Path) -> None:
    with pytest.raises(SettingsInvalid) as caught:
        load_settings({"PADAN_REGISTRY_SECRET": "rahasia"}, tmp_path)
    assert "rahasia" not in str(caught.value)


def test_the_environment_is_stronger_than_the_env_file(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("PADAN_PORT=7001\nPADAN_HOST=127.0.0.2\nPADAN_CAMPAIGN=\n")
    settings = load_settings({"PADAN_PORT": "7002"}, tmp_path)
    assert (settings.port, settings.host, settings.campaign) == (7002, "127.0.0.2", "verifikasi")


def test_the_demo_database_and_its_settings_are_found_until_there_is_an_own_one(tmp_path: Path) -> None:
    demo = tmp_path / "var/demo"
    demo.mkdir(parents=True)
    (demo / "padan.db").touch()
    (demo / "demo.env").write_text("PADAN_PORT=7003\n")
    settings = load_settings({}, tmp_path)
    assert (settings.database, settings.port) == (str(demo / "padan.db"), 7003)
    assert settings.database_from == "var/demo/padan.db"

    (tmp_path / "var/padan.db").touch()
    settings = load_settings({}, tmp_path)
    assert (settings.database, settings.port) == (str(tmp_path / "var/padan.db"), 8360)

    settings = load_settings({"PADAN_DATABASE": "elsewhere.db"}, tmp_path)
    assert (settings.database, settings.database_from) == (str(tmp_path / "elsewhere.db"), "PADAN_DATABASE")


def test_a_mistyped_name_is_pointed_out() -> None:
    assert unknown_names({"PADAN_PROT": "1", "PADAN_PORT": "1", "PATH": "", "PADAN_TEST_POSTGRES_URL": ""}) == (
        "PADAN_PROT: no such setting. Is PADAN_PORT meant?",
    )


def test_every_setting_says_what_it_is_for() -> None:
    for item in setting_fields():
        assert item.metadata["doc"].endswith("."), item.name
        assert item.metadata["env"] == f"PADAN_{item.name.upper()}"
