"""The portal's pages, by noun."""

from django.urls import path

from charging.views import (
    cars,
    commands,
    dashboard,
    id_tag_import,
    id_tags,
    profile,
    sites,
    stations,
    statistics,
    transactions,
    waiting,
)

urlpatterns = [
    path("", dashboard.dashboard, name="dashboard"),
    path("preferences/", dashboard.choose, name="preferences"),
    path("statistics/", statistics.statistics, name="statistics"),
    path("statistics/sessions.xlsx", statistics.export, name="statistics-xlsx"),
    path("profile/", profile.profile, name="profile"),
    path("stations/", stations.station_list, name="stations"),
    path("add-station/", stations.add, name="station-add"),
    path("stations/<str:identity>/", stations.station, name="station"),
    path("stations/<str:identity>/commands/", commands.send, name="station-commands"),
    path("stations/<str:identity>/edit/", stations.edit, name="station-edit"),
    path("stations/<str:identity>/password/", stations.new_password, name="station-password"),
    path("stations/<str:identity>/delete/", stations.delete, name="station-delete"),
    path("stations/<str:identity>/<slug:name>/", stations.panel, name="station-panel"),
    path("waiting/", waiting.waiting, name="waiting"),
    path("waiting/<str:identity>/adopt/", waiting.adopt, name="waiting-adopt"),
    path("waiting/<str:identity>/forget/", waiting.forget, name="waiting-forget"),
    path("transactions/", transactions.transaction_list, name="transactions"),
    path("transactions/export.csv", transactions.export, {"form": "csv"}, name="transactions-csv"),
    path("transactions/export.xlsx", transactions.export, {"form": "xlsx"}, name="transactions-xlsx"),
    path("transactions/<int:pk>/", transactions.transaction, name="transaction"),
    path("transactions/<int:pk>/receipt.pdf", transactions.receipt, name="transaction-receipt"),
    path("id-tags/", id_tags.id_tag_list, name="id-tags"),
    path("id-tags/import/", id_tag_import.id_tag_import, name="id-tag-import"),
    path("id-tags/learn/", id_tags.learn, name="id-tag-learn"),
    path("id-tags/<int:pk>/", id_tags.id_tag, name="id-tag"),
    path("cars/", cars.car_list, name="cars"),
    path("cars/<int:pk>/delete/", cars.car_delete, name="car-delete"),
    path("sites/", sites.site_list, name="sites"),
    path("sites/<int:pk>/delete/", sites.site_delete, name="site-delete"),
]
