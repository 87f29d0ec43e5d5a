"""What the states of a reservation are called."""

from typing import Any

from django.utils.translation import gettext_lazy

#: status -> (colour, icon, label)
STATUSES: dict[str, tuple[str, str, Any]] = {
    "planned": ("off", "schedule", gettext_lazy("Planned")),
    "requested": ("wait", "hourglass_top", gettext_lazy("Requested")),
    "accepted": ("held", "event", gettext_lazy("Reserved")),
    "refused": ("bad", "cancel", gettext_lazy("Refused")),
    "used": ("ok", "check_circle", gettext_lazy("Used")),
    "cancelled": ("off", "block", gettext_lazy("Cancelled")),
    "expired": ("off", "timer_off", gettext_lazy("Expired")),
    "failed": ("bad", "error", gettext_lazy("Failed")),
}
