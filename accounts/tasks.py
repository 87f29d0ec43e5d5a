"""Where Celery looks for the tasks of this room; each stands beside what it is about."""

from accounts.notice_sending import send_notifications
from accounts.passwords import mail_reset_link
from accounts.webhook_sending import send_webhooks

__all__ = ["mail_reset_link", "send_notifications", "send_webhooks"]
