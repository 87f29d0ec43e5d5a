"""The environment: what is unusable is one clear line and exit status 2, before anything starts."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.environment import ROOT, without_settings


def run(tmp_path: Path, arguments: list[str], variables: dict[str, str]) -> subprocess.CompletedProcess[str]:
    environment = {**without_settings(os.environ), "DATA_DIR": str(tmp_path / "data"), **variables}
    command = [sys.executable, *arguments]
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=90)


def manage(tmp_path: Path, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    return run(tmp_path, ["manage.py", *arguments], variables)


def settings_only(tmp_path: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    """Only what reads the environment, which every command does first."""
    return run(tmp_path, ["-c", "import mobility.settings"], variables)


def test_it_works(tmp_path: Path) -> None:
    done = manage(tmp_path, "check")
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PORTAL_PORT", "eighty"),
        ("OCPP_PORT", "0"),
        ("OCPP_PORT", "8080"),
        ("DEBUG", "maybe"),
        ("DATABASE_URL", "oracle://x"),
        ("DATABASE_URL", "nonsense"),
        ("REDIS_URL", "http://127.0.0.1"),
        ("CELERY_BROKER_URL", "carrier-pigeon://x"),
        ("PUBLIC_URL", "charging.example.com"),
        ("OCPP_PUBLIC_URL", "http://x"),
        ("CURRENCY", "EURO"),
        ("MAP_TILES_URL", "https://tiles.example.org/0/0/0.png"),
        ("MAP_TILES_URL", "https://{s}.tiles.example.org/{z}/{x}/{y}.png"),
        ("TLS_CERT", "/nowhere/cert.pem"),
        ("OCPP_MAX_FRAME", "12"),
        ("LOG_LEVEL", "LOUD"),
        ("SECRET_KEY_FILE", "/nowhere/key"),
    ],
)
def test_an_unusable_value_is_one_line_and_exit_2(tmp_path: Path, name: str, value: str) -> None:
    done = settings_only(tmp_path, **{name: value})
    assert done.returncode == 2, (done.returncode, done.stderr)
    assert done.stderr.count("\n") == 1
    assert name in done.stderr


def test_the_start_itself_ends_with_it_too(tmp_path: Path) -> None:
    done = manage(tmp_path, "up", PORTAL_PORT="eighty")
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)


def test_a_password_in_a_broken_url_is_not_shown(tmp_path: Path) -> None:
    done = settings_only(tmp_path, DATABASE_URL="oracle://me:hunter2@db/x")
    assert done.returncode == 2
    assert "hunter2" not in done.stderr + done.stdout


def test_a_secret_comes_from_a_file(tmp_path: Path) -> None:
    key = tmp_path / "key"
    key.write_text("k" * 60 + "\n")
    shown = manage(
        tmp_path,
        "shell",
        "-c",
        "from django.conf import settings; print(settings.SECRET_KEY)",
        SECRET_KEY_FILE=str(key),
    )
    assert "k" * 60 in shown.stdout


def test_without_a_key_one_is_made_once_and_kept_private(tmp_path: Path) -> None:
    settings_only(tmp_path)
    path = tmp_path / "data" / "secret_key"
    first = path.read_text()
    assert len(first) > 60
    assert path.stat().st_mode & 0o077 == 0
    settings_only(tmp_path)
    assert path.read_text() == first


def test_production_settings_pass_the_deployment_check(tmp_path: Path) -> None:
    done = manage(
        tmp_path,
        "check",
        "--deploy",
        "--fail-level",
        "WARNING",
        SECRET_KEY="kB9-z" * 13,
        PUBLIC_URL="https://charging.example.com",
        OCPP_PUBLIC_URL="wss://ocpp.example.com/OCPP",
        ALLOWED_HOSTS="charging.example.com",
    )
    assert done.returncode == 0, done.stderr
