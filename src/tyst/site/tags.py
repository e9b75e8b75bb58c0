"""The few template tags of our own, known to every template."""

from decimal import Decimal
from typing import Any

from babel import Locale
from babel.numbers import format_currency, format_percent
from django import template

from tyst.core.money import Money
from tyst.site import ways

register = template.Library()
_LOCALES = {"en": "en", "sv": "sv", "de": "de", "nb": "nb"}


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


@register.simple_tag(takes_context=True)
def money(context: dict[str, Any], amount: Money) -> str:
    """An amount as the page's language writes it; whole ones without decimals: €144, 58,80 €."""
    locale = Locale.parse(_LOCALES[context["current"].code])
    pattern = locale.currency_formats["standard"].pattern
    if amount.minor % 100 == 0:
        pattern = pattern.replace(".00", "")
    text = format_currency(Decimal(amount.wire()), amount.currency, pattern, locale=locale, currency_digits=False)
    return text.replace("SEK", "SEK\xa0") if text.startswith("SEK") else text


@register.simple_tag(takes_context=True)
def percent(context: dict[str, Any], rate: int) -> str:
    """A rate of hundredths of a per cent: 25 %, 25,5 %."""
    part = Decimal(rate or 0) / 10_000
    return format_percent(part, locale=_LOCALES[context["current"].code], decimal_quantization=False)


@register.simple_tag
def term(months: int) -> str:
    """A term in words."""
    return ways.term(months)
