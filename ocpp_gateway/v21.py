"""OCPP 2.1: what differs from 2.0.1. Its transactions, device model and commands are those of 2.0.1 with more fields,
which the 2.1 schemas check; periodic event streams come as SEND, which is never answered (`rpc.py`)."""

from ocpp_gateway.v201 import V201


class V21(V201):
    protocol = "2.1"
