"""Webhooks of an installation that allows no network of its own: they lead to the public internet or nowhere."""

from tests.support.receiver import Receiver
from tests.support.server import Server
from tests.support.waiting import wait_until


def test_without_leave_nothing_is_sent_to_the_own_network(server: Server) -> None:
    """An address that was taken once is looked at again when it is asked."""
    with Receiver() as receiver:
        for wanted in (receiver.url, receiver.url.replace("127.0.0.1", "localhost")):
            server.rest().post("webhooks/", {"url": wanted, "events": ["*"]}, status=400)
        body = {"url": "https://example.invalid/", "events": ["security_event.*"]}
        made = server.rest().post("webhooks/", body, status=201)
        # The row of an installation that once allowed it, by name: what the name leads to decides.
        url = receiver.url.replace("127.0.0.1", "localhost") + "/in"
        server.shell(
            f"from accounts.models import Webhook; Webhook.objects.filter(pk={made['id']}).update(url={url!r})"
        )
        path = f"webhooks/{made['id']}/"
        server.rest().post(path + "test/", status=202)
        (row,) = wait_until(
            lambda: [row for row in server.rest().get(path + "deliveries/")["results"] if row["error"]], "", 30
        )
        assert "own network" in row["error"]
        assert not receiver.requests
        server.rest().delete(path)
