from django.apps import AppConfig
from django.conf import settings


class MobilityConfig(AppConfig):
    name = "mobility"
    verbose_name = "Mobility"

    def ready(self) -> None:
        if settings.OTEL_EXPORTER_OTLP_ENDPOINT:
            from mobility import tracing

            tracing.start()
