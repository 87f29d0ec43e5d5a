"""What REST takes and gives about tariffs and prices."""

from rest_framework import serializers

from charging.api.shapes import CostLineOut, Moment, Shape, Text, Truth, Whole, reference
from charging.models import TariffAssignment
from charging.tariff_terms import HOLIDAYS, UNITS

Number = serializers.DecimalField


class DynamicShape(Shape):
    zone = Text(max_length=40, help_text="Whose prices: those at prices/ of the same zone, such as DE-LU.")
    factor = Text(required=False, help_text="A decimal; the price is slot × factor + markup, never below 0.")
    markup = Text(required=False, help_text="A decimal per kWh; may be negative.")


class PartShape(Shape):
    """Of each kind, the first part whose conditions all hold applies. Times and days are those of the site's clock."""

    kind = serializers.ChoiceField(list(UNITS))
    price = Text(help_text="A decimal; for a dynamic part what holds while no price is known.")
    per = serializers.ChoiceField(["kwh", "minute", "hour", "session"], required=False)
    dynamic = DynamicShape(required=False, allow_null=True)
    from_time = Text(required=False, help_text="Such as 06:30.")
    to_time = Text(required=False, help_text="Such as 22:00; before from_time it reaches past midnight.")
    weekdays = serializers.ListField(child=Whole(min_value=1, max_value=7), required=False, help_text="1 is Monday.")
    from_day = Text(required=False, help_text="2026-12-24, or 12-24 for every year.")
    to_day = Text(required=False, help_text="Included.")
    holidays = serializers.ChoiceField(HOLIDAYS, required=False, allow_blank=True)
    from_kwh = Text(required=False, help_text="Of the session's energy so far.")
    to_kwh = Text(required=False)
    from_minutes = Text(required=False, help_text="Since the start; for idle time since charging ended: the grace.")
    to_minutes = Text(required=False)
    tax_percent = Text(required=False, help_text="Where it differs from the version's.")


class VersionIn(Shape):
    valid_from = Moment(required=False, help_text="Now when left out. Running sessions keep their version.")
    parts = serializers.ListField(child=serializers.JSONField(), help_text="Parts as VersionOut shows them.")
    prices_include_tax = Truth(required=False, help_text="True when left out.")
    tax_percent = Number(max_digits=5, decimal_places=2, required=False, min_value=0, max_value=100)
    minimum = Number(max_digits=12, decimal_places=2, required=False, allow_null=True, min_value=0)
    maximum = Number(max_digits=12, decimal_places=2, required=False, allow_null=True, min_value=0)
    note = Text(required=False, allow_blank=True, max_length=200)


class VersionOut(Shape):
    number = Whole()
    valid_from = Moment()
    parts = PartShape(many=True)
    prices_include_tax = Truth()
    tax_percent = Text()
    minimum = Text(allow_null=True, help_text="Of a session's total, tax included.")
    maximum = Text(allow_null=True)
    note = Text()
    description = serializers.ListField(child=Text(), help_text="The same in sentences.")
    created_at = Moment()


class TariffIn(Shape):
    name = Text(max_length=150)
    currency = Text(required=False, max_length=3, help_text="The installation's when left out; it stays for good.")
    organization = reference(required=False, help_text="Your first one when left out.")
    version = VersionIn()


class TariffPatch(Shape):
    name = Text(max_length=150, required=False)


class TariffOut(Shape):
    id = Whole()
    organization = Whole()
    name = Text()
    currency = Text()
    created_at = Moment()
    versions = VersionOut(many=True)


class CalculationIn(Shape):
    """A session to compute: its energy flows evenly from the start until it stands idle."""

    started = Moment()
    minutes = serializers.FloatField(min_value=0, max_value=100_000, help_text="From plugging in to leaving.")
    energy_wh = serializers.FloatField(min_value=0, max_value=100_000_000)
    idle_minutes = serializers.FloatField(min_value=0, max_value=100_000, required=False)
    site = reference(required=False, help_text="Whose clock counts; UTC when left out.")
    version = Whole(required=False, min_value=1, help_text="The one in force at the start when left out.")


class CalculationOut(Shape):
    version = Whole()
    currency = Text()
    lines = CostLineOut(many=True)
    net = Text()
    tax = Text()
    total = Text(help_text="Tax included; the sum of the lines.")
    idle_from = Moment()
    without_price_kwh = Text(help_text="So much had no dynamic price, and was computed with the fallback.")


class AssignmentIn(Shape):
    scope = serializers.ChoiceField(TariffAssignment.Scope.choices)
    tariff = reference()
    target = Text(required=False, help_text="An id, the identity of a station, or the name of a tag group.")


class AssignmentOut(Shape):
    id = Whole()
    organization = Whole()
    scope = serializers.ChoiceField(TariffAssignment.Scope.choices)
    tariff = Whole()
    tariff_name = Text()
    target = Text(allow_null=True)
    target_name = Text()


class HolidayIn(Shape):
    day = serializers.DateField()
    name = Text(required=False, allow_blank=True, max_length=100)
    organization = reference(required=False)


class HolidayOut(Shape):
    id = Whole()
    organization = Whole()
    day = serializers.DateField()
    name = Text()


class SlotIn(Shape):
    begin = Moment()
    end = Moment()
    price_per_kwh = Number(max_digits=12, decimal_places=5, min_value=-1000, max_value=1000)


class PricesIn(Shape):
    zone = Text(max_length=40)
    currency = Text(required=False, max_length=3)
    organization = reference(required=False)
    slots = SlotIn(many=True)


class RecordedOut(Shape):
    zone = Text()
    added = Whole()
    changed = Whole()
    unchanged = Whole()


class PriceOut(Shape):
    organization = Whole()
    zone = Text()
    begin = Moment()
    end = Moment()
    price_per_kwh = Text()
    currency = Text()


class PriceSourceIn(Shape):
    zone = Text(max_length=40)
    url = Text(max_length=500, help_text="{zone}, {from}, {to}, {from_ms} and {to_ms} in it are filled in.")
    reader = Text(required=False, max_length=40, help_text="json when left out.")
    currency = Text(required=False, max_length=3)
    organization = reference(required=False)


class PriceSourceOut(Shape):
    id = Whole()
    organization = Whole()
    zone = Text()
    url = Text()
    reader = Text()
    currency = Text()
    read_at = Moment(allow_null=True)
    error = Text(help_text="What went wrong the last time; empty when it went well.")
