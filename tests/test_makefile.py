"""`make` on machines that lack something, and how it ends."""

import os
import shutil
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.environment import ROOT

TOOLS = ("make", "sh", "cat", "cksum", "cut", "sed", "expand", "rm", "touch", "env")
Make = Callable[..., subprocess.Popen[str]]

# Stands for the environment's interpreter: pip does nothing, the product says its pid and waits for a signal.
INTERPRETER = """#!/bin/sh
case "$*" in *pip*) exit 0;; esac
trap 'echo stopped cleanly; exit 0' INT TERM
echo "started $$: $*"
while :; do sleep 0.1; done
"""


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """The files `make` reads, in a folder whose name has a space."""
    folder = tmp_path / "a fresh clone"
    folder.mkdir()
    for name in ("Makefile", "requirements.txt", "requirements-dev.txt", "constraints.txt"):
        shutil.copy(ROOT / name, folder)
    return folder


@pytest.fixture
def make(checkout: Path, tmp_path: Path) -> Make:
    """Run make with a PATH of basic tools, and of `python3` with the given script."""
    tools = tmp_path / "bin"
    tools.mkdir()
    for tool in (*TOOLS, "sleep"):
        (tools / tool).symlink_to(shutil.which(tool) or tool)

    def run(target: str, python3: str = "") -> subprocess.Popen[str]:
        if python3:
            (tools / "python3").write_text(f"#!/bin/sh\n{python3}\n")
            (tools / "python3").chmod(0o755)
        return subprocess.Popen(
            ["make", target],
            cwd=checkout,
            env={"PATH": str(tools), "HOME": str(tmp_path)},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
            # Whoever began the tests in the background has made them deaf to it, and all that they begin.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        )

    return run


@pytest.fixture
def installed(checkout: Path) -> Path:
    interpreter = checkout / ".venv" / "bin" / "python"
    interpreter.parent.mkdir(parents=True)
    interpreter.write_text(INTERPRETER)
    interpreter.chmod(0o755)
    (checkout / ".venv" / ".created").touch()
    return interpreter


def test_help_names_every_target(make: Make) -> None:
    said, _ = make("help").communicate(timeout=30)
    for target in ("demo", "run", "test", "bench", "lint", "format", "check", "clean", "help"):
        assert f"make {target} " in said


@pytest.mark.parametrize(
    ("python3", "wanted"),
    [
        ("", "sudo apt-get install python3.11 python3.11-venv"),
        ("exit 1", "sudo apt-get install python3.11 python3.11-venv"),
        ('case "$2" in *ensurepip*) exit 1;; *print*) echo 3.12;; esac', "sudo apt-get install python3.12-venv"),
    ],
    ids=["no Python", "an old Python", "no venv"],
)
def test_what_is_missing_is_one_line_with_its_remedy(make: Make, python3: str, wanted: str) -> None:
    process = make("run", python3)
    said, _ = process.communicate(timeout=30)
    assert process.returncode == 2
    lines = [line for line in said.splitlines() if not line.startswith("make:")]
    assert len(lines) == 1, said
    assert lines[0].endswith(wanted)


def test_it_installs_once_and_again_when_a_requirement_changes(make: Make, checkout: Path, installed: Path) -> None:
    installed.write_text("#!/bin/sh\nexit 0\n")
    assert "Installing" in make("run").communicate(timeout=30)[0]
    assert "Installing" not in make("run").communicate(timeout=30)[0]
    with (checkout / "requirements.txt").open("a") as file:
        file.write("# changed\n")
    assert "Installing" in make("run").communicate(timeout=30)[0]


@pytest.mark.parametrize(("target", "command"), [("run", "manage.py up"), ("demo", "manage.py demo")])
@pytest.mark.parametrize("how", ["Ctrl-C", "SIGTERM"])
def test_an_end_reaches_the_product_and_leaves_nothing(
    make: Make, installed: Path, target: str, command: str, how: str
) -> None:
    process = make(target)
    assert process.stdout
    line = ""
    while not line.startswith("started"):
        line = process.stdout.readline()
        assert line, "make ended early"
    assert command in line
    if how == "Ctrl-C":  # A terminal sends it to the whole foreground group.
        os.killpg(process.pid, signal.SIGINT)
    else:
        process.terminate()
    said, _ = process.communicate(timeout=30)
    assert "stopped cleanly" in said
    with pytest.raises(ProcessLookupError):
        os.kill(int(line.split()[1].rstrip(":")), 0)
