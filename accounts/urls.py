"""The doors' paths."""

from django.contrib.auth.views import LogoutView
from django.urls import path

from accounts.views import doors

urlpatterns = [
    path("login/", doors.SignIn.as_view(), name="login"),
    path("logout/", LogoutView.as_view(), name="logout"),
    path("setup/<str:token>/", doors.set_up, name="set-up"),
    path("theme/", doors.theme, name="theme"),
]
