"""Boards: what one open page shows, loaded once for the page and for its socket, and then changed by events.

| view | board | shows |
|---|---|---|
| `dashboard` | `dashboard.DashboardBoard` | totals and station cards |
| `stations` | `stations.StationsBoard` | the list of stations |
| `station` | `station.StationBoard` | one station |
| `transactions` | `transactions.TransactionsBoard` | the list of sessions |
| `transaction` | `transaction.TransactionBoard` | one session |
| `waiting` | `waiting.WaitingBoard` | stations that knocked |
| `site` | `sites.SiteBoard` | one site with its stations and its plan |
| `site-load` | `load.SiteLoadBoard` | the circuits of a site and who gets how much |
| `profiles` | `load.ProfilesBoard` | the charging profiles of a station |
| `fleet` | `fleet.FleetBoard` | what comes of a deed at many stations |
| `reservations` | `reservations.ReservationsBoard` | the list of reservations |
| `jobs` | `jobs.JobsBoard` | the list of firmware updates and uploads of logs |
| `job` | `jobs.JobBoard` | one of them with its log |
| `job-group` | `jobs.JobGroupBoard` | one at many stations |
| `id-tags` | `id_tags.IdTagsBoard` | the list of id tags, and learn mode |
| `welcome` | `welcome.WelcomeBoard` | the first station that is waited for |
| `none` | `base.Board` | nothing live but the toasts |
"""

from collections.abc import Mapping

from accounts.actors import Actor
from charging.boards.base import Board
from charging.boards.dashboard import DashboardBoard
from charging.boards.fleet import FleetBoard
from charging.boards.id_tags import IdTagsBoard
from charging.boards.jobs import JobBoard, JobGroupBoard, JobsBoard
from charging.boards.load import ProfilesBoard, SiteLoadBoard
from charging.boards.reservations import ReservationsBoard
from charging.boards.sites import SiteBoard
from charging.boards.station import StationBoard
from charging.boards.stations import StationsBoard
from charging.boards.transaction import TransactionBoard
from charging.boards.transactions import TransactionsBoard
from charging.boards.waiting import WaitingBoard
from charging.boards.welcome import WelcomeBoard

BOARDS: dict[str, type[Board]] = {
    board.view: board
    for board in (
        Board,
        DashboardBoard,
        StationsBoard,
        StationBoard,
        TransactionsBoard,
        TransactionBoard,
        WaitingBoard,
        SiteBoard,
        SiteLoadBoard,
        ProfilesBoard,
        FleetBoard,
        ReservationsBoard,
        JobsBoard,
        JobBoard,
        JobGroupBoard,
        IdTagsBoard,
        WelcomeBoard,
    )
}


def board_for(view: str, actor: Actor, params: Mapping[str, str]) -> Board:
    """An unloaded board; one without content for a view that has none."""
    return BOARDS.get(view, Board)(actor, params)
