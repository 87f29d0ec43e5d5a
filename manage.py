#!/usr/bin/env python
"""Django's command line for this project: `manage.py up` starts everything."""

import os
import runpy
import sys
from pathlib import Path


def main() -> None:
    if sys.argv[1:] == ["version"] or "--version" in sys.argv[1:]:
        # Ours; Django would print its own. Read by its path: it is asked for where nothing is installed yet, too.
        version = runpy.run_path(str(Path(__file__).with_name("mobility") / "version.py"))["version"]
        sys.stdout.write(f"{version()}\n")
        return
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "mobility.settings")
    from django.core.management import execute_from_command_line

    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
