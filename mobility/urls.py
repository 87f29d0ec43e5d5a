"""Every path of the portal's port."""

from django.contrib import admin
from django.urls import include, path, re_path
from drf_spectacular.views import SpectacularSwaggerSplitView

from accounts import api as accounts_api
from accounts import api_notices, api_people, api_webhooks
from mobility import api, driver_app, health
from mobility.openapi import SchemaView

urlpatterns = [
    path("healthz", health.healthz),
    path("readyz", health.readyz, name="readyz"),
    path("metrics", health.metrics),
    path("api/v1/", include((accounts_api.urlpatterns, "accounts-api"))),
    path("api/v1/", include((api_people.urlpatterns, "people-api"))),
    path("api/v1/", include((api_notices.urlpatterns, "notices-api"))),
    path("api/v1/", include((api_webhooks.urlpatterns, "webhooks-api"))),
    path("api/v1/", include(("charging.api.urls_office", "office-api"))),
    path("api/v1/", include(("charging.api.urls", "charging-api"))),
    path("api/schema/", SchemaView.as_view(), name="schema"),
    path("api/docs/", SpectacularSwaggerSplitView.as_view(url_name="schema"), name="docs"),
    re_path(r"^api/(?P<path>.*)$", api.nothing_here),
    path("app/", include(driver_app.urlpatterns)),
    path("admin/", admin.site.urls),
    path("", include("accounts.urls")),
    path("", include("charging.urls")),
]

handler400 = "mobility.htmx.bad_request"
handler403 = "mobility.htmx.forbidden"
handler404 = "mobility.htmx.not_found"
handler500 = "mobility.htmx.broken"
