"""What several processes would not share is refused in one line that says what to set, however they are started."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
from django.conf import settings

from mobility import fleet
from tests.support.environment import ROOT, without_settings

#: Settings of processes that share everything, and which variable is named when one of them does not.
SHARED = {
    "CELERY_BROKER_URL": ("CELERY_BROKER_URL", "memory://"),
    "REDIS_URL": ("REDIS_URL", ""),
    "DATABASES": ("DATABASE_URL", {"default": {"ENGINE": "django.db.backends.sqlite3"}}),
    "SECRET_KEY_IS_OWN": ("SECRET_KEY", True),
}
GOOD: dict[str, Any] = {
    "CELERY_BROKER_URL": "amqp://broker//",
    "REDIS_URL": "redis://cache/0",
    "DATABASES": {"default": {"ENGINE": "django.db.backends.postgresql"}},
    "SECRET_KEY_IS_OWN": False,
}


def start(data: Path, command: tuple[str, ...]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *command],
        cwd=ROOT,
        env={**without_settings(os.environ), "DATA_DIR": str(data)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@pytest.mark.parametrize("setting", SHARED)
def test_each_thing_that_is_not_shared_is_refused(setting: str, capsys: pytest.CaptureFixture[str]):
    name, alone = SHARED[setting]
    with patch.multiple(settings, **GOOD):
        fleet.refuse_what_is_not_shared(["gateway", "portal"])
        with patch.object(settings, setting, alone), pytest.raises(SystemExit) as ended:
            fleet.refuse_what_is_not_shared(["gateway", "portal"])
    assert ended.value.code == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"The setting {name} cannot be used: ")
    assert "this process runs only: gateway, portal. Set " in line


@pytest.mark.parametrize(
    "command",
    [
        ("manage.py", "up", "--only", "gateway"),
        ("-m", "uvicorn", "mobility.asgi:ocpp", "--port", "1"),
        ("-m", "celery", "-A", "mobility", "worker"),
        ("-m", "celery", "-A", "mobility", "beat"),
    ],
    ids=["up", "uvicorn", "worker", "beat"],
)
def test_every_way_to_start_refuses_it(tmp_path: Path, command: tuple[str, ...]):
    done = start(tmp_path, command)
    assert done.returncode == 2
    assert "The setting CELERY_BROKER_URL cannot be used: memory:// lives within one process" in done.stderr
    assert "Traceback" not in done.stderr
