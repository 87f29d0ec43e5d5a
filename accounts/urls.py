"""The doors' paths, and those of people and their records."""

from django.contrib.auth.views import LogoutView
from django.urls import path

from accounts.views import api_keys, audit, devices, doors, invitation, members, notifications, passwords, webhooks

urlpatterns = [
    path("login/", doors.SignIn.as_view(), name="login"),
    path("logout/", LogoutView.as_view(), name="logout"),
    path("setup/<str:token>/", doors.set_up, name="set-up"),
    path("theme/", doors.theme, name="theme"),
    path("password/", passwords.ask, name="password-ask"),
    path("password/asked/", passwords.asked, name="password-asked"),
    path("password/<uidb64>/<token>/", passwords.NewPassword.as_view(), name="password-new"),
    path("invitation/<str:token>/", invitation.invitation, name="invitation"),
    path("members/", members.member_list, name="members"),
    path("members/invite/", members.invite, name="member-invite"),
    path("members/rename/", members.rename, name="organization-rename"),
    path("members/<int:pk>/", members.member, name="member"),
    path("invitations/<int:pk>/resend/", members.invitation_resend, name="invitation-resend"),
    path("invitations/<int:pk>/revoke/", members.invitation_revoke, name="invitation-revoke"),
    path("api-keys/", api_keys.api_key_list, name="api-keys"),
    path("api-keys/<int:pk>/revoke/", api_keys.api_key_revoke, name="api-key-revoke"),
    path("audit/", audit.audit, name="audit"),
    path("profile/devices/sign-out/", devices.sign_out_others, name="devices-sign-out"),
    path("profile/devices/<str:pk>/sign-out/", devices.sign_out, name="device-sign-out"),
    path("profile/notifications/", notifications.notification_list, name="notifications"),
    path("profile/notifications/choose/", notifications.choose, name="notifications-choose"),
    path("profile/notifications/read/", notifications.read, name="notifications-read"),
    path("profile/notifications/unread/", notifications.unread, name="notifications-unread"),
    path("profile/notifications/push/", notifications.subscribe, name="push-subscribe"),
    path("profile/notifications/push/<int:pk>/delete/", notifications.unsubscribe, name="push-unsubscribe"),
    path("webhooks/", webhooks.webhook_list, name="webhooks"),
    path("webhooks/<int:pk>/", webhooks.webhook, name="webhook"),
    path("webhooks/<int:pk>/deliveries/<int:delivery_pk>/replay/", webhooks.webhook_replay, name="webhook-replay"),
]
