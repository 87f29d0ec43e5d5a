"""What REST takes and gives of schedules."""

from typing import Any

from rest_framework import serializers

from charging.api.shapes import Moment, Number, Shape, Text, Truth, Whole, reference
from charging.models import ChargingProfile, Schedule, ScheduleRun

Choice = serializers.ChoiceField
#: `balanced`: the load balancing of the site limits the outlet, and comes first.
STORED_STATES = ("none", "balanced", *(state for state in ChargingProfile.Status.values if state != "cleared"))


class WindowShape(Shape):
    weekday = Whole(min_value=0, max_value=6, help_text="0 is Monday.")
    begin = serializers.RegexField(r"^([01]\d|2[0-3]):[0-5]\d$", help_text="Local time at the site, such as 22:00.")
    end = serializers.RegexField(r"^([01]\d|2[0-3]):[0-5]\d$", help_text="Not later than the begin: on the next day.")
    limit_w = Whole(required=False, allow_null=True, default=None, help_text="The power limit of the window.")


class PlannedSlotOut(Shape):
    begin = Moment()
    end = Moment()
    energy_wh = Whole(required=False)
    cost = Text(required=False)


class PlannedPowerOut(Shape):
    begin = Moment()
    end = Moment()
    power_w = Whole()


class PlanOut(Shape):
    """What was decided. Which fields there are depends on the mode."""

    reason = Text(required=False, help_text="A stable code; `sentence` says it in words.")
    sentence = Text(required=False)
    slots = PlannedSlotOut(many=True, required=False)
    begin = Moment(required=False, allow_null=True)
    end = Moment(required=False)
    until = Moment(required=False, allow_null=True)
    deadline = Moment(required=False)
    wanted_wh = Whole(required=False)
    energy_wh = Whole(required=False)
    missing_wh = Whole(required=False)
    power_w = Whole(required=False)
    minutes = Whole(required=False)
    cost = Text(required=False)
    prices_known = Truth(required=False)
    waits_for_car = Truth(required=False)
    ready_at = Moment(required=False, allow_null=True, help_text="Null where energy will be missing.")
    limited = Truth(required=False, help_text="Circuits, other plans or profiles leave less than the car could take.")
    powers = PlannedPowerOut(many=True, required=False, help_text="What is reserved when.")


class ScheduleOut(Shape):
    id = Whole()
    organization = Whole()
    station = Text(help_text="Its identity.")
    evse_id = Whole(allow_null=True)
    connector_id = Whole(allow_null=True)
    user = Whole(help_text="Whose rights it acts with.")
    car = Whole(allow_null=True)
    id_tag = Text(allow_null=True)
    name = Text()
    mode = Choice(Schedule.Mode.choices)
    technique = Choice(Schedule.Technique.choices)
    enabled = Truth()
    windows = WindowShape(many=True)
    ready_by = Text(allow_null=True, help_text="Local time at the site, such as 07:00.")
    target_wh = Whole(allow_null=True)
    target_percent = Whole(allow_null=True)
    battery_wh = Whole(allow_null=True)
    soc_percent = Whole(allow_null=True)
    power_w = Whole(allow_null=True)
    continuous = Truth()
    buffer_minutes = Whole()
    min_run_minutes = Whole()
    price_limit = Text(allow_null=True)
    random_delay_minutes = Whole()
    charge_now = Truth()
    skipped = Moment(allow_null=True)
    paused_until = Moment(allow_null=True)
    plugged_since = Moment(allow_null=True)
    plan = PlanOut()
    created_at = Moment()


def optional_whole(least: int, most: int, **more: Any) -> serializers.IntegerField:
    return Whole(required=False, allow_null=True, min_value=least, max_value=most, **more)


class SchedulePatch(Shape):
    evse_id = optional_whole(1, 2**31 - 1)
    connector_id = optional_whole(1, 2**31 - 1)
    car = reference(required=False, allow_null=True)
    id_tag = Text(required=False, allow_null=True, max_length=255)
    name = Text(required=False, allow_blank=True, max_length=100)
    mode = Choice(Schedule.Mode.choices, required=False)
    technique = Choice(Schedule.Technique.choices, required=False)
    enabled = Truth(required=False)
    windows = WindowShape(many=True, required=False)
    ready_by = Text(required=False, allow_null=True, max_length=8)
    target_wh = optional_whole(1, 1_000_000)
    target_percent = optional_whole(1, 100)
    battery_wh = optional_whole(1_000, 10_000_000)
    soc_percent = optional_whole(0, 100)
    power_w = optional_whole(500, 10_000_000)
    continuous = Truth(required=False)
    buffer_minutes = Whole(required=False, min_value=0, max_value=600)
    min_run_minutes = Whole(required=False, min_value=0, max_value=600)
    price_limit = serializers.DecimalField(
        max_digits=12, decimal_places=5, required=False, allow_null=True, min_value=0, help_text="Per kWh."
    )
    random_delay_minutes = Whole(required=False, min_value=0, max_value=10)


class ScheduleChange(SchedulePatch):
    charge_now = Truth(required=False, help_text="For this plug-in alone.")
    skip_next = Truth(required=False, help_text="Leave out the next window or deadline; false takes it back.")
    paused_until = Moment(required=False, allow_null=True)


class ScheduleIn(SchedulePatch):
    station = Text(max_length=48, help_text="Its identity.")
    user = reference(required=False, help_text="Yours when left out; managers may name a colleague.")


class StepOut(Shape):
    at = Moment()
    code = Text()
    params = serializers.DictField()
    text = Text()


class RunOut(Shape):
    id = Whole()
    schedule = Whole()
    state = Choice(ScheduleRun.State.choices)
    begin = Moment()
    end = Moment()
    open_ended = Truth()
    limit_w = Whole(allow_null=True)
    energy_wh = Number(allow_null=True)
    cost = Text(allow_null=True)
    sent = Moment(allow_null=True)
    answered = Moment(allow_null=True)
    effect = Moment(allow_null=True)
    ended = Moment(allow_null=True)
    command = Whole(allow_null=True)
    transaction = Whole(allow_null=True)
    steps = StepOut(many=True)
    created = Moment()


class StoredOut(Shape):
    state = Choice([(state, state) for state in STORED_STATES])
    since = Moment(allow_null=True)
    answered_at = Moment(allow_null=True)
    sentence = Text()
    differences = serializers.ListField(child=Text(), help_text="Where the station says another limit.")


class SlotPriceOut(Shape):
    begin = Moment()
    end = Moment()
    price_per_kwh = Text()
    known = Truth()


class PreviewOut(Shape):
    plan = PlanOut()
    prices = SlotPriceOut(many=True)
