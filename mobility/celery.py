"""The Celery application. `CELERY_*` in the Django settings configure it; tasks live in `<app>/tasks.py`."""

import os
import threading
from typing import Any

from celery import Celery
from celery.signals import import_modules

from mobility import fleet

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "mobility.settings")

app = Celery("mobility")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


@import_modules.connect
def check_what_is_shared(**_: Any) -> None:
    """`celery worker` and `celery beat`, before they read anything; `manage.py up` has noted its parts already."""
    if not fleet.running and threading.current_thread() is threading.main_thread():
        fleet.refuse_what_is_not_shared(["worker or beat"])
