"""Every setting, from the environment only. Each has its default, its unit and its reason here, and a row in the README.

A secret may also be given as a file: `SECRET_KEY_FILE=/run/secrets/secret_key`.
"""

import sys
from pathlib import Path
from urllib.parse import urlsplit

import environ
from django.core.exceptions import ImproperlyConfigured
from django.utils.csp import CSP

from config.database import database_settings
from config.mail import mail_from, mail_settings
from config.state import FIRST_ADDRESS, kept_secret, served_address

BASE_DIR = Path(__file__).resolve().parent.parent
env = environ.FileAwareEnv()

TESTING = "pytest" in sys.modules

# ── Where we are ─────────────────────────────────────────────────────────────────────────────────────────────────────────

# The one folder with everything that is not code: embedded database, secrets, collected static files, exports.
STATE_DIR = Path(env.str("HEED_STATE", default=str(BASE_DIR / ".heed"))).resolve()

# The address recipients and owners reach us at, without a slash at the end. Hosts, CSRF origins and cookies follow from it.
# Empty: where `make run` served last, at first http://localhost:8000.
BASE_URL = env.str("BASE_URL", default="").rstrip("/")
if not BASE_URL:
    BASE_URL = FIRST_ADDRESS if TESTING else served_address(STATE_DIR)
_base = urlsplit(BASE_URL)
if _base.scheme not in {"http", "https"} or not _base.hostname:
    raise ImproperlyConfigured(
        f"BASE_URL must look like https://optout.example.com, not {BASE_URL!r}."
    )
IS_HTTPS = _base.scheme == "https"

# Further host names this installation answers to, by comma: link domains of single lists, for example.
EXTRA_HOSTS = env.list("EXTRA_HOSTS", default=[])
# Where the short links in text messages begin (S3.2): a shorter host leaves more of a message's 160 characters for its text.
# Empty: BASE_URL. It answers to that host as well.
SMS_LINK_BASE_URL = env.str("SMS_LINK_BASE_URL", default="").rstrip("/")
_short = urlsplit(SMS_LINK_BASE_URL or BASE_URL)
if _short.scheme not in {"http", "https"} or not _short.hostname:
    raise ImproperlyConfigured(
        f"SMS_LINK_BASE_URL must look like https://go.example.com, not {SMS_LINK_BASE_URL!r}."
    )
_local = ["localhost", "127.0.0.1", "[::1]"] if _base.hostname in {"localhost", "127.0.0.1"} else []
ALLOWED_HOSTS = [_base.hostname, _short.hostname, *EXTRA_HOSTS, *_local]
CSRF_TRUSTED_ORIGINS = [BASE_URL, *(f"{_base.scheme}://{host}" for host in EXTRA_HOSTS)]
CSRF_FAILURE_VIEW = "config.views.csrf_failure"

# Show tracebacks in the browser. Never in production: pages would show addresses.
DEBUG = env.bool("DEBUG", default=False)

# ── Secrets ──────────────────────────────────────────────────────────────────────────────────────────────────────────────
# Where one is not given, it is made once and kept in the state folder; several hosts must be given the same ones.

SECRET_KEY = env.str("SECRET_KEY", default="") or kept_secret(STATE_DIR, "secret_key")
# Old keys that still verify sessions, form and done tokens, by comma.
SECRET_KEY_FALLBACKS = env.list("SECRET_KEY_FALLBACKS", default=[])
# What signed recipient links are made with: `id:secret`, newest first, by comma; id 1-255. Old ones keep verifying, since
# links never expire.
LINK_SECRETS = env.str("LINK_SECRETS", default="") or f"1:{kept_secret(STATE_DIR, 'link_secret')}"
# Mixed into the HMAC of every key and password that we keep.
SECRET_PEPPER = env.str("SECRET_PEPPER", default="") or kept_secret(STATE_DIR, "pepper")

# ── Database ─────────────────────────────────────────────────────────────────────────────────────────────────────────────

# postgres://user:password@host/name (PostgreSQL 15 or newer). Empty: the embedded server, in the state folder.
DATABASES = {
    "default": database_settings(
        env.str("DATABASE_URL", default=""), STATE_DIR, durable=not TESTING
    )
}
DATABASES["default"]["TEST"] = {"NAME": env.str("TEST_DATABASE_NAME", default="test_heed")}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# ── Applications ─────────────────────────────────────────────────────────────────────────────────────────────────────────

INSTALLED_APPS = [
    "reporting",
    "optout",
    "lists",
    "config",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "procrastinate.contrib.django",
    "whitenoise.runserver_nostatic",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.humanize",
    "django.contrib.messages",
    "django.contrib.postgres",
    "django.contrib.sessions",
    "django.contrib.staticfiles",
]

# Hot paths (architecture.md, "The write path") have no session, no user and no message: the Portal… ones step aside for them.
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "config.middleware.WholeAnswers",
    "config.middleware.RecipientsFirst",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.middleware.csp.ContentSecurityPolicyMiddleware",
    "config.middleware.PortalLanguage",
    "config.middleware.PortalNotStored",
    "config.middleware.PortalSessions",
    "config.middleware.PortalCsrf",
    "config.middleware.PortalAuthentication",
    "config.middleware.PortalMessages",
    "config.middleware.PortalDeadEnds",
    "allauth.account.middleware.AccountMiddleware",
]

ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"
APPEND_SLASH = False

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.template.context_processors.csp",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "lists.views.context.portal",
            ],
            "builtins": ["config.translating"],
            "libraries": {"i18n": "config.translating"},
        },
    },
]

# ── People ───────────────────────────────────────────────────────────────────────────────────────────────────────────────

AUTH_USER_MODEL = "lists.User"
AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
PASSWORD_HASHERS = ["django.contrib.auth.hashers.Argon2PasswordHasher"]
if TESTING:  # Argon2 takes 50 ms on purpose; tests sign in hundreds of times
    PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {
        "NAME": "django.contrib.auth.password_validation.MinimumLengthValidator",
        "OPTIONS": {"min_length": 10},
    },
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "overview"
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*"]
ACCOUNT_ADAPTER = "config.accounts.AccountAdapter"
ACCOUNT_EMAIL_VERIFICATION = "none"  # people are invited, and the invitation went to that address
ACCOUNT_PREVENT_ENUMERATION = True
ACCOUNT_EMAIL_UNKNOWN_ACCOUNTS = False  # a stranger cannot make us mail whom they like
ACCOUNT_EMAIL_SUBJECT_PREFIX = ""
ACCOUNT_SESSION_REMEMBER = True
ACCOUNT_LOGOUT_ON_GET = False
# Wrong passwords slow down one (person, IP) only: the victim can sign in from elsewhere (security.md §4).
ACCOUNT_RATE_LIMITS = {
    "login_failed": "5/15m/key,50/15m/ip",
    "login": "60/m/ip",
    "reset_password": "10/h/ip",
}
MFA_SUPPORTED_TYPES = ["totp", "recovery_codes"]
MFA_TOTP_ISSUER = "Heed"

# Rate limits of signing in must hold across processes. Django's default of 300 entries would throw counts away that still
# hold, so that guessing at many accounts freed one; expired ones are removed each hour (`tend_limits`).
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.db.DatabaseCache",
        "LOCATION": "lists_cache",
        "OPTIONS": {"MAX_ENTRIES": 1_000_000},
    }
}

SESSION_ENGINE = "django.contrib.sessions.backends.db"
SESSION_COOKIE_PATH = "/"
SESSION_COOKIE_AGE = 14 * 24 * 3600
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = IS_HTTPS
SESSION_COOKIE_HTTPONLY = CSRF_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"

# ── Transport ────────────────────────────────────────────────────────────────────────────────────────────────────────────

SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
# The portal's policy; the hosted pages bring a stricter one of their own (pages.md).
SECURE_CSP = {
    "default-src": [CSP.NONE],
    "script-src": [CSP.SELF],
    "style-src": [CSP.SELF],
    "img-src": [CSP.SELF, "data:"],
    "connect-src": [CSP.SELF],
    "form-action": [CSP.SELF],
    "frame-src": [CSP.SELF],
    "frame-ancestors": [CSP.SELF],
    "base-uri": [CSP.NONE],
}
# Redirecting to https is the proxy's work; one-click clients do not follow a redirect.
SECURE_SSL_REDIRECT = False
SECURE_HSTS_SECONDS = env.int("HSTS_SECONDS", default=31_536_000 if IS_HTTPS else 0)
# Silenced: framing is forbidden by the content security policy (W002); our CSRF middleware is a subclass (W003); HSTS for
# subdomains, preloading and the redirect to https are the operator's and the proxy's to decide (W005, W008, W021). Our tags
# for translations have the name of Django's (templates.W003).
SILENCED_SYSTEM_CHECKS = [
    "templates.W003",
    "security.W002",
    "security.W003",
    "security.W005",
    "security.W008",
    "security.W021",
]
DATA_UPLOAD_MAX_MEMORY_SIZE = 2_621_440
DATA_UPLOAD_MAX_NUMBER_FIELDS = 1_000
# Of files, a megabyte of a request is kept, in memory: a logo. Whoever takes more brings a handler of their own.
FILE_UPLOAD_HANDLERS = ["lists.uploads.SmallFiles"]

# Proxies whose forwarded header we believe: addresses and CIDRs by comma; `unix` for a socket. Empty: nobody (security.md §2).
TRUSTED_PROXIES = env.list("TRUSTED_PROXIES", default=[])
# The header in which they say who asked.
CLIENT_IP_HEADER = env.str("CLIENT_IP_HEADER", default="X-Forwarded-For")
if TRUSTED_PROXIES and IS_HTTPS:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")

# ── Behaviour ────────────────────────────────────────────────────────────────────────────────────────────────────────────

# What a new list's direct link does: `confirm` (one more tap) or `instant`. Scanners open every link, so: confirm (S0.6).
DIRECT_LINK_DEFAULT = env.str("DIRECT_LINK_DEFAULT", default="confirm")
if DIRECT_LINK_DEFAULT not in {"confirm", "instant"}:
    raise ImproperlyConfigured("DIRECT_LINK_DEFAULT must be confirm or instant.")
# How long a process may go on using what it read of a list, in seconds. 0: always ask the database.
LIST_CACHE_SECONDS = env.float("LIST_CACHE_SECONDS", default=0 if TESTING else 1.0)
# Web processes, and threads in each. On 2 cores more of either brought nothing (docs/architecture.md).
WEB_WORKERS = env.int("WEB_WORKERS", default=2)
WEB_THREADS = env.int("WEB_THREADS", default=4)
# Downloads, and long answers to scripts, that one web process serves at a time; the rest is asked to come back, so that
# recipients never wait for mailers.
DOWNLOADS_AT_ONCE = env.int("DOWNLOADS_AT_ONCE", default=2)
# Programs that may wait for changes in one web process; it has as many threads more. Others are answered at once.
LONG_POLLS_AT_ONCE = env.int("LONG_POLLS_AT_ONCE", default=4)
# Calls a minute that one API key may make; one more gets 429. A program that runs wild then leaves something for the others.
API_CALLS_PER_MINUTE = env.int("API_CALLS_PER_MINUTE", default=300_000)
# Networks inside which webhooks may be received, as CIDRs by comma. Every other private or special address is refused: a URL
# that somebody enters must not reach what only this machine can reach (AT-19).
WEBHOOK_ALLOW_CIDRS = [
    entry for part in env.list("WEBHOOK_ALLOW_CIDRS", default=[]) if (entry := part.strip())
]
# Shown to people who need help with Heed itself (S3.14).
SUPPORT_ADDRESS = env.str("SUPPORT_ADDRESS", default="")

# ── Mail ─────────────────────────────────────────────────────────────────────────────────────────────────────────────────

# smtp+tls://user:password@host:587 (STARTTLS), smtps://user:password@host (TLS), smtp://host (plain), or consolemail:// (the
# default: prints mails).
MAILERS = {"default": mail_settings(env.str("EMAIL_URL", default="consolemail://"))}
# Who mails come from. Those to recipients bear the sender's name with this address.
DEFAULT_FROM_EMAIL = mail_from(env.str("MAIL_FROM", default="Heed <heed@localhost>"))

# ── The worker ───────────────────────────────────────────────────────────────────────────────────────────────────────────

# So many of its pieces of work run at once, none twice: a mail server or an SMS gateway that hangs holds up only what uses it.
PROCRASTINATE_WORKER_DEFAULTS = {"concurrency": 4}

# ── Text messages ────────────────────────────────────────────────────────────────────────────────────────────────────────

# Where text messages are POSTed to. Empty: they are printed while Heed runs at localhost, and not offered elsewhere.
SMS_GATEWAY_URL = env.str("SMS_GATEWAY_URL", default="")
# What the gateway knows us by: sent as `Authorization: Bearer …`. A secret.
SMS_GATEWAY_TOKEN = env.str("SMS_GATEWAY_TOKEN", default="").strip()
# How `to`, `text` and `from` are sent: `json` or `form`.
SMS_GATEWAY_FORMAT = env.str("SMS_GATEWAY_FORMAT", default="json")
if SMS_GATEWAY_FORMAT not in {"json", "form"}:
    raise ImproperlyConfigured("SMS_GATEWAY_FORMAT must be json or form.")
if SMS_GATEWAY_URL and urlsplit(SMS_GATEWAY_URL).scheme not in {"http", "https"}:
    raise ImproperlyConfigured("SMS_GATEWAY_URL must begin with https:// or http://.")
# Who text messages come from: a number or a name, if the gateway wants one.
SMS_FROM = env.str("SMS_FROM", default="")
# Text messages that the Send editor hands over in a second: what the contract with the gateway allows. 0: as many as it takes.
SMS_PER_SECOND = env.float("SMS_PER_SECOND", default=10.0)
if not 0 <= SMS_PER_SECOND <= 10_000:
    raise ImproperlyConfigured("SMS_PER_SECOND must be from 0 to 10000.")
# The dotted path of a class of one's own that sends them, for gateways that want something else (lists/sms.py says what it has).
SMS_GATEWAY = env.str("SMS_GATEWAY", default="")

# ── Language and time ────────────────────────────────────────────────────────────────────────────────────────────────────

# What recipients read when neither their browser nor the list says.
LANGUAGE_CODE = env.str("DEFAULT_LANGUAGE", default="en").lower().replace("_", "-")
LANGUAGES = [  # the same as lists.choices.Language, which cannot be imported here
    ("da", "Dansk"),
    ("de", "Deutsch"),
    ("en", "English"),
    ("es", "Español"),
    ("fr", "Français"),
    ("it", "Italiano"),
    ("nl", "Nederlands"),
    ("pl", "Polski"),
    ("pt-br", "Português (Brasil)"),
    ("sv", "Svenska"),
    ("tr", "Türkçe"),
    ("ar", "العربية"),
    ("he", "עברית"),
]
if LANGUAGE_CODE not in dict(LANGUAGES):
    raise ImproperlyConfigured(
        f"DEFAULT_LANGUAGE must be one of {', '.join(sorted(dict(LANGUAGES)))}, not {LANGUAGE_CODE!r}."
    )
LOCALE_PATHS = [BASE_DIR / "locale"]
FORMAT_MODULE_PATH = "config.formats"
TIME_ZONE = "UTC"
USE_TZ = True
USE_I18N = True

# ── Static files ─────────────────────────────────────────────────────────────────────────────────────────────────────────

STATIC_URL = "/static/"
STATICFILES_DIRS = [BASE_DIR / "static"]
# Tests take static files from where they are made.
STATIC_ROOT = None if TESTING else STATE_DIR / "static"
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
        if TESTING
        else "whitenoise.storage.CompressedManifestStaticFilesStorage"
    },
}
WHITENOISE_USE_FINDERS = TESTING or DEBUG
# Each test client makes the middleware anew, which would look through all files: a quarter of the suite's time.
WHITENOISE_AUTOREFRESH = TESTING or DEBUG

# ── Logs ─────────────────────────────────────────────────────────────────────────────────────────────────────────────────
# Never a query string, an address or a secret (security.md §5): Django's own "Bad Request: /path" lines carry paths only, and
# the reporter that would print settings and local variables is replaced.

# DEBUG, INFO, WARNING or ERROR.
LOG_LEVEL = env.str("LOG_LEVEL", default="INFO")
DEFAULT_EXCEPTION_REPORTER = "config.logs.ShortReporter"
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "{asctime} {levelname} {name}: {message}", "style": "{"}},
    "filters": {"no_query": {"()": "config.logs.NoQueryStrings"}},
    "handlers": {
        "console": {"class": "logging.StreamHandler", "formatter": "line", "filters": ["no_query"]}
    },
    "root": {"handlers": ["console"], "level": LOG_LEVEL},
    "loggers": {
        "django": {"handlers": [], "level": LOG_LEVEL, "propagate": True},
        "procrastinate": {"level": "WARNING"},
    },
}
