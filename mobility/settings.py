"""Django settings. Everything that differs between installations comes from the environment (docs/install.md)."""

import secrets
import socket
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from mobility import environment as env
from mobility.openapi_tags import TAGS
from mobility.version import version

BASE_DIR = Path(__file__).resolve().parent.parent
DATA_DIR = env.folder("DATA_DIR", BASE_DIR / "data")


def kept_secret_key() -> str:
    """The key of an installation that sets none: made once, kept in DATA_DIR, readable by its owner only."""
    path = DATA_DIR / "secret_key"
    try:
        if not path.exists():
            path.touch(mode=0o600, exist_ok=True)
            path.write_text(secrets.token_urlsafe(64))
        return path.read_text().strip()
    except OSError as error:
        env.refuse("DATA_DIR", f"the file {path} cannot be written: {error.strerror}.")


SECRET_KEY = env.text("SECRET_KEY") or kept_secret_key()
#: Whether the key is that of this DATA_DIR alone.
SECRET_KEY_IS_OWN = not env.text("SECRET_KEY")
DEBUG = env.flag("DEBUG")
VERSION = version()

# --- Where this is reached -------------------------------------------------------------------------------------------
BIND = env.text("BIND", "127.0.0.1")
PORTAL_PORT = env.port("PORTAL_PORT", 8080)
OCPP_PORT = env.port("OCPP_PORT", 8081)
TLS_CERT = env.readable_file("TLS_CERT")
TLS_KEY = env.readable_file("TLS_KEY")
TLS_CLIENT_CA = env.readable_file("TLS_CLIENT_CA")
#: What the client certificates of profile 3 name as their organization (O); unset: the station's organization here.
OPERATOR_NAME = env.text("OPERATOR_NAME")
if bool(TLS_CERT) != bool(TLS_KEY):
    env.refuse("TLS_CERT" if TLS_KEY else "TLS_KEY", "TLS_CERT and TLS_KEY belong together; set both or neither.")
if PORTAL_PORT == OCPP_PORT:
    env.refuse("OCPP_PORT", f"the portal and the OCPP port are both {OCPP_PORT}; they must differ.")
_shown_host = "localhost" if BIND in {"127.0.0.1", "::1", "0.0.0.0", "::"} else BIND  # noqa: S104
PUBLIC_URL = env.url(
    "PUBLIC_URL", f"{'https' if TLS_CERT else 'http'}://{_shown_host}:{PORTAL_PORT}", ("http", "https")
)
OCPP_PUBLIC_URL = env.url(
    "OCPP_PUBLIC_URL", f"{'wss' if TLS_CERT else 'ws'}://{_shown_host}:{OCPP_PORT}/OCPP", ("ws", "wss")
)
TRUSTED_PROXIES = env.names("TRUSTED_PROXIES", [])
METRICS_TOKEN = env.text("METRICS_TOKEN")
#: Networks of one's own that webhooks and push may reach; without them only the public internet.
OUTBOUND_ALLOWED_NETWORKS = env.networks("OUTBOUND_ALLOWED_NETWORKS")
# On loopback any name may lead here; as soon as others can reach it, only the names that are set and the public one.
ALLOWED_HOSTS = env.names("ALLOWED_HOSTS", []) or (
    ["localhost", "127.0.0.1", "[::1]", str(urlsplit(PUBLIC_URL).hostname)]
    if BIND in {"127.0.0.1", "::1"} or env.text("PUBLIC_URL")
    else ["*"]
)
CSRF_TRUSTED_ORIGINS = ["{0.scheme}://{0.netloc}".format(urlsplit(PUBLIC_URL))]
SECURE = urlsplit(PUBLIC_URL).scheme == "https"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = SECURE
SESSION_COOKIE_AGE = 14 * 86400
CSRF_FAILURE_VIEW = "mobility.htmx.csrf_failure"
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if TRUSTED_PROXIES else None
SECURE_SSL_REDIRECT = SECURE and env.flag("SECURE_SSL_REDIRECT", True)
SECURE_REDIRECT_EXEMPT = [r"^healthz$", r"^readyz$", r"^metrics$"]
SECURE_HSTS_SECONDS = 31536000 if SECURE else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = SECURE
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"

# --- OCPP ------------------------------------------------------------------------------------------------------------
OCPP_MAX_FRAME = env.whole("OCPP_MAX_FRAME", 256 * 1024, least=4096)
OCPP_HEARTBEAT_INTERVAL_S = env.whole("OCPP_HEARTBEAT_INTERVAL_S", 300, least=10)
OCPP_CALL_TIMEOUT_S = env.whole("OCPP_CALL_TIMEOUT_S", 90, least=1)
OCPP_LOG = env.flag("OCPP_LOG", True)
OCPP_LOG_DAYS = env.whole("OCPP_LOG_DAYS", 30, least=1)
#: How long readings of meters are kept; 0: for ever. Energy, cost and hours of sessions do not need them.
METER_READING_DAYS = env.whole("METER_READING_DAYS", 400, least=0)
#: Failed handshakes that one source, and one identity from one source, may make in a row before 429.
OCPP_FAILURES_PER_SOURCE = env.whole("OCPP_FAILURES_PER_SOURCE", 100, least=1)
OCPP_FAILURES_PER_IDENTITY = env.whole("OCPP_FAILURES_PER_IDENTITY", 20, least=1)
OCPP_FAILURE_REFILL_S = env.whole("OCPP_FAILURE_REFILL_S", 6, least=1)
#: How often a 2.x station is told what a running session costs so far; 0: never.
COST_UPDATED_EVERY_S = env.whole("COST_UPDATED_EVERY_S", 300, least=0)
ACCEPT_UNKNOWN_STATIONS = env.flag("ACCEPT_UNKNOWN_STATIONS")
#: Where stations fetch firmware from the portal and bring their logs to: its address as they see it.
STATION_FILES_URL = env.url("STATION_FILES_URL", PUBLIC_URL, ("http", "https"))
#: After so long without a word from its station a job is given up.
JOB_SILENCE_S = env.whole("JOB_SILENCE_S", 3600, least=1)
#: How large a firmware file, and a log that a station uploads, may be; and how long the logs are kept.
FIRMWARE_MAX_MB = env.whole("FIRMWARE_MAX_MB", 500, least=1, most=10_000)
STATION_LOG_MAX_MB = env.whole("STATION_LOG_MAX_MB", 50, least=1, most=10_000)
STATION_LOG_DAYS = env.whole("STATION_LOG_DAYS", 30, least=1)
#: Over how long a gateway that stops sends its stations away, a slice at a time.
DRAIN_SECONDS = env.whole("DRAIN_SECONDS", 5, least=0, most=600)
#: What a gateway is called where it says which stations it holds: unique, and the same after a restart.
GATEWAY_NAME = env.text("GATEWAY_NAME") or f"{socket.gethostname()}:{OCPP_PORT}"
#: Where a process without a port of its own (worker, beat) answers /healthz and /readyz; 0: nowhere.
HEALTH_PORT = env.whole("HEALTH_PORT", 0, most=65535)

# --- The applications ------------------------------------------------------------------------------------------------
INSTALLED_APPS = [
    # Its runserver speaks WebSocket. To load it, and Twisted, would cost every other command a tenth of its start.
    *(["daphne"] if "runserver" in sys.argv else []),
    "unfold",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "channels",
    "django_htmx",
    "rest_framework",
    "rest_framework_simplejwt",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "django_celery_beat",
    "axes",
    "mobility",
    "accounts",
    "charging",
    "ocpp_gateway",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "mobility.middleware.request_context",
    "mobility.health.probes",
    "mobility.middleware.content_security_policy",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "accounts.middleware.preferences",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "mobility.htmx.problems",
    "axes.middleware.AxesMiddleware",
]
# Tracing, only where it says where to (requirements-otel.txt).
OTEL_EXPORTER_OTLP_ENDPOINT = env.url("OTEL_EXPORTER_OTLP_ENDPOINT", "", ("http", "https"))
OTEL_SERVICE_NAME = env.text("OTEL_SERVICE_NAME", "mobility")
if OTEL_EXPORTER_OTLP_ENDPOINT:
    MIDDLEWARE.insert(MIDDLEWARE.index("mobility.middleware.request_context") + 1, "mobility.tracing.http_spans")
ROOT_URLCONF = "mobility.urls"
ASGI_APPLICATION = "mobility.asgi.portal"
TEMPLATES: list[dict[str, Any]] = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "mobility.htmx.page_context",
            ],
        },
    }
]

# --- People ----------------------------------------------------------------------------------------------------------
AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = ["axes.backends.AxesStandaloneBackend", "django.contrib.auth.backends.ModelBackend"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.Argon2PasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
#: How long the link that resets a password works.
PASSWORD_RESET_TIMEOUT = 86_400
LOGIN_URL = "/login/"
LOGIN_REDIRECT_URL = "/"
LOGOUT_REDIRECT_URL = "/login/"
AXES_FAILURE_LIMIT = env.whole("LOGIN_FAILURE_LIMIT", 10, least=3)
AXES_COOLOFF_TIME = timedelta(minutes=15)
# What is counted together: accounts/guesses.py.
AXES_HANDLER = "accounts.guesses.Guesses"
AXES_USERNAME_CALLABLE = "accounts.guesses.username"
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address", "user_agent"]]
AXES_USERNAME_FORM_FIELD = "username"
AXES_CLIENT_IP_CALLABLE = "accounts.network.client_ip"
AXES_LOCKOUT_CALLABLE = "accounts.views.doors.locked_out"
AXES_VERBOSE = False
AXES_ENABLE_ACCESS_FAILURE_LOG = False
AXES_RESET_ON_SUCCESS = True

# --- Databases -------------------------------------------------------------------------------------------------------
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"


def database() -> dict[str, Any]:
    """The one database, with what each engine needs to be safe and fast under concurrent writes."""
    config = env.database("DATABASE_URL", f"sqlite:///{DATA_DIR / 'mobility.sqlite3'}")
    options = config.setdefault("OPTIONS", {})
    if config["ENGINE"].endswith("sqlite3"):
        # IMMEDIATE: a transaction that will write takes the lock when it begins, so that it waits and never fails
        # with "database is locked" half-way. FULL: an answer to a station means that the data survives a power cut.
        # A checkpoint at 64 MiB instead of 4: rows that every message moves are copied into the database less often.
        options.setdefault("transaction_mode", "IMMEDIATE")
        options.setdefault("timeout", 20)
        options.setdefault(
            "init_command",
            "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA wal_autocheckpoint=16000; "
            "PRAGMA cache_size=-32000; PRAGMA temp_store=MEMORY;",
        )
    elif config["ENGINE"].endswith("postgresql"):
        # The embedded server runs request threads that come and go: a pool keeps the number of connections bounded.
        most = env.whole("DATABASE_POOL", 20, least=8, most=500)
        options.setdefault("pool", {"min_size": 1, "max_size": most, "timeout": 10})
        # What the ledger writes again and again is parsed and planned once per connection. Behind a pooler that hands
        # each transaction another connection: DATABASE_URL=…?prepare_threshold=1000000000.
        options.setdefault("prepare_threshold", 2)
        # A cable that is cut closes no connection: without these a commit would wait a quarter of an hour.
        for name, value in (
            ("connect_timeout", 5),
            ("tcp_user_timeout", 8000),
            ("keepalives_idle", 5),
            ("keepalives_interval", 2),
            ("keepalives_count", 2),
        ):
            options.setdefault(name, value)
        # A connection that died in the pool, as when the database restarts, is not handed to a request.
        config["CONN_HEALTH_CHECKS"] = True
    elif config["ENGINE"] == "mssql":
        options.setdefault("python_driver", "mssql_python")
    return config


DATABASES = {"default": database()}

# --- Channel layer, Celery -------------------------------------------------------------------------------------------
REDIS_URL = env.url("REDIS_URL", "", ("redis", "rediss", "unix"))
CHANNEL_LAYERS: dict[str, dict[str, Any]] = {
    "default": {
        "BACKEND": "mobility.layers.OneQueueRedisChannelLayer",
        # The layer waits 5 s for a message at a time; the client's own limit, 5 s as well, would break that off.
        "CONFIG": {
            "hosts": [{"address": REDIS_URL, "socket_timeout": 20, "socket_connect_timeout": 3}],
            "capacity": 1000,
        },
    }
    if REDIS_URL
    else {
        "BACKEND": "mobility.layers.HomeLoopChannelLayer",
        "CONFIG": {"capacity": 1000, "group_expiry": 10 * 365 * 86400},
    }
}
#: What all processes count together: requests within a minute. Without Redis there is one process that counts.
CACHES: dict[str, dict[str, Any]] = {
    "default": {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": REDIS_URL,
        "KEY_PREFIX": "mobility",
        "OPTIONS": {"socket_timeout": 0.5, "socket_connect_timeout": 0.5},
    }
    if REDIS_URL
    else {"BACKEND": "django.core.cache.backends.locmem.LocMemCache", "OPTIONS": {"MAX_ENTRIES": 20_000}}
}
CELERY_BROKER_URL = env.url("CELERY_BROKER_URL", "memory://", ("memory", "redis", "rediss", "amqp", "amqps"))
CELERY_BROKER_TRANSPORT_OPTIONS: dict[str, Any] = {}
if CELERY_BROKER_URL.startswith("memory"):
    CELERY_BROKER_TRANSPORT_OPTIONS["polling_interval"] = 0.1
elif CELERY_BROKER_URL.startswith("amqp"):
    # A worker of threads sends no heartbeats: its socket asks whether the other end is still there.
    asks = {"TCP_KEEPIDLE": 10, "TCP_KEEPINTVL": 5, "TCP_KEEPCNT": 3}
    CELERY_BROKER_TRANSPORT_OPTIONS["socket_settings"] = {
        getattr(socket, name): value for name, value in asks.items() if hasattr(socket, name)
    }
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
#: Seconds after which a broker that has fallen silent counts as away.
CELERY_BROKER_HEARTBEAT = 20
# However long the broker is away, it is asked again.
CELERY_BROKER_CONNECTION_MAX_RETRIES = None
CELERY_BEAT_SCHEDULER = "mobility.beat:Scheduler"
CELERY_TASK_SERIALIZER = CELERY_RESULT_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_IGNORE_RESULT = True
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_TIMEZONE = "UTC"
CELERY_TASK_TIME_LIMIT = 600
if DATABASES["default"]["ENGINE"].endswith("sqlite3"):
    # A worker's thread keeps its connection to a file, which cannot break: to open one and set it up costs more than
    # most tasks do. Connections to a server go back to its pool after each task.
    CELERY_DB_REUSE_MAX = 10_000
#: Further readers of day-ahead prices: name → dotted path of a `charging.price_readers.PriceReader`.
PRICE_READERS: dict[str, str] = {}
CELERY_BEAT_SCHEDULE: dict[str, dict[str, Any]] = {
    "pulse": {"task": "charging.tasks.pulse", "schedule": 20.0},
    "balance-load": {"task": "charging.tasks.balance_load", "schedule": 1.0},
    "expire-commands": {"task": "charging.tasks.expire_commands", "schedule": 10.0},
    "close-lost-transactions": {"task": "charging.tasks.close_lost_transactions", "schedule": 30.0},
    "give-up-dead-gateways": {
        "task": "charging.tasks.give_up_dead_gateways",
        "schedule": 10.0,
        "options": {"expire_seconds": 20},
    },
    "notice-offline-stations": {"task": "charging.tasks.notice_offline_stations", "schedule": 60.0},
    # What was not begun when the next one comes is not begun any more.
    "read-feed": {"task": "charging.tasks.read_feed", "schedule": 2.0, "options": {"expire_seconds": 4}},
    "send-notifications": {
        "task": "accounts.notice_sending.send_notifications",
        "schedule": 5.0,
        "options": {"expire_seconds": 10},
    },
    "send-webhooks": {
        "task": "accounts.webhook_sending.send_webhooks",
        "schedule": 5.0,
        "options": {"expire_seconds": 10},
    },
    # What was not begun when the next one comes is left to that one: the rows say what is due.
    "run-schedules": {"task": "charging.tasks.run_schedules", "schedule": 2.0, "options": {"expire_seconds": 10}},
    "keep-reservations": {
        "task": "charging.tasks.keep_reservations",
        "schedule": 2.0,
        "options": {"expire_seconds": 10},
    },
    "run-jobs": {"task": "charging.tasks.run_jobs", "schedule": 2.0, "options": {"expire_seconds": 10}},
    "tell-costs": {"task": "charging.tasks.tell_costs", "schedule": 60.0, "options": {"expire_seconds": 60}},
    "read-prices": {"task": "charging.tasks.read_prices", "schedule": 600.0},
    "prune": {"task": "charging.tasks.prune", "schedule": 3600.0},
}

#: Requests to the REST API that one person, one key or one nameless source may send within a minute; 0: any number.
API_RATE_LIMIT = env.whole("API_RATE_LIMIT", 6000, least=0)

# --- REST ------------------------------------------------------------------------------------------------------------
REST_FRAMEWORK: dict[str, Any] = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["accounts.authentication.JWTAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_RENDERER_CLASSES": ["mobility.api.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["mobility.api.JSONParser"],
    "DEFAULT_PAGINATION_CLASS": "mobility.api.Pages",
    "DEFAULT_SCHEMA_CLASS": "mobility.openapi_schema.Schema",
    "EXCEPTION_HANDLER": "mobility.api.exception_handler",
    "TEST_REQUEST_DEFAULT_FORMAT": "json",
}
SIMPLE_JWT = {
    "ACCESS_TOKEN_LIFETIME": timedelta(minutes=15),
    "REFRESH_TOKEN_LIFETIME": timedelta(days=30),
    "ALGORITHM": "HS256",
    "USER_ID_FIELD": "pk",
    "UPDATE_LAST_LOGIN": True,
}
SPECTACULAR_SETTINGS: dict[str, Any] = {
    "TITLE": "Mobility",
    "DESCRIPTION": "EV charging management: stations, commands, transactions. docs/api.md says what holds everywhere.",
    "VERSION": VERSION,
    "OAS_VERSION": "3.1.1",
    "TAGS": TAGS,
    "SERVE_INCLUDE_SCHEMA": False,
    "POSTPROCESSING_HOOKS": ["drf_spectacular.hooks.postprocess_schema_enums", "mobility.openapi_schema.share"],
    "SCHEMA_PATH_PREFIX": r"/api/v1",
    "SWAGGER_UI_DIST": "SIDECAR",
    # Two hundred operations are found by their tags; opened all at once they take a browser ten seconds.
    "SWAGGER_UI_SETTINGS": {"deepLinking": True, "docExpansion": "none", "filter": True},
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "REDOC_DIST": "SIDECAR",
    "SERVE_PERMISSIONS": ["rest_framework.permissions.AllowAny"],
    # One name each for choices that several fields share, or share a field's name with others.
    "ENUM_NAME_OVERRIDES": {
        "ApiKeyScopeEnum": "accounts.models.ApiKey.Scope",
        "AssignmentScopeEnum": "charging.models.TariffAssignment.Scope",
        "DeliveryStatusEnum": "accounts.models.DeliveryStatus",
        "CommandStatusEnum": "charging.models.Command.Status",
        "ConnectorStatusEnum": "charging.models.Connector.Status",
    },
}

# --- Language, time, files -------------------------------------------------------------------------------------------
LANGUAGE_CODE = "en"
LANGUAGES = [("en", "English"), ("de", "Deutsch")]
LOCALE_PATHS = [BASE_DIR / "mobility" / "locale"]
TIME_ZONE = "UTC"
USE_TZ = True
USE_I18N = True
#: Where the map of sites gets its tiles, and whom it thanks; without it no page asks anything from elsewhere.
MAP_TILES_URL = env.tiles("MAP_TILES_URL")
MAP_ATTRIBUTION = env.text("MAP_ATTRIBUTION")
CURRENCY = env.text("CURRENCY", "EUR").upper()
if len(CURRENCY) != 3 or not CURRENCY.isalpha():
    env.refuse("CURRENCY", f"{CURRENCY!r} is not a three-letter currency code such as EUR.")
STATIC_URL = "/static/"
STATIC_ROOT = env.folder("STATIC_ROOT", DATA_DIR / "static")
STATICFILES_DIRS = [BASE_DIR / "static"]
# Static files are served straight from the packages and from static/: nothing to collect before the first start.
# An image brings them collected and compressed.
WHITENOISE_USE_FINDERS = not env.text("STATIC_ROOT")
WHITENOISE_AUTOREFRESH = DEBUG
MEDIA_ROOT = DATA_DIR / "uploads"
EMAIL_BACKEND = "django.core.mail.backends.console.EmailBackend"
globals().update(env.email("EMAIL_URL"))
#: Whether there is a mail server; without one pages show a link once where they would have sent a mail.
SENDS_MAIL = bool(env.text("EMAIL_URL"))
EMAIL_TIMEOUT = 10
DEFAULT_FROM_EMAIL = SERVER_EMAIL = env.text("EMAIL_FROM", f"Mobility <mobility@{urlsplit(PUBLIC_URL).hostname}>")

UNFOLD = {
    "SITE_TITLE": "Mobility",
    "SITE_HEADER": "Mobility",
    "SITE_SYMBOL": "ev_station",
    "SITE_URL": "/",
    "SHOW_HISTORY": True,
    "BORDER_RADIUS": "10px",
    "SITE_FAVICONS": [{"rel": "icon", "type": "image/svg+xml", "href": f"{STATIC_URL}img/icon.svg"}],
    "COLORS": {
        "primary": {
            "50": "#f0fdfa",
            "100": "#ccfbf1",
            "200": "#9ff2e3",
            "300": "#6fe0cf",
            "400": "#54dbc8",
            "500": "#0f9485",
            "600": "#00695f",
            "700": "#005048",
            "800": "#003f39",
            "900": "#00302b",
            "950": "#00201c",
        }
    },
}

# --- Logs ------------------------------------------------------------------------------------------------------------
LOG_LEVEL = env.text("LOG_LEVEL", "INFO").upper()
if LOG_LEVEL not in {"DEBUG", "INFO", "WARNING", "ERROR"}:
    env.refuse("LOG_LEVEL", f"{LOG_LEVEL!r} is none of DEBUG, INFO, WARNING, ERROR.")
LOG_FORMAT = env.text("LOG_FORMAT", "text").lower()
if LOG_FORMAT not in {"text", "json"}:
    env.refuse("LOG_FORMAT", f"{LOG_FORMAT!r} is neither text nor json.")
#: One line for each HTTP request.
LOG_REQUESTS = env.flag("LOG_REQUESTS")
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"()": "mobility.logs.Json" if LOG_FORMAT == "json" else "mobility.logs.Line"}},
    "filters": {"no_false_alarm": {"()": "mobility.logs.NoFalseAlarm"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line", "filters": ["no_false_alarm"]}},
    "root": {"handlers": ["console"], "level": LOG_LEVEL},
    "loggers": {
        # The library logs every frame, keys included, at INFO.
        "ocpp": {"level": "ERROR"},
        # Each receipt would tell how its font was cut, and which letters of a station's name the font lacks.
        "fontTools": {"level": "WARNING"},
        "fpdf": {"level": "ERROR"},
        "uvicorn.access": {"level": "WARNING"},
        "uvicorn.error": {"level": "WARNING"},
        "uvicorn": {"level": "WARNING"},
        "celery": {"level": "WARNING"},
        "kombu": {"level": "ERROR"},
        "axes": {"level": "ERROR"},
        "django.request": {"level": "ERROR"},
        "django.channels.server": {"level": "WARNING"},
        "daphne": {"level": "WARNING"},
    },
}
