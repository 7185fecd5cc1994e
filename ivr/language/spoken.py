"""How values are said and heard in each language: digits, telephone numbers, money, dates, yes and no.

A synthesiser left alone reads 20260105 as twenty million; these filters write it the way a person says it.
"""

import re
from collections.abc import Callable, Mapping
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from functools import lru_cache

from babel import Locale, UnknownLocaleError
from babel.dates import format_skeleton

_ZH_DIGITS = "零一二三四五六七八九"
_EN_DIGITS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")


def base(language: str) -> str:
    """The language without its region.

    >>> base("zh-CN")
    'zh'
    """
    return language.partition("-")[0]


def digits(value: str, language: str) -> str:
    """One by one; in Chinese 1 is said 幺, as on the telephone.

    >>> digits("2026-01", "zh-CN")
    '二零二六零幺'
    >>> digits("105", "en-US")
    'one, zero, five'
    """
    found = [int(c) for c in value if c in "0123456789"]
    if base(language) == "zh":
        return "".join(_ZH_DIGITS[d] for d in found).replace("一", "幺")
    return ", ".join(_EN_DIGITS[d] for d in found)


def phone(value: str, language: str) -> str:
    """In the groups in which numbers are said: mobiles 3-4-4, 400 numbers 3-3-4, others by fours from the end.

    >>> phone("+8613800138000", "zh-CN")
    '幺三八，零零幺三，八零零零'
    """
    number = re.sub(r"\D", "", value)
    if len(number) == 13 and number.startswith("86"):
        number = number[2:]
    sizes = (3, 4, 4) if len(number) == 11 else (3, 3, 4) if len(number) == 10 else ()
    groups: list[str] = []
    for size in sizes:
        groups.append(number[:size])
        number = number[size:]
    while number:
        head = len(number) % 4 or 4
        groups.append(number[:head])
        number = number[head:]
    separator = "，" if base(language) == "zh" else "; "
    return separator.join(digits(group, language) for group in groups)


def money(value: str, language: str) -> str:
    """An amount in yuan.

    >>> money("1299.5", "zh-CN"), money("3", "en-US")
    ('1299元5角', '3 yuan')
    """
    try:
        fen = int((Decimal(value) * 100).to_integral_value())
    except (InvalidOperation, ValueError, OverflowError):  # no number, or an endless one
        return value
    sign, fen = ("-" if fen < 0 else ""), abs(fen)
    yuan, jiao, cents = fen // 100, fen % 100 // 10, fen % 10
    if base(language) != "zh":
        return f"{sign}{yuan}.{fen % 100:02} yuan" if fen % 100 else f"{sign}{yuan} yuan"
    tail = (f"{jiao}角" if jiao else "零" if cents else "") + (f"{cents}分" if cents else "")
    return f"{'负' if sign else ''}{yuan}元{tail}"


def day(value: str, language: str) -> str:
    """An ISO 8601 date or time, as month and day; as in English in a language that nobody knows.

    >>> day("2026-11-25", "zh-CN"), day("2026-11-25T10:00:00Z", "en-US"), day("2026-11-25", "de-AT")
    ('11月25日', 'November 25', '25. November')
    """
    try:
        found = date.fromisoformat(value) if len(value) == 10 else datetime.fromisoformat(value).date()
    except ValueError:
        return value
    return str(format_skeleton("MMMMd", found, locale=_locale(language)))


def prepare(language: str) -> None:
    """Read what the language's dates need from the disk: 10 to 45 ms once, which no call should wait for."""
    day("2000-01-01", language)


@lru_cache
def _locale(language: str) -> Locale:
    try:
        return Locale.parse(language, sep="-")
    except (ValueError, UnknownLocaleError):
        return Locale("en")


FILTERS: Mapping[str, Callable[[str, str], str]] = {
    "digits": digits,
    "phone": phone,
    "money": money,
    "date": day,
    # not spoken: makes a skill such as lang:zh of zh-CN
    "base": lambda value, _: base(value),
}

DIGIT_WORDS: Mapping[str, Mapping[str, str]] = {
    "zh": {**{word: str(d) for d, word in enumerate(_ZH_DIGITS)}, "幺": "1", "两": "2", "〇": "0"},
    "en": {**{word: str(d) for d, word in enumerate(_EN_DIGITS)}, "oh": "0"},
}
"""The words by which single digits are recognised."""

YES: Mapping[str, tuple[str, ...]] = {"zh": ("是", "是的", "对", "正确"), "en": ("yes", "correct", "right")}
NO: Mapping[str, tuple[str, ...]] = {"zh": ("不是", "不对", "错了"), "en": ("no", "wrong")}


def yes_or_no(text: str, language: str) -> bool | None:
    """True for a yes, False for a no, None for anything else."""
    said = base(language)
    return True if text in YES.get(said, ()) else False if text in NO.get(said, ()) else None


def heard_digits(text: str, language: str) -> str | None:
    """The digits that were said, or None if something else was said as well.

    >>> heard_digits("two oh two six", "en-US"), heard_digits("二 零 幺", "zh-CN"), heard_digits("two please", "en-US")
    ('2026', '201', None)
    """
    words = DIGIT_WORDS.get(base(language), {})
    parts = [c for c in text if not c.isspace()] if base(language) == "zh" else text.lower().split()
    found = [words.get(part) for part in parts]
    return "".join(d for d in found if d) if found and None not in found else None
