"""What REST takes and gives, as serializers: the taking ones check a body's shape, the giving ones document the JSON
that the queries make."""

from typing import Any

from rest_framework import serializers

from charging.commands import KINDS
from charging.models import ChargingStation, Command, Connector, OcppMessage, Transaction

Text = serializers.CharField
Whole = serializers.IntegerField
Number = serializers.FloatField
Truth = serializers.BooleanField
Moment = serializers.DateTimeField
Shape = serializers.Serializer[Any]

BIG = 2**63 - 1


def money(**more: Any) -> serializers.DecimalField:
    return serializers.DecimalField(max_digits=12, decimal_places=5, allow_null=True, **more)


def reference(**more: Any) -> serializers.IntegerField:
    """The id of something else."""
    return Whole(min_value=1, max_value=BIG, **more)


class ConnectorOut(Shape):
    connector_id = Whole()
    status = serializers.ChoiceField(Connector.Status.choices)
    error_code = Text()
    info = Text()
    status_at = Moment(allow_null=True)
    power_w = Number(allow_null=True)
    energy_wh = Number(allow_null=True, help_text="The meter's register.")
    current_a = Number(allow_null=True)
    voltage_v = Number(allow_null=True)
    soc_percent = Number(allow_null=True)
    measured_at = Moment(allow_null=True)
    rated_power_w = Whole(allow_null=True)
    transaction = Whole(allow_null=True, help_text="The id of the open transaction.")


class EvseOut(Shape):
    evse_id = Whole()
    connectors = ConnectorOut(many=True)


class StationOut(Shape):
    id = Whole()
    identity = Text()
    name = Text()
    organization = Whole()
    site = Whole(allow_null=True)
    protocol = Text(help_text='"1.6", "2.0.1" or "2.1"; empty before the first connection.')
    protocol_pin = Text()
    vendor = Text()
    model = Text()
    serial_number = Text()
    firmware_version = Text()
    firmware_status = Text()
    registration = serializers.ChoiceField(ChargingStation.Registration.choices)
    security_profile = Whole()
    online = Truth()
    status = Text()
    error_code = Text()
    last_seen = Moment(allow_null=True)
    connected_at = Moment(allow_null=True)
    booted_at = Moment(allow_null=True)
    clock_drift_s = Number(allow_null=True)
    price_per_kwh = Text(allow_null=True, help_text="A decimal.")
    rated_power_w = Whole(allow_null=True)
    cost_center = Text(help_text="Of sessions whose id tag and person have none.")
    heartbeat_interval_s = Whole(allow_null=True)
    call_timeout_s = Whole(allow_null=True)
    idle_timeout_s = Whole(allow_null=True)
    latitude = Number(allow_null=True)
    longitude = Number(allow_null=True)
    plan_x_percent = Number(allow_null=True, help_text="On the plan of its site, from the left.")
    plan_y_percent = Number(allow_null=True, help_text="On the plan of its site, from the top.")
    created_at = Moment()
    evses = EvseOut(many=True)


class StationTariff(Shape):
    id = Whole()
    name = Text()
    version = Whole()
    currency = Text()
    description = Text(help_text="In one line, in the language asked for.")


class StationDetail(StationOut):
    tariff = StationTariff(allow_null=True, help_text="What holds for everybody here; null: its price per kWh.")


class StationMade(StationOut):
    password = Text(allow_null=True, help_text="Shown this once, when it was made here.")


class StationChange(Shape):
    name = Text(required=False, allow_blank=True, max_length=150)
    site = reference(required=False, allow_null=True)
    price_per_kwh = money(required=False, min_value=0)
    security_profile = Whole(required=False, min_value=0, max_value=3)
    password = Text(required=False, allow_null=True, allow_blank=True, max_length=100, trim_whitespace=False)
    protocol_pin = serializers.ChoiceField(ChargingStation.Protocol.choices, required=False, allow_blank=True)
    registration = serializers.ChoiceField(ChargingStation.Registration.choices, required=False)
    rated_power_w = Whole(required=False, allow_null=True, min_value=1, max_value=100_000_000)
    cost_center = Text(required=False, allow_blank=True, max_length=100)
    heartbeat_interval_s = Whole(required=False, allow_null=True, min_value=10, max_value=86_400)
    call_timeout_s = Whole(required=False, allow_null=True, min_value=1, max_value=3600)
    idle_timeout_s = Whole(required=False, allow_null=True, min_value=0, max_value=86_400)
    latitude = Number(required=False, allow_null=True, min_value=-90, max_value=90)
    longitude = Number(required=False, allow_null=True, min_value=-180, max_value=180)
    plan_x_percent = Number(required=False, allow_null=True, min_value=0, max_value=100)
    plan_y_percent = Number(required=False, allow_null=True, min_value=0, max_value=100)


class StationPatch(StationChange):
    identity = Text(required=False, trim_whitespace=False, help_text="Cannot change; may be sent back as it is.")
    learn_password = Truth(required=False, help_text="The next password that the station presents becomes its own.")


class StationIn(StationChange):
    identity = Text(trim_whitespace=False, max_length=48, help_text="What the station calls itself in its URL.")
    organization = reference(required=False, help_text="Your first one when left out.")


class WaitingStationOut(Shape):
    identity = Text()
    attempts = Whole()
    first_seen = Moment()
    last_seen = Moment()
    source_ip = Text()
    subprotocols = Text()
    user_agent = Text()
    had_credentials = Truth()


class RefusedHandshakeOut(Shape):
    identity = Text(help_text="As it came; of a malformed one the whole path.")
    station = Text(allow_null=True)
    status = Whole()
    reason = Text()
    attempts = Whole()
    first_seen = Moment()
    last_seen = Moment()
    source_ip = Text()
    path = Text()
    secure = Truth()
    subprotocols = Text()
    user_agent = Text()
    username = Text()
    had_credentials = Truth()


class AdoptIn(Shape):
    organization = reference(required=False)
    learn = Truth(default=False, help_text="Take the next password that the station presents.")


class CommandIn(Shape):
    """A neutral command, or (for managers) any CALL of the station's version: `{"action": …, "payload": {…}}`."""

    command = serializers.ChoiceField([(kind.name, kind.label) for kind in KINDS.values()], required=False)
    evse_id = Whole(required=False, allow_null=True)
    connector_id = Whole(required=False, allow_null=True)
    id_tag = Text(required=False, allow_null=True, help_text="start: the tag; your default one when left out.")
    car = Whole(required=False, allow_null=True)
    transaction = Text(required=False, allow_null=True, help_text="stop: its id.")
    type = serializers.ChoiceField(["soft", "hard"], required=False, help_text="reset")
    operative = Truth(required=False, help_text="change_availability")
    keys = serializers.ListField(child=Text(), required=False, help_text="get_configuration")
    key = Text(required=False, help_text="set_configuration")
    value = Text(required=False, help_text="set_configuration")
    message = Text(required=False, help_text="trigger")
    report = Text(required=False, help_text="get_base_report")
    limit_w = Number(required=False, allow_null=True, help_text="set_limit; null takes the limit away.")
    limit_a = Number(required=False, allow_null=True, help_text="set_limit; null takes the limit away.")
    vendor_id = Text(required=False, help_text="data_transfer")
    message_id = Text(required=False, help_text="data_transfer")
    data_ = serializers.JSONField(required=False, help_text="data_transfer")
    expires = Text(required=False, help_text="reserve: until when, in ISO 8601.")
    number = Whole(required=False, help_text="cancel_reservation: its number at the station.")
    action = Text(required=False, help_text="A CALL of the station's own OCPP version.")
    payload = serializers.DictField(required=False)

    def get_fields(self) -> dict[str, Any]:
        declared = super().get_fields()
        declared["data"] = declared.pop("data_")
        return declared


class CommandOut(Shape):
    id = Whole()
    station = Text()
    command = Text()
    status = serializers.ChoiceField(Command.Status.choices)
    late = Truth(help_text="The answer came after the time-out.")
    evse_id = Whole(allow_null=True)
    connector_id = Whole(allow_null=True)
    transaction = Whole(allow_null=True)
    params = serializers.DictField()
    action = Text()
    request = serializers.JSONField(allow_null=True)
    response = serializers.JSONField(allow_null=True)
    error = Text()
    user = Whole(allow_null=True)
    created = Moment()
    sent = Moment(allow_null=True)
    answered = Moment(allow_null=True)
    expires = Moment()
    outcome = Text(help_text="What came of it so far, in a sentence.")


class CostLineOut(Shape):
    """One line of a bill. Net and tax add up to gross, and the lines to the cost."""

    part = Text(help_text="energy, time, idle, session, minimum or maximum")
    quantity = Text()
    unit = Text(help_text="kwh, minute, hour or session")
    price = Text()
    average = Truth(help_text="The price varied; this is its mean.")
    tax_percent = Text()
    net = Text()
    tax = Text()
    gross = Text()


class TransactionOut(Shape):
    id = Whole()
    organization = Whole()
    station = Text(help_text="Its identity.")
    station_name = Text()
    evse_id = Whole(allow_null=True)
    connector_id = Whole(allow_null=True)
    transaction_id = Text()
    id_tag = Text()
    user = Whole(allow_null=True)
    user_name = Text(allow_null=True)
    car = Whole(allow_null=True)
    car_name = Text(allow_null=True)
    state = serializers.ChoiceField(Transaction.State.choices)
    charging_state = Text()
    started = Moment(allow_null=True)
    ended = Moment(allow_null=True)
    meter_start_wh = Number(allow_null=True)
    meter_stop_wh = Number(allow_null=True)
    energy_wh = Number()
    price_per_kwh = Text(allow_null=True, help_text="Null under a tariff.")
    tariff = Text(allow_null=True, help_text="The name of the tariff it began with.")
    cost = Text(allow_null=True, help_text="A decimal.")
    cost_lines = CostLineOut(many=True, help_text="What the cost is made of, under a tariff.")
    currency = Text()
    stop_reason = Text()
    flags = serializers.ListField(child=Text())
    final = Truth()
    corrected = Truth(help_text="Its energy, end and cost are what a person said, not what its messages add up to.")


class DesiredIn(Shape):
    key = Text(max_length=255, help_text="A 1.6 key, or Component/Variable of 2.x.")
    value = Text(max_length=2500, allow_blank=True)


class DesiredOut(Shape):
    id = Whole()
    station = Text()
    key = Text()
    value = Text()
    reported = Text(allow_null=True, help_text="Null before the station has spoken of it.")
    compared = Moment(allow_null=True)
    drifted_since = Moment(allow_null=True, help_text="Null while the station does what is desired.")
    user = Whole(allow_null=True)
    set = Moment()


class CorrectionIn(Shape):
    """What is left out stays; a cost that is left out follows the energy."""

    energy_wh = Number(required=False, allow_null=True, min_value=0)
    ended = Moment(required=False, allow_null=True)
    cost = serializers.DecimalField(max_digits=12, decimal_places=2, required=False, allow_null=True, min_value=0)
    reason = Text(max_length=500)


class CorrectionOut(Shape):
    id = Whole()
    transaction = Whole()
    energy_wh = Number()
    ended = Moment()
    cost = Text(allow_null=True, help_text="A decimal.")
    said_energy_wh = Number(help_text="What the messages of the session add up to; so the other values with said_.")
    said_ended = Moment(allow_null=True)
    said_cost = Text(allow_null=True)
    reason = Text()
    user = Whole(allow_null=True)
    user_name = Text(allow_null=True)
    made = Moment()
    undone = Moment(allow_null=True, help_text="Null while it stands.")
    undone_by = Whole(allow_null=True)
    undone_by_name = Text(allow_null=True)


class SampleOut(Shape):
    measurand = Text()
    value = Number()
    unit = Text(allow_null=True)
    phase = Text(allow_null=True)
    location = Text(allow_null=True)
    context = Text(allow_null=True)  # type: ignore[assignment]


class ReadingOut(Shape):
    measured_at = Moment()
    station_time = Moment()
    evse_id = Whole(allow_null=True)
    connector_id = Whole(allow_null=True)
    energy_wh = Number(allow_null=True)
    power_w = Number(allow_null=True)
    current_a = Number(allow_null=True)
    voltage_v = Number(allow_null=True)
    soc_percent = Number(allow_null=True)
    samples = SampleOut(many=True)


class CurvePointOut(Shape):
    at = Moment()
    power_w = Number(allow_null=True, help_text="The slope of the register where the station sends no power.")
    energy_wh = Number(allow_null=True, help_text="Since the first reading.")
    soc_percent = Number(allow_null=True)


class CurveOut(Shape):
    points = CurvePointOut(many=True)


class IdTagOut(Shape):
    id = Whole()
    organization = Whole()
    id_tag = Text()
    name = Text()
    user = Whole(allow_null=True)
    user_name = Text(allow_null=True)
    parent_id_tag = Text(allow_null=True)
    blocked = Truth()
    expires = Moment(allow_null=True)
    max_active_transactions = Whole(allow_null=True)
    cost_center = Text(help_text="For the monthly statements.")
    created_at = Moment()


class IdTagPatch(Shape):
    id_tag = Text(required=False, max_length=255)
    name = Text(required=False, allow_blank=True, max_length=150)
    user = reference(required=False, allow_null=True)
    parent_id_tag = Text(required=False, allow_blank=True, allow_null=True, max_length=255)
    blocked = Truth(required=False)
    expires = Moment(required=False, allow_null=True)
    max_active_transactions = Whole(required=False, allow_null=True, min_value=0, max_value=1000)
    cost_center = Text(required=False, allow_blank=True, max_length=100)


class IdTagIn(IdTagPatch):
    id_tag = Text(max_length=255)
    organization = reference(required=False)


class CarOut(Shape):
    id = Whole()
    organization = Whole()
    name = Text()
    license_plate = Text()
    user = Whole(allow_null=True)
    user_name = Text(allow_null=True)
    battery_wh = Whole(allow_null=True)
    max_power_w = Whole(allow_null=True)
    phases = Whole(allow_null=True)
    created_at = Moment()


class CarPatch(Shape):
    name = Text(required=False, max_length=100)
    license_plate = Text(required=False, allow_blank=True, max_length=20)
    user = reference(required=False, allow_null=True)
    battery_wh = Whole(required=False, allow_null=True, min_value=1, max_value=10_000_000)
    max_power_w = Whole(required=False, allow_null=True, min_value=1, max_value=10_000_000)
    phases = Whole(required=False, allow_null=True, min_value=1, max_value=3)


class CarIn(CarPatch):
    name = Text(max_length=100)
    organization = reference(required=False)


class SiteOut(Shape):
    id = Whole()
    organization = Whole()
    name = Text()
    address = Text()
    latitude = Number(allow_null=True)
    longitude = Number(allow_null=True)
    time_zone = Text()
    created_at = Moment()


class SitePatch(Shape):
    name = Text(required=False, max_length=150)
    address = Text(required=False, allow_blank=True, max_length=300)
    latitude = Number(required=False, allow_null=True)
    longitude = Number(required=False, allow_null=True)
    time_zone = Text(required=False, max_length=64)


class SiteIn(SitePatch):
    name = Text(max_length=150)
    organization = reference(required=False)


class MessageOut(Shape):
    id = Whole()
    station = Text()
    sender = serializers.ChoiceField(OcppMessage.Sender.choices)
    message_id = Text()
    action = Text()
    request = Text(help_text="The frame's text, secrets masked.")
    response = Text()
    outcome = Text(help_text='"ok", an OCPP error code, or empty while there is no answer.')
    at = Moment()
    answered_at = Moment(allow_null=True)


class SecurityEventOut(Shape):
    id = Whole()
    station = Text(allow_null=True)
    type = Text()
    critical = Truth()
    reported_by_station = Truth()
    info = Text()
    source_ip = Text()
    at = Moment()


class LabelOut(Shape):
    evse_id = Whole(allow_null=True, help_text="Null for the label of the whole station.")
    connector_id = Whole(allow_null=True)
    place = Text(help_text="The connector in words; empty for the station.")
    url = Text(help_text="What the code says: the drivers' app at this station or connector.")
    qr_svg = Text(help_text="The code as an SVG element.")


class LabelsOut(Shape):
    station = Text()
    labels = LabelOut(many=True)


class EnergyBucket(Shape):
    start = Text(help_text="The hour in UTC, or the first local day.")
    energy_wh = Number()


class EnergyOut(Shape):
    from_ = Moment()
    to = Moment()
    bucket = Text()
    buckets = EnergyBucket(many=True)
    total_wh = Number()
    previous_total_wh = Number(help_text="Of the period of the same length before.")
    trend_percent = Number(allow_null=True)

    def get_fields(self) -> dict[str, Any]:
        declared = super().get_fields()
        return {"from": declared.pop("from_"), **declared}


class CostBucket(Shape):
    start = Text(help_text="The hour in UTC, or the first local day.")
    cost = Text(help_text="A decimal.")


class CostsOut(Shape):
    from_ = Moment()
    to = Moment()
    bucket = Text()
    currency = Text()
    buckets = CostBucket(many=True)
    total = Text()
    previous_total = Text(help_text="Of the period of the same length before.")
    trend_percent = Number(allow_null=True)

    def get_fields(self) -> dict[str, Any]:
        declared = super().get_fields()
        return {"from": declared.pop("from_"), **declared}
