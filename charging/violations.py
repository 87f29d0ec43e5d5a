"""What is wrong with a station's messages, in words: for people; programs and counters keep the kind."""

from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

WORDS: dict[str, Any] = {
    # The frame
    "binary_frame": gettext_lazy("Sends its messages as binary frames"),
    "empty_frame": gettext_lazy("Sends empty frames"),
    "broken_json": gettext_lazy("Sends broken JSON"),
    "not_a_message": gettext_lazy("Sends something that is no OCPP message"),
    "unreadable": gettext_lazy("Sends something that cannot be read"),
    "unreadable_send": gettext_lazy("Sends something that cannot be read"),
    "too_deep_or_long": gettext_lazy("Sends messages that are too deep or too long"),
    "unknown_message_type": gettext_lazy("Sends messages of an unknown type"),
    "no_usable_message_id": gettext_lazy("Sends messages without a usable id"),
    "repeated_message": gettext_lazy("Repeats messages that are answered already"),
    "stray_answer": gettext_lazy("Answers what it was not asked, or too late"),
    "wrong_answer": gettext_lazy("Answers in a wrong shape"),
    # The fields
    "null_payload": gettext_lazy("Sends null for an empty message"),
    "null_value": gettext_lazy("Sends null for values it does not have"),
    "missing_field": gettext_lazy("Leaves required fields out"),
    "unknown_field": gettext_lazy("Sends fields that the version does not know"),
    "field_spelling": gettext_lazy("Spells names of fields wrongly"),
    "unknown_value": gettext_lazy("Sends values that the version does not know"),
    "unusable_value": gettext_lazy("Sends values that cannot be used"),
    "too_long": gettext_lazy("Sends texts that are too long"),
    "control_characters": gettext_lazy("Sends control characters"),
    "string_for_number": gettext_lazy("Sends numbers as texts"),
    "number_for_string": gettext_lazy("Sends texts as numbers"),
    "text_for_boolean": gettext_lazy("Sends true and false as texts"),
    "fraction_for_integer": gettext_lazy("Sends fractions for whole numbers"),
    "array_for_object": gettext_lazy("Sends a list for one thing"),
    "object_for_array": gettext_lazy("Sends one thing for a list"),
    "bad_sample": gettext_lazy("Sends meter values that cannot be used"),
    # What they mean
    "boot_loop": gettext_lazy("Boots again and again"),
    "seq_no_reused": gettext_lazy("Uses a sequence number of a transaction twice"),
    "remote_start_id_reused": gettext_lazy("Names a remote start that another transaction has named"),
    "unusable_transaction_id": gettext_lazy("Names transactions in a way that cannot be used"),
    "unknown_transaction": gettext_lazy("Names transactions that are not its own"),
    "unknown_reservation": gettext_lazy("Names reservations that nobody has made"),
    "foreign_reservation": gettext_lazy("Names reservations of others"),
    # Refused as a whole
    "refused_format": gettext_lazy("Sends messages in a wrong shape, which are refused"),
    "refused_unknown": gettext_lazy("Sends messages that the version does not know"),
    "refused_direction": gettext_lazy("Sends messages that only a server sends"),
}


def in_words(kind: str) -> str:
    """The kind in the reader's language; one that has no words yet as it is called."""
    if kind.startswith("refused_") and kind not in WORDS:
        return _("Sends messages whose content is refused")
    return str(WORDS.get(kind, kind.replace("_", " ")))
