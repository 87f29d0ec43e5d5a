"""Log filters."""

import logging


class NoFalseAlarm(logging.Filter):
    """Drops uvicorn's error line about a WebSocket upgrade that was answered with an HTTP status on purpose."""

    def filter(self, record: logging.LogRecord) -> bool:
        return "without completing handshake" not in record.getMessage()
