"""The sockets of pages and phones: live events as HTML for htmx, and as JSON for the REST API's clients.

Each socket is three small tasks (what comes in, what goes out, a look every few seconds) and a queue that the hub
fills. Whether its owner may still be here is asked again with the events, at most every few seconds, and also without.
"""

import asyncio
import json
import time
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import parse_qsl

from accounts import notices
from accounts.actors import Actor, actor_of
from accounts.network import scope_ip
from accounts.rights import fresh_actor, organizations_of
from accounts.tickets import redeem_ticket
from charging import fragments
from charging.boards import Board, board_for
from charging.cards import outcome_of
from charging.hub import hub, read
from charging.queries import feed
from mobility.errors import Problem

Send = Callable[[dict[str, Any]], Awaitable[None]]
Receive = Callable[[], Awaitable[dict[str, Any]]]

RIGHT_ENDED = 4403
TOO_SLOW = 1013
#: How long a look at someone's rights is believed.
RIGHTS_BELIEVED_S = 2.0
LOOK_EVERY_S = 10.0
#: Parts are sent at most this often to one page; the newest state of each wins.
FLUSH_EVERY_S = 0.04
RELOAD_EVERY_S = 1.0
MOST_WAITING = 5000
#: The event of a new notification; `feed.sees` gives it only to the person it is for.
RUNG = "notification.created"


class LiveSocket:
    """One open socket: connects, is told, and is closed when the right to be told ends."""

    refuse_with_close = False
    look_every_s = LOOK_EVERY_S

    def __init__(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        self.scope, self.receive, self.send = scope, receive, send
        self.query = dict(parse_qsl(scope.get("query_string", b"").decode("utf-8", "replace"), max_num_fields=50))
        self.actor = Actor(name="nobody")
        self.auth_version = 0
        self.session_key: str | None = None
        self.organizations: frozenset[int] = frozenset()
        self.checked = 0.0
        self.last = 0
        self.queue: list[feed.Message] = []
        self.wake = asyncio.Event()
        self.over = False

    @property
    def user_id(self) -> int | None:
        return self.actor.user.pk if self.actor.user else None

    @classmethod
    def as_asgi(cls) -> Callable[[dict[str, Any], Receive, Send], Awaitable[None]]:
        async def application(scope: dict[str, Any], receive: Receive, send: Send) -> None:
            await cls(scope, receive, send).run()

        return application

    # --- Life ---------------------------------------------------------------------------------------------------

    async def run(self) -> None:
        if (await self.receive())["type"] != "websocket.connect":
            return
        if not await self._come_in():
            if self.refuse_with_close:
                await self.send({"type": "websocket.accept"})
            await self.send({"type": "websocket.close", "code": RIGHT_ENDED})
            return
        await self.send({"type": "websocket.accept"})
        await hub().join(self, self.organizations)
        tasks = [asyncio.create_task(part()) for part in (self._hear, self._speak, self._look)]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        except OSError:
            # The client is gone in the middle of being told.
            pass
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await hub().leave(self)

    async def _come_in(self) -> bool:
        """Find out who this is: the session's user, or the owner of a ticket."""
        user, source_ip = self.scope.get("user"), scope_ip(self.scope)
        if self.query.get("ticket"):
            actor = await read(redeem_ticket, self.query["ticket"], source_ip)
        elif user is not None and user.is_authenticated:
            self.session_key = self.scope["session"].session_key
            actor = actor_of(user, source_ip)
        else:
            return False
        if actor is None or actor.user is None:
            return False
        self.actor, self.auth_version = actor, actor.user.auth_version
        return await self._may_stay()

    async def _may_stay(self) -> bool:
        """Read the rights again; False when they have ended or, for a page, are no longer those it was made for."""
        found = await read(self._rights)
        self.checked = time.monotonic()
        if found is None:
            return False
        actor, organizations = found
        if self.organizations and not actor.is_platform_admin and not self.organizations <= organizations:
            return False
        if self.organizations and organizations != self.organizations:
            await hub().leave(self)
            await hub().join(self, organizations)
        self.actor, self.organizations = actor, organizations
        self.rights_read()
        return True

    def _rights(self) -> tuple[Actor, frozenset[int]] | None:
        actor = fresh_actor(self.actor, self.auth_version, self.session_key)
        return (actor, organizations_of(actor)) if actor else None

    async def close(self, code: int) -> None:
        self.over = True
        await self.send({"type": "websocket.close", "code": code})

    async def _hear(self) -> None:
        """Nothing that a client says means anything; its leaving does."""
        while (await self.receive())["type"] != "websocket.disconnect":
            pass
        self.over = True

    async def _look(self) -> None:
        while not self.over:
            await asyncio.sleep(self.look_every_s)
            if not await self._may_stay():
                await self.close(RIGHT_ENDED)
                return
            await self.look()

    async def _speak(self) -> None:
        await self.open()
        while not self.over:
            await self.wake.wait()
            await self.gather()
            self.wake.clear()
            messages, self.queue = self.queue, []
            if time.monotonic() - self.checked > RIGHTS_BELIEVED_S and not await self._may_stay():
                await self.close(RIGHT_ENDED)
                return
            if len(messages) > MOST_WAITING:
                await self.close(TOO_SLOW)
                return
            await self.deliver([message for message in messages if self._is_news(message)])

    def take(self, messages: list[feed.Message]) -> None:
        if len(self.queue) <= MOST_WAITING:
            self.queue.extend(messages)
        self.wake.set()

    def _is_news(self, message: feed.Message) -> bool:
        if message["stored"]:
            if message["cursor"] <= self.last:
                return False
            self.last = message["cursor"]
        return feed.sees(self.actor, message)

    # --- What kinds of sockets differ in ------------------------------------------------------------------------

    async def open(self) -> None:
        """Say where the stream begins. `self.last` is the newest cursor that is known to the client afterwards."""

    async def gather(self) -> None:
        """Wait for more to come, where many events make one message."""

    async def deliver(self, messages: list[feed.Message]) -> None:
        """Send what the client may see, in order."""

    async def look(self) -> None:
        """Every few seconds."""

    def rights_read(self) -> None:
        """The actor may have become another one."""


class EventsSocket(LiveSocket):
    """`/ws/live/`: `{event, cursor, station, data}`.

    First comes `hello`, whose cursor is where the stream begins: the newest one, or the one asked for by `?cursor=`,
    after which everything missed follows. `reset` says that this is no longer possible: load the snapshot again.
    `alive` comes every few seconds: a browser hears of pings nothing, and would take a dead line for a quiet one.
    """

    alive_due = False

    async def open(self) -> None:
        head = await read(feed.head)
        if "cursor" not in self.query:
            self.last = head
            await self._say("hello", head)
            return
        wanted = (
            int(self.query["cursor"]) if self.query["cursor"].isdecimal() and len(self.query["cursor"]) < 19 else -1
        )
        if not await read(feed.is_resumable, wanted, head):
            self.last = head
            await self._say("hello", head)
            await self._say("reset", head)
            return
        self.last = wanted
        await self._say("hello", wanted)
        while rows := await read(feed.between, self.organizations, self.last, head):
            await self.deliver([row for row in rows if feed.sees(self.actor, row)])
            self.last = rows[-1]["cursor"]
        self.last = max(self.last, head)

    async def _say(self, event: str, cursor: int) -> None:
        await self.send({"type": "websocket.send", "text": json.dumps({"event": event, "cursor": cursor})})

    async def deliver(self, messages: list[feed.Message]) -> None:
        for message in messages:
            # A value of the moment has no place of its own in the feed: it carries that of what was sent before it.
            cursor = message["cursor"] if message["stored"] else self.last
            text = json.dumps(
                {
                    "event": message["event"],
                    "cursor": cursor,
                    "station": message["station"],
                    "data": message["data"],
                }
            )
            await self.send({"type": "websocket.send", "text": text})
        if self.alive_due:
            self.alive_due = False
            await self._say("alive", self.last)

    async def look(self) -> None:
        self.alive_due = True
        self.wake.set()


class PagesSocket(LiveSocket):
    """`/ws/pages/?view=…`: the parts of one page that change, as HTML that htmx swaps in by id."""

    refuse_with_close = True

    def __init__(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        super().__init__(scope, receive, send)
        self.board: Board = board_for(self.query.get("view", ""), self.actor, self.query)
        self.look_every_s = min(self.board.look_every_s, LOOK_EVERY_S)
        self.loaded = False
        self.flushed = 0.0
        self.reloaded = 0.0
        self.looked = 0.0

    def rights_read(self) -> None:
        self.board.actor = self.actor

    async def open(self) -> None:
        try:
            await read(self.board.load)
        except Problem:
            await self.close(RIGHT_ENDED)
            return
        self.loaded = True
        self.last = self.board.cursor
        # What happened between the page's making and now, or while the line was down, is in the whole region.
        seen = self.query.get("cursor") == str(self.last) and not self.query.get("again")
        region = "" if seen else self.board.region()
        with self.board.speaking():
            await self._send(region + fragments.live())

    async def gather(self) -> None:
        rest = self.flushed + FLUSH_EVERY_S - time.monotonic()
        if rest > 0:
            await asyncio.sleep(rest)

    async def deliver(self, messages: list[feed.Message]) -> None:
        toasts, is_rung = [], False
        try:
            for message in messages:
                if message["event"] == RUNG:
                    is_rung = True
                    continue
                self.board.take(message)
                if message["event"] == "command.updated" and message["user_id"] == self.user_id:
                    toasts.append(message["data"])
            if self.board.stale:
                await self._reload()
            elif self.board.due:
                await self._look_now()
        except Problem:
            await self.close(RIGHT_ENDED)
            return
        self.flushed = time.monotonic()
        for text in self.board.changes():
            await self._send(text)
        for command in toasts:
            await self._toast(command)
        if is_rung:
            await self._send(await read(self._bell))

    def _bell(self) -> str:
        with self.board.speaking():
            return fragments.bell(notices.unread(self.actor).count())

    async def _toast(self, command: dict[str, Any]) -> None:
        with self.board.speaking():
            outcome = outcome_of(command, self.board.name_of(command))
            text = fragments.toast(outcome) if outcome.is_final else ""
        if text:
            await self._send(text)

    async def _reload(self) -> None:
        """Load the board again, at most once a second: many events that make it stale cost one reading."""
        rest = self.reloaded + RELOAD_EVERY_S - time.monotonic()
        if rest > 0:
            asyncio.get_running_loop().call_later(rest, self.wake.set)
            return
        self.reloaded = time.monotonic()
        await read(self.board.load)
        await self._send(self.board.region())

    async def _look_now(self) -> None:
        """Look for what an event only hints at, at most once a second."""
        rest = self.looked + RELOAD_EVERY_S - time.monotonic()
        if rest > 0:
            asyncio.get_running_loop().call_later(rest, self.wake.set)
            return
        self.looked = time.monotonic()
        self.board.due = False
        await read(self._poll)

    async def look(self) -> None:
        if not self.loaded:
            return
        await read(self._poll)
        if self.board.stale or self.board.dirty:
            self.wake.set()

    def _poll(self) -> None:
        with self.board.speaking():
            self.board.poll()

    async def _send(self, text: str) -> None:
        if text:
            await self.send({"type": "websocket.send", "text": text})
