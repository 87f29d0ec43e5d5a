"""The product's own settings over a throw-away data folder.

Nothing of the developer's environment reaches a test: what the product would read from it is taken away first.
"""

import atexit
import os
import shutil
import tempfile

from tests.support.environment import GIVEN, without_settings

for name in set(os.environ) - set(without_settings(os.environ)):
    del os.environ[name]
_data = tempfile.mkdtemp(prefix="mobility-unit-")
atexit.register(shutil.rmtree, _data, ignore_errors=True)
os.environ.update(DATA_DIR=_data, SECRET_KEY="unit-tests-only-" * 4)
_on_postgres = GIVEN.get("TEST_DATABASE") == "postgres"
if _on_postgres:
    _server = GIVEN.get("TEST_DATABASE_URL") or "postgres://postgres@127.0.0.1:5432"
    os.environ["DATABASE_URL"] = f"{_server.rstrip('/')}/mobility_{os.getpid()}"

from mobility.settings import *  # noqa: E402, F403
from mobility.settings import DATABASES  # noqa: E402

if _on_postgres:
    # The test database is dropped at the end; a pool would hold its connections.
    DATABASES["default"]["OPTIONS"].pop("pool")
else:
    # A file, not memory: other threads see the same data under the same locks as in the product.
    DATABASES["default"]["TEST"] = {"NAME": os.path.join(_data, "test.sqlite3")}

# Argon2 is meant to be slow; a test that hashes a password is not about that.
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
