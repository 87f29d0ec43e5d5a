"""Where Celery looks for the tasks of this room; each stands beside what it is about."""

from accounts.passwords import mail_reset_link

__all__ = ["mail_reset_link"]
