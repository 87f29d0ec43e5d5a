from django.apps import AppConfig


class OcppGatewayConfig(AppConfig):
    name = "ocpp_gateway"
    verbose_name = "OCPP gateway"

    def ready(self) -> None:
        from charging import wire
        from ocpp_gateway.commands import actions_of, check_call
        from ocpp_gateway.retold import status_of

        wire.register(check_call, actions_of, status_of)
