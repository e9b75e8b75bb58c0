"""The few template tags of our own, known to every template."""

from typing import Any

from django import template

register = template.Library()


@register.simple_tag(takes_context=True)
def asset(context: dict[str, Any], name: str) -> str:
    """The address of a static file."""
    request: Any = context["request"]
    return str(request.services.assets.url(name))


@register.simple_tag(takes_context=True)
def country(context: dict[str, Any], code: str) -> str:
    """A country's name in the page's language."""
    request: Any = context["request"]
    return str(request.services.assets.country(code, context["current"].code))
