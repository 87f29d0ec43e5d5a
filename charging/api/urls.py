"""The REST paths of the domain, below `/api/v1/`."""

from django.urls import path

from charging.api import commands, corrections, insight, me, schedules, stations, tariffs, things, transactions

urlpatterns = [
    path("me/", me.MeView.as_view()),
    path("stations/", stations.StationsView.as_view()),
    path("stations/<str:identity>/", stations.StationView.as_view()),
    path("stations/<str:identity>/commands/", commands.StationCommandsView.as_view()),
    path("waiting-stations/", stations.WaitingStationsView.as_view()),
    path("waiting-stations/<str:identity>/", stations.WaitingStationView.as_view()),
    path("waiting-stations/<str:identity>/adopt/", stations.AdoptView.as_view()),
    path("commands/<int:pk>/", commands.CommandView.as_view()),
    path("transactions/", transactions.TransactionsView.as_view()),
    path("transactions/<int:pk>/", transactions.TransactionView.as_view()),
    path("transactions/<int:pk>/meter-values/", transactions.MeterValuesView.as_view()),
    path("transactions/<int:pk>/corrections/", corrections.CorrectionsView.as_view()),
    path("exports/transactions/", transactions.TransactionsExportView.as_view()),
    path("statistics/energy/", insight.EnergyView.as_view()),
    path("statistics/costs/", insight.CostsView.as_view()),
    path("id-tags/", things.IdTagsView.as_view()),
    path("id-tags/<int:pk>/", things.IdTagView.as_view()),
    path("cars/", things.CarsView.as_view()),
    path("cars/<int:pk>/", things.CarView.as_view()),
    path("sites/", things.SitesView.as_view()),
    path("sites/<int:pk>/", things.SiteView.as_view()),
    path("tariffs/", tariffs.TariffsView.as_view()),
    path("tariffs/<int:pk>/", tariffs.TariffView.as_view()),
    path("tariffs/<int:pk>/versions/", tariffs.VersionsView.as_view()),
    path("tariffs/<int:pk>/versions/<int:number>/", tariffs.VersionView.as_view()),
    path("tariffs/<int:pk>/calculate/", tariffs.CalculateView.as_view()),
    path("tariff-assignments/", tariffs.AssignmentsView.as_view()),
    path("tariff-assignments/<int:pk>/", tariffs.AssignmentView.as_view()),
    path("holidays/", tariffs.HolidaysView.as_view()),
    path("holidays/<int:pk>/", tariffs.HolidayView.as_view()),
    path("schedules/", schedules.SchedulesView.as_view()),
    path("schedules/preview/", schedules.PreviewView.as_view()),
    path("schedules/<int:pk>/", schedules.ScheduleView.as_view()),
    path("schedules/<int:pk>/runs/", schedules.RunsView.as_view()),
    path("messages/", insight.MessagesView.as_view()),
    path("security-events/", insight.SecurityEventsView.as_view()),
]
