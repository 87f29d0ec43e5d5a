"""Clients that others generate from the OpenAPI document work: one in Python, one in TypeScript (docs/api.md)."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from tests.support.people import PASSWORD, People
from tests.support.server import Server
from tests.support.services import missing

HERE = Path(__file__).parent
Unique = Callable[[str], str]


@pytest.fixture(scope="module")
def document(server: Server, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The document as it is served, in a folder for what is made of it."""
    path = tmp_path_factory.mktemp("clients") / "openapi.json"
    path.write_bytes(httpx.get(f"{server.url}/api/schema/").content)
    return path


def run(*command: str | Path, cwd: Path, **env: str) -> str:
    tools = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        list(map(str, command)),
        cwd=cwd,
        env={**os.environ, "PATH": tools, **env},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, f"{command[0]}: {done.stdout[-2000:]}{done.stderr[-2000:]}"
    return done.stdout


def test_a_python_client(document: Path, server: Server, people: People, unique: Unique) -> None:
    folder, identity = document.parent, unique("PY")
    name = folder / "mobility_client"
    run("openapi-python-client", "generate", "--path", document, "--output-path", name, "--meta", "none", cwd=folder)
    arguments = (server.url, people.owner.email, PASSWORD, identity)
    said = run(sys.executable, HERE / "client.py", *arguments, cwd=folder, PYTHONPATH=str(folder))
    assert json.loads(said) == [[identity, False]]


def test_a_typescript_client(document: Path, server: Server, people: People, unique: Unique) -> None:
    node = shutil.which("node") or missing("Node.js", "install it (Debian: sudo apt-get install nodejs npm)")
    tools = HERE / "node_modules"
    if not (tools / "openapi-typescript").is_dir():
        missing("the npm package openapi-typescript", "npm --prefix tests/interop ci")
    folder, identity = document.parent / "ts", unique("TS")
    folder.mkdir()
    (folder / "node_modules").symlink_to(tools)
    (folder / "package.json").write_text('{"type": "module"}')
    shutil.copy(HERE / "client.ts", folder)
    run(tools / ".bin" / "openapi-typescript", document, "-o", "schema.d.ts", cwd=folder)
    run(tools / ".bin" / "tsc", "--strict", "--target", "es2022", "--module", "nodenext", "client.ts", cwd=folder)
    said = run(node, "client.js", server.url, people.owner.email, PASSWORD, identity, cwd=folder)
    assert json.loads(said) == [[identity, False]]
