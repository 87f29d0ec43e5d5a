"""A gateway on a host of its own, whose cable to the services is cut."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.environment import ROOT, without_settings
from tests.support.private import program
from tests.support.server import end_with_parent

pytestmark = pytest.mark.slow

PLAYED = Path(__file__).with_name("far_gateway.py")


def test_nothing_is_lost_and_all_is_caught_up() -> None:
    """Played by tests/fleet/far_gateway.py within a network of its own: a browser that another test has open would see
    cards come and go, and break its requests off."""
    inner = {name: value for name, value in without_settings(os.environ).items() if not name.startswith("PYTEST_")}
    done = subprocess.run(
        [program("unshare"), "--net", sys.executable, "-m", "pytest", "-n0", "-q", str(PLAYED)],
        cwd=ROOT,
        env=inner,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        preexec_fn=end_with_parent,
        check=False,
    )
    if " skipped" in done.stdout and not done.returncode:
        pytest.skip(done.stdout[-500:])
    assert done.returncode == 0, done.stdout[-6000:]
