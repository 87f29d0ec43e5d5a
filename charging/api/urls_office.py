"""The REST paths of what the office does, below `/api/v1/`."""

from django.urls import path

from charging.api import office, station_keeping, tag_keeping

urlpatterns = [
    path("me/data/", station_keeping.OwnDataView.as_view()),
    path("me/delete/", station_keeping.LeaveView.as_view()),
    path("alerts/", office.AlertsView.as_view()),
    path("search/", office.SearchView.as_view()),
    path("fleet/", office.FleetView.as_view()),
    path("statements/", office.StatementsView.as_view()),
    path("exports/statements/", office.StatementsExportView.as_view()),
    path("exports/statements/paper/", office.StatementPaperView.as_view()),
    path("stations/<str:identity>/configuration/", station_keeping.ConfigurationView.as_view()),
    path("stations/<str:identity>/password/", station_keeping.StationPasswordView.as_view()),
    path("stations/<str:identity>/learn/", tag_keeping.LearnView.as_view()),
    path("transactions/<int:pk>/messages/", station_keeping.FramesView.as_view()),
    path("id-tags/import/", tag_keeping.ImportView.as_view()),
    path("id-tags/<int:pk>/aliases/", tag_keeping.AliasesView.as_view()),
    path("id-tags/<int:pk>/aliases/<int:alias_pk>/", tag_keeping.AliasView.as_view()),
]
