"""Django's settings for the site: everything that is the same for every provider. `wiring.py` adds the rest and starts.

What is absent matters: no sessions, auth, admin, messages or contenttypes (each brings tables or times), no cache, no
mail, and logging that goes nowhere. The database here is an empty one in RAM, for the type checker's sake.
"""

from pathlib import Path

from tyst.records.engine import database

HERE = Path(__file__).parent

DEBUG = False
SECRET_KEY = "unused: nothing of Django's signing is in use, sealing is core.seal's"  # noqa: S105
ALLOWED_HOSTS: list[str] = []
INSTALLED_APPS = ["tyst.records"]
DATABASES = {"default": database(":memory:")}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

MIDDLEWARE = [
    "tyst.site.middleware.headers",
    "tyst.site.middleware.language",
    "tyst.site.middleware.same_origin",
    "tyst.site.middleware.customer",
]
ROOT_URLCONF = "tyst.site.urls"
APPEND_SLASH = False
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [HERE / "templates"],
        "OPTIONS": {
            "loaders": [
                ("django.template.loaders.cached.Loader", ["django.template.loaders.filesystem.Loader"]),
            ],
            "context_processors": ["tyst.site.context.everywhere"],
            "builtins": ["django.templatetags.i18n", "tyst.site.tags"],
            "string_if_invalid": "",
        },
    }
]

USE_TZ = True
TIME_ZONE = "UTC"
USE_I18N = True
LANGUAGE_CODE = "en"
LANGUAGES = [("en", "English"), ("sv", "Svenska"), ("de", "Deutsch"), ("nb", "Norsk")]
LOCALE_PATHS = [HERE / "locale"]

DATA_UPLOAD_MAX_MEMORY_SIZE = 32 * 1024
DATA_UPLOAD_MAX_NUMBER_FIELDS = 40
FILE_UPLOAD_HANDLERS: list[str] = []

LOGGING_CONFIG = "logging.config.dictConfig"
LOGGING = {
    "version": 1,
    "disable_existing_loggers": True,
    "handlers": {"nowhere": {"class": "logging.NullHandler"}},
    "root": {"handlers": ["nowhere"], "level": "CRITICAL"},
    "loggers": {"django": {"handlers": ["nowhere"], "level": "CRITICAL", "propagate": False}},
}
