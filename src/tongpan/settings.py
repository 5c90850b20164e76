"""Django's settings. What an operator sets comes from ``tongpan.core.config``; nothing else is read here."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from django.utils.translation import gettext_lazy as _

from tongpan.console import unfold
from tongpan.core import logs
from tongpan.core.config import load_config
from tongpan.core.postgres.location import django_database

CONFIG = load_config()
BASE_DIR = Path(__file__).resolve().parent
LOGGING = logs.LOGGING
LOGGING_CONFIG = "tongpan.core.logs.configure"


def _secret_key() -> str:
    """The signing key of this installation, made on first use and kept readable by its owner only."""
    path = CONFIG.secrets_dir / "django.key"
    if not path.exists():
        CONFIG.secrets_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
        fresh = path.with_suffix(f".{os.getpid()}")
        fresh.touch(mode=0o600)
        fresh.write_text(secrets.token_urlsafe(50))
        try:
            os.link(fresh, path)  # fails when another process was first: then its key is the key
        except FileExistsError:
            pass
        finally:
            fresh.unlink()
    return path.read_text()


SECRET_KEY = _secret_key()
DEBUG = False
ALLOWED_HOSTS = ["*"] if CONFIG.host in ("0.0.0.0", "::") else [CONFIG.host, "localhost", "127.0.0.1", "[::1]"]  # noqa: S104
ROOT_URLCONF = "tongpan.web.urls"
WSGI_APPLICATION = "tongpan.web.wsgi.application"

ROOMS = [
    "core",
    "access",
    "channels",
    "network",
    "catalog",
    "customers",
    "tracking",
    "pricing",
    "inventory",
    "promotions",
    "orders",
    "fulfillment",
    "analytics",
    "forecasting",
    "risk",
    "connectors",
]
INSTALLED_APPS = [
    "unfold",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "django_htmx",
    "ninja",
    "procrastinate.contrib.django",
    *(f"tongpan.{room}.apps.{room.title()}Config" for room in ROOMS),
    "tongpan.pricing.patrol.apps.PatrolConfig",
    "tongpan.console.apps.ConsoleConfig",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "tongpan.api.middleware.ProblemMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "tongpan.console.middleware.ConsoleMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.template.context_processors.i18n",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "tongpan.console.shell.context",
            ]
        },
    }
]
DATABASES = {"default": django_database(CONFIG)}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
AUTH_USER_MODEL = "access.User"
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in ("UserAttributeSimilarityValidator", "MinimumLengthValidator", "CommonPasswordValidator")
]
LOGIN_URL = "console:login"
LOGIN_REDIRECT_URL = "console:home"

# Each room keeps its background work in jobs.py.
PROCRASTINATE_AUTODISCOVER_MODULE_NAME = "jobs"
PROCRASTINATE_IMPORT_PATHS = ["tongpan.runtime.jobs", "tongpan.connectors.accounts.jobs", "tongpan.api.jobs"]

LANGUAGE_CODE = "zh-hans"
LANGUAGES = [("zh-hans", _("Simplified Chinese")), ("en", _("English"))]
LOCALE_PATHS = [BASE_DIR / "locale"]
TIME_ZONE = "Asia/Shanghai"
USE_TZ = True

STATIC_URL = "static/"
STATIC_ROOT = CONFIG.data_dir / "static"
WHITENOISE_USE_FINDERS = True
# Each worker keeps its own upload on disk, never whole in memory.
FILE_UPLOAD_HANDLERS = ["django.core.files.uploadhandler.TemporaryFileUploadHandler"]
DATA_UPLOAD_MAX_MEMORY_SIZE = 10 * 1024 * 1024
X_FRAME_OPTIONS = "DENY"
SECURE_CONTENT_TYPE_NOSNIFF = True
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_SAMESITE = "Lax"
# Two installations on one host share its cookie jar, whatever their ports: each has cookies of its own.
SESSION_COOKIE_NAME = f"tongpan_session_{CONFIG.port}"
CSRF_COOKIE_NAME = f"tongpan_csrf_{CONFIG.port}"

UNFOLD = unfold.UNFOLD
