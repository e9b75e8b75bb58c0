"""What every template knows: the account, the languages with this page's address in each, and where assets are."""

from typing import Any

from django.http import HttpRequest

from tyst.site import languages


def everywhere(request: HttpRequest) -> dict[str, Any]:
    """The common names in templates."""
    first, _, rest = request.path_info.removeprefix("/").partition("/")
    rest = rest if first in languages.BY_PREFIX else ""
    current = languages.BY_CODE.get(getattr(request, "LANGUAGE_CODE", "en"), languages.ALL[0])
    return {
        "request": request,
        "account": getattr(request, "account", None),
        "current": current,
        "page_languages": [(one, f"/{one.prefix}/{rest}") for one in languages.ALL],
        "here": rest,
    }
