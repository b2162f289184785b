"""Django settings. Nothing has to be set to start: the defaults run on one machine with SQLite.

For production, set ROOST_DATABASE_URL, ROOST_REDIS_URL, ROOST_SECRET_KEY and ROOST_HOSTS; see
docs/operating.md.
"""

import os
from pathlib import Path
from urllib.parse import unquote, urlsplit

from django.core.exceptions import ImproperlyConfigured

from config import environment as env
from jobs_app import logs

BASE_DIR = Path(__file__).resolve().parent.parent

# Everything that Roost keeps (database, jobs, the embedded pool's queue) lies below this folder.
ROOST_HOME = Path(env.text("ROOST_HOME") or BASE_DIR / ".roost").absolute()

DEBUG = env.flag("ROOST_DEBUG")
SECRET_KEY = env.text("ROOST_SECRET_KEY") or env.secret(ROOST_HOME / "secret_key")
ALLOWED_HOSTS = env.text("ROOST_HOSTS", "localhost,127.0.0.1,[::1]").split(",")

ROOST_APPS_FILE = ROOST_HOME / "apps"  # for `manage.py startjobapp`: its apps outside this folder

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "jobs_app",
    "ninja",  # the files of the API's page
    *env.apps(BASE_DIR, ROOST_APPS_FILE),
]

MIDDLEWARE = [
    "jobs_app.web.update_job_status.CallbackDoor",
    "jobs_app.web.tracing.Tracing",
    "jobs_app.web.api.problems.Problems",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "jobs_app.web.bodies.Bodies",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]

ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"
ASGI_APPLICATION = "config.asgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]


def sqlite(path: Path) -> dict[str, object]:
    # IMMEDIATE: a transaction takes the write lock when it begins, so two writers queue
    # instead of one of them failing half way.
    return {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": path,
        "CONN_MAX_AGE": 60,  # seconds; to open it takes as long as to ask three questions
        "OPTIONS": {
            "timeout": 30,
            "transaction_mode": "IMMEDIATE",
            "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA mmap_size=268435456;",
        },
        "TEST": {"NAME": path.with_name("test.sqlite3")},
    }


def database(url: str) -> dict[str, object]:
    parts = urlsplit(url)
    if parts.scheme not in ("postgres", "postgresql"):
        raise ImproperlyConfigured(
            f"ROOST_DATABASE_URL begins with {parts.scheme!r}. Say postgres://user:password@host:5432/name, "
            "or leave it unset for SQLite."
        )
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": parts.path.lstrip("/"),
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": parts.hostname or "",
        "PORT": parts.port or "",
        "CONN_MAX_AGE": 600,
        "CONN_HEALTH_CHECKS": True,
    }


_database_url = env.text("ROOST_DATABASE_URL")
DATABASES = {"default": database(_database_url) if _database_url else sqlite(ROOST_HOME / "roost.sqlite3")}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# Background work: threads inside `manage.py serve`, or Celery when a Redis is named.
CELERY_BROKER_URL = env.text("ROOST_REDIS_URL")
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1  # what a worker cannot begin stays where another one finds it
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_CONNECTION_MAX_RETRIES = None  # a worker waits for its broker as long as it takes
CELERY_WORKER_CANCEL_LONG_RUNNING_TASKS_ON_CONNECTION_LOSS = False  # leases say who works on what
# Who executes a job does not wait for a broker that is away. A message that a worker holds is given to
# another one only after half a day: a courier's turn and a long fetch are not to come twice, and when a
# worker dies, beat finds from the rows what it was at, within seconds.
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "max_retries": 1,
    "interval_start": 0,
    "interval_max": 0.1,
    "socket_connect_timeout": 2,
    "socket_keepalive": True,
    "health_check_interval": 25,
    "visibility_timeout": 12 * 3600,
}
ROOST_BACKGROUND = "celery" if CELERY_BROKER_URL else "threads"

ROOST_SLOTS = env.number("ROOST_SLOTS", os.cpu_count() or 1)  # slices at once on the embedded pool
ROOST_SCHEDULER = env.text("ROOST_SCHEDULER")
ROOST_RESULTS = env.text("ROOST_RESULTS", "at once")
ROOST_REMOTE_FROM_MB = env.number("ROOST_REMOTE_FROM_MB", 0)
ROOST_REMOTE_CACHE_MB = env.number("ROOST_REMOTE_CACHE_MB", 20_000)
ROOST_PUBLIC_URL = env.text("ROOST_PUBLIC_URL")
ROOST_MATERIALIZE_FROM = env.number("ROOST_MATERIALIZE_FROM", 5_000)
ROOST_MATERIALIZE_AT_ONCE = env.number("ROOST_MATERIALIZE_AT_ONCE", 2_000)
ROOST_ONE_PROC_SLICES = env.number("ROOST_ONE_PROC_SLICES", 8)
ROOST_BATCH_DAG_SLICES = env.number("ROOST_BATCH_DAG_SLICES", 200)
ROOST_PROXIES = env.number("ROOST_PROXIES", 0)
ROOST_LARGEST_BODY = env.number("ROOST_LARGEST_BODY", 10 << 20)
ROOST_LARGEST_UPLOAD = env.number("ROOST_LARGEST_UPLOAD", 1 << 30)
ROOST_USER_UPLOADS = env.number("ROOST_USER_UPLOADS", 10 << 30)
DATA_UPLOAD_MAX_MEMORY_SIZE = ROOST_LARGEST_BODY
ROOST_SECRETS_KEY = env.text("ROOST_SECRETS_KEY")
SECRET_KEY_FALLBACKS = [key for key in env.text("ROOST_FORMER_SECRET_KEYS").split(",") if key]
ROOST_OPEN_CALLBACKS = env.flag("ROOST_OPEN_CALLBACKS")
ROOST_CALLBACK_GRACE = env.number("ROOST_CALLBACK_GRACE", 3600)
ROOST_CALLBACKS_A_JOB = env.number("ROOST_CALLBACKS_A_JOB", 120)
ROOST_CALLBACKS_AN_ADDRESS = env.number("ROOST_CALLBACKS_AN_ADDRESS", 120_000)
ROOST_NODE_REPORTS = env.flag("ROOST_NODE_REPORTS", True)
ROOST_METRICS_TOKEN = env.text("ROOST_METRICS_TOKEN")
ROOST_METRICS_FROM = [each for each in env.text("ROOST_METRICS_FROM", "127.0.0.1,::1").split(",") if each]
ROOST_AUDIT_DAYS = env.number("ROOST_AUDIT_DAYS", 0)
ROOST_PRIVATE_WEBHOOKS = env.flag("ROOST_PRIVATE_WEBHOOKS")

_mail = urlsplit(env.text("ROOST_EMAIL_URL"))
EMAIL_HOST, EMAIL_PORT = _mail.hostname or "", _mail.port or (465 if _mail.scheme == "smtps" else 25)
EMAIL_HOST_USER, EMAIL_HOST_PASSWORD = unquote(_mail.username or ""), unquote(_mail.password or "")
EMAIL_USE_SSL, EMAIL_USE_TLS = _mail.scheme == "smtps", _mail.scheme == "smtp+tls"
EMAIL_TIMEOUT = 20
DEFAULT_FROM_EMAIL = env.text("ROOST_EMAIL_FROM", "roost@localhost")

AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}Validator"}
    for name in ("UserAttributeSimilarity", "MinimumLength", "CommonPassword", "NumericPassword")
]

LANGUAGE_CODE = "en-gb"
TIME_ZONE = "UTC"
USE_TZ = True
USE_I18N = False

STATIC_URL = "static/"
WHITENOISE_USE_FINDERS = True
LOGIN_URL = "sign-in"
LOGIN_REDIRECT_URL = "jobs"
LOGOUT_REDIRECT_URL = "sign-in"

# Where people come by HTTPS, nothing goes another way. A proxy says so: without one nobody would get in.
_https = ROOST_PUBLIC_URL.startswith("https://") and ROOST_PROXIES > 0
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = SECURE_SSL_REDIRECT = _https
SECURE_REDIRECT_EXEMPT = [r"^(healthz|readyz|metrics)$"]
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if _https else None
SECURE_HSTS_SECONDS = 30 * 24 * 3600 if _https else 0
# Other names below this one, and browsers' own lists, are for whoever owns the domain to decide.
SILENCED_SYSTEM_CHECKS = ["security.W005", "security.W021"]
SECURE_CONTENT_TYPE_NOSNIFF = True
X_FRAME_OPTIONS = "DENY"
CSRF_FAILURE_VIEW = "jobs_app.web.security.csrf_failure"
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
SECURE_REFERRER_POLICY = "same-origin"

LOGGING = logs.settings(
    env.one_of("ROOST_LOG_LEVEL", "WARNING", ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")),
    env.one_of("ROOST_LOG_FORMAT", "line", ("line", "json")),
)
