"""Telephone numbers in one form (E.164), whatever way the carrier or the clerk wrote them."""

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
