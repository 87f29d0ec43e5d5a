"""The scheduler of Celery beat: django-celery-beat's, which asks whether there is work before it sends a task."""

import logging
from collections.abc import Callable
from typing import Any, TypeVar

from celery.beat import ScheduleEntry
from django.db import connection
from django.db.utils import DatabaseError
from django_celery_beat.schedulers import DatabaseScheduler

log = logging.getLogger("mobility.beat")

Task = TypeVar("Task", bound=Callable[..., Any])

#: Task name -> whether it has anything to do.
CHECKS: dict[str, Callable[[], bool]] = {}


def only_if(check: Callable[[], bool]) -> Callable[[Task], Task]:
    """Have beat send a task only while `check` says that there is work; stands below `@shared_task`.

    One indexed query in the scheduler costs a tenth of a task that finds nothing to do, and a task through a broker
    costs that broker and a worker something too. The task still looks itself: it may come late, twice or unasked.
    """

    def register(task: Task) -> Task:
        CHECKS[f"{task.__module__}.{task.__name__}"] = check
        return task

    return register


def has_work(task: str) -> bool:
    """True also when that cannot be found out: then the task says what is wrong."""
    check = CHECKS.get(task)
    if check is None:
        return True
    try:
        return check()
    except DatabaseError as error:
        log.warning("Whether %s has work cannot be read: %s", task, error)
        return True


class Scheduler(DatabaseScheduler):
    """Sends what is due and has work, and keeps its connection to a file, which cannot break, from tick to tick."""

    def apply_entry(self, entry: ScheduleEntry, producer: Any = None) -> None:
        if has_work(entry.task):
            super().apply_entry(entry, producer)

    def schedule_changed(self) -> bool:
        if connection.vendor == "sqlite":
            connection.close_at = None
        return bool(super().schedule_changed())
