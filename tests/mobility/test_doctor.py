"""`manage.py doctor`: what is right, doubtful and wrong, in words, as JSON, and as an exit status."""

import json
from pathlib import Path
from typing import Any

from tests.mobility.test_backup import manage
from tests.support.certificates import Authority
from tests.support.environment import free_port
from tests.support.server import Server
from tests.support.services import ON_POSTGRES

Findings = list[dict[str, Any]]


def examine(folder: Path, *, status: int = 1, **env: str) -> Findings:
    printed = manage(folder, "doctor", "--json", status=status, env=env)
    body, _ = json.JSONDecoder().raw_decode(printed)
    assert body["healthy"] is (status == 0)
    return body["findings"]


def texts(found: Findings, subject: str, level: str) -> str:
    return " ".join(one["text"] for one in found if (one["subject"], one["level"]) == (subject, level))


def test_a_running_server_is_fine(server: Server) -> None:
    (server.data_dir / "uploads").mkdir(exist_ok=True)
    done = server.manage("doctor", "--json")
    found = json.loads(done.stdout)["findings"]
    assert not [one for one in found if one["level"] == "bad"]
    assert "answers" in texts(found, "ports", "ok")
    assert "migrations are applied" in texts(found, "database", "ok")
    own = "connections per process" if ON_POSTGRES else "write-ahead log"
    assert own in texts(found, "database", "ok")
    strict = server.manage("doctor", "--strict", check=False)
    assert strict.returncode == 1, "it has no mail server"
    assert "[  ok  ] secret key" in strict.stdout
    assert "[ look ] mail" in strict.stdout


def test_what_is_wrong_is_said(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    mine, others = authority.issue("mine", host="127.0.0.1", days=-1), authority.issue("others", host="127.0.0.1")
    others.key.chmod(0o644)
    folder = tmp_path / "data"
    found = examine(
        folder,
        SECRET_KEY="short",
        DEBUG="1",
        ACCEPT_UNKNOWN_STATIONS="1",
        PUBLIC_URL="https://charging.example.com",
        ALLOWED_HOSTS="other.example.com",
        TLS_CERT=str(mine.certificate),
        TLS_KEY=str(others.key),
        REDIS_URL=f"redis://:sup3rsecret@127.0.0.1:{free_port()}/0",
        CELERY_BROKER_URL=f"amqp://me:sup3rsecret@127.0.0.1:{free_port()}//",
        EMAIL_URL=f"smtp://me:sup3rsecret@127.0.0.1:{free_port()}",
    )
    assert "weak" in texts(found, "secret key", "bad")
    assert texts(found, "DEBUG", "bad")
    assert "ACCEPT_UNKNOWN_STATIONS" in texts(found, "addresses", "bad")
    assert "not in ALLOWED_HOSTS" in texts(found, "addresses", "bad")
    assert "not the key" in texts(found, "TLS", "bad")
    assert "not for charging.example.com" in texts(found, "TLS", "bad")
    assert "chmod 600" in texts(found, "TLS", "warn")
    assert "pending" in texts(found, "database", "bad")
    for subject in ("Redis", "broker", "mail"):
        assert texts(found, subject, "bad"), subject
    assert "Nothing answers" in texts(found, "ports", "warn")
    assert "sup3rsecret" not in json.dumps(found)


def test_a_database_that_is_away_is_one_finding(tmp_path: Path) -> None:
    found = examine(tmp_path, DATABASE_URL=f"postgres://me:sup3rsecret@127.0.0.1:{free_port()}/x?connect_timeout=2")
    assert "cannot be asked" in texts(found, "database", "bad")
    assert "sup3rsecret" not in json.dumps(found)
    assert {one["subject"] for one in found if one["level"] == "bad"} == {"database"}


def test_an_open_key_is_noticed(tmp_path: Path) -> None:
    key = tmp_path / "secret_key"
    key.write_text("k3y" * 30)
    key.chmod(0o644)
    assert "chmod 600" in texts(examine(tmp_path), "DATA_DIR", "bad")
