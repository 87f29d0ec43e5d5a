"""`manage.py demo`: everything of `up`, with demo data and three simulated stations that charge."""

from django.conf import settings

from mobility.demo import Login, load_demo, run_demo_stations
from mobility.management.commands import up


class Command(up.Command):
    help = "Loads the demo data, then runs everything in this one process with simulated stations that charge."
    extras = (run_demo_stations,)
    logins: list[Login]

    def prepare(self) -> None:
        super().prepare()
        self.logins = load_demo()

    def tell(self) -> None:
        super().tell()
        self.say("\n  Sign in to the demo as")
        for login in self.logins:
            self.say(f"    {login.email:22} {login.password:18} ({login.what})")
        if settings.BIND not in ("127.0.0.1", "::1"):
            self.say("  Others can reach this: the demo's passwords are known to everyone.")
        self.say("  The stations DEMO-16, DEMO-201 and DEMO-21 are simulated and charge by themselves.")
