from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.views.decorators.http import require_GET

from accounts.requests import PageRequest, is_partial, signed_in
from charging.boards import Board
from charging.exports import download, fits_in_sheet
from charging.graphs import Graphs
from charging.queries.statistics import sessions_between
from charging.tables import day_sheet, session_sheet
from charging.views.common import query


@require_GET
@signed_in
def statistics(request: PageRequest) -> HttpResponse:
    """The dashboard's charts: for htmx alone, otherwise as a page of their own."""
    graphs = Graphs(request.actor, query(request)).load()
    template = "charging/parts/statistics.html" if is_partial(request) else "charging/statistics.html"
    context = {"graphs": graphs, "board": Board(request.actor, {}), "partial": is_partial(request)}
    return render(request, template, context)


@require_GET
@signed_in
def export(request: PageRequest) -> HttpResponseBase:
    """The week or the month that the sessions' chart shows: its days, and its sessions."""
    graphs = Graphs(request.actor, query(request))
    graphs.load_days()
    rows = fits_in_sheet(sessions_between(request.actor, graphs.first, graphs.end, graphs.station))
    return download(request, [day_sheet(graphs.days), session_sheet(rows)], "xlsx", f"sessions-{graphs.first}")
