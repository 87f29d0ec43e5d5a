"""The version, derived from git tags as semver: `1.4.0`, or `1.4.1-dev.12+gabc1234` after the tag.

Order: the file `mobility/VERSION` (written when an image is built), `git describe`, else `0.0.0+unknown`.
"""

import re
import subprocess
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
DESCRIBED = re.compile(r"^v?(\d+)\.(\d+)\.(\d+)(?:-(\d+)-g([0-9a-f]+))?$")


def from_describe(described: str) -> str:
    """Turn the output of `git describe --tags --long`-like text into semver; a bare hash becomes `0.0.0+g<hash>`."""
    match = DESCRIBED.match(described)
    if not match:
        return f"0.0.0+g{described}"
    major, minor, patch, commits, commit = match.groups()
    if not commits:
        return f"{major}.{minor}.{patch}"
    return f"{major}.{minor}.{int(patch) + 1}-dev.{commits}+g{commit}"


@cache
def version() -> str:
    written = Path(__file__).with_name("VERSION")
    if written.is_file():
        return written.read_text().strip()
    try:
        described = subprocess.run(
            ["git", "describe", "--tags", "--always", "--match", "v[0-9]*"],
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=5,
            check=True,
        ).stdout.strip()
    except (OSError, subprocess.SubprocessError):
        return "0.0.0+unknown"
    return from_describe(described)
