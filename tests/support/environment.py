"""The environment of a server under test: the developer's, without what the product reads from it."""

import os
import re
import socket
from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

#: The developer's environment as it was before tests.settings took the product's variables away.
GIVEN = dict(os.environ)


def settings_names() -> set[str]:
    """Every variable that the product's settings read, and its `*_FILE` twin."""
    read = re.compile(r'\benv\.\w+\(\s*"([A-Z0-9_]+)"')
    names = {name for path in (ROOT / "mobility").glob("*.py") for name in read.findall(path.read_text())}
    assert "DATABASE_URL" in names, "mobility/settings.py no longer reads its variables through env.*"
    return names | {f"{name}_FILE" for name in names}


def without_settings(environment: Mapping[str, str]) -> dict[str, str]:
    """The same environment without what the product, or Django's commands, would read from it."""
    ours = settings_names()
    return {k: v for k, v in environment.items() if k not in ours and not k.startswith(("DJANGO_", "AXES_"))}


def free_port() -> int:
    """A loopback port that nobody listens on at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
