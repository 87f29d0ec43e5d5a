"""Every path of the portal's port."""

from django.contrib import admin
from django.urls import include, path

urlpatterns = [
    path("admin/", admin.site.urls),
    path("", include("accounts.urls")),
    path("", include("charging.urls")),
]

handler400 = "mobility.htmx.bad_request"
handler403 = "mobility.htmx.forbidden"
handler404 = "mobility.htmx.not_found"
handler500 = "mobility.htmx.broken"
