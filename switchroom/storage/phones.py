"""Telephone numbers in one form (E.164), in all the ways that carriers and clerks write them."""

import re

import phonenumbers

DEFAULT_REGION = "CN"


def normalise(number: str, region: str = DEFAULT_REGION) -> str:
    """The number in E.164; as it was given, without separators, when it is no number of any plan.

    >>> normalise("138 0013 8000"), normalise("013800138000"), normalise("008613800138000")
    ('+8613800138000', '+8613800138000', '+8613800138000')
    >>> normalise("+1 415 555 2671"), normalise("95588"), normalise("anonymous")
    ('+14155552671', '95588', '')
    """
    digits = "".join(c for c in number if c.isdigit() or c == "+")
    try:
        parsed = phonenumbers.parse(number, region)
    except phonenumbers.NumberParseException:
        return digits
    if not phonenumbers.is_valid_number(parsed):
        return digits
    return phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)


def national(number: str) -> str:
    """The digits of a normalised number without its country, which every way of writing it ends with.

    >>> national("+8613800138000"), national("95588")
    ('13800138000', '95588')
    """
    return _split(number)[1]


def written(number: str) -> re.Pattern[str]:
    """Finds a normalised number in text, in every form that carriers and people write it.

    >>> found = written("+8613800138000")
    >>> forms = ("13800138000", "+86 138-0013-8000", "013800138000", "008613800138000", "(86)13800138000")
    >>> [found.sub("", f"to {form}, please") for form in forms] == ["to , please"] * 5
    True
    >>> found.sub("", "１３８００１３８０００ ＋８６－138\u200b0013\u30008000")
    ' '
    >>> found.search("order 2613800138000"), found.search("138001380001")
    (None, None)
    """
    country, digits = _split(number)
    # Also as a Chinese keyboard writes it, and with what copying brings along: marks that nobody sees.
    gap = r"[\s()（）.．\-－‐-―/／·_\u200b-\u200f\u2060\ufeff]*"
    zero, one = _either("0"), _either("1")
    prefix = ""
    if country:
        abroad = rf"(?:(?:[+＋]|{zero}{gap}{zero}|{zero}{one}{one}){gap})?"
        from_abroad = rf"[(（]?{abroad}{gap.join(map(_either, country))}{gap}{zero}?{gap}"
        prefix = rf"(?:{from_abroad}|{zero}{gap})?"
    return re.compile(rf"(?<!\d){prefix}{gap.join(map(_either, digits))}(?!\d)")


def _either(digit: str) -> str:
    """
    >>> _either("1")
    '[1１]'
    """
    return f"[{digit}{chr(ord('０') + int(digit))}]" if digit in "0123456789" else re.escape(digit)


def _split(number: str) -> tuple[str, str]:
    """Country code (empty if the number is of no plan) and the digits after it."""
    try:
        parsed = phonenumbers.parse(number)
    except phonenumbers.NumberParseException:
        return "", number.removeprefix("+")
    return str(parsed.country_code), phonenumbers.national_significant_number(parsed)
