"""Keys in words: which ones a text tells callers to press, and which ones it speaks of."""

import re
from collections.abc import Mapping, Set

from ivr.language import spoken

DIGITS = frozenset("0123456789")

_NAMES: Mapping[str, str] = {
    **{"星号": "*", "米字": "*", "井号": "#", "star": "*", "asterisk": "*", "pound": "#", "hash": "#"},
    **{word: str(number) for number, word in enumerate("零一二三四五六七八九")},
    **{word: number for word, number in spoken.DIGIT_WORDS["en"].items() if word != "oh"},
}
_ZH_KEY = r"(?:[0-9](?![0-9])|[*#]|星号|米字|井号|[零一二三四五六七八九](?![下次遍会直零一二三四五六七八九十]))"
_EN_KEY = r"(?:[0-9](?![0-9])|[*#]|\b(?:star|asterisk|pound|hash|zero|one|two|three|four|five|six|seven|eight|nine)\b)"
_OFFERS: Mapping[str, re.Pattern[str]] = {
    "zh": re.compile(rf"按\s*(?:数字)?(?:键)?\s*[“「]?({_ZH_KEY}(?:\s*[、或和]\s*{_ZH_KEY})*)"),
    "en": re.compile(
        rf"\bpress(?:ing)?\s+(?:the\s+)?(?:key\s+)?({_EN_KEY}(?:(?:\s*,\s*|\s+)(?:or\s+|and\s+)?{_EN_KEY})*)",
        re.IGNORECASE,
    ),
}
_KEYS: Mapping[str, re.Pattern[str]] = {"zh": re.compile(_ZH_KEY), "en": re.compile(_EN_KEY, re.IGNORECASE)}
_MENTIONS = {
    "zh": re.compile(r"(?<![0-9])[0-9](?![0-9])|[*#]|星号|米字|井号|[零一二三四五六七八九]"),
    "en": _KEYS["en"],
}


def offered(text: str, language: str) -> Set[str]:
    """The keys that a text tells the caller to press.

    >>> sorted(offered("查订单请按1，人工请按 0，返回按星号键。", "zh-CN"))
    ['*', '0', '1']
    >>> sorted(offered("Press 1, 2 or 3, or press pound. Press 10 digits.", "en-US"))
    ['#', '1', '2', '3']
    """
    base = spoken.base(language)
    if base not in _OFFERS:
        return frozenset()
    return {_key(one) for found in _OFFERS[base].findall(text) for one in _KEYS[base].findall(found)}


def mentioned(text: str, language: str) -> Set[str] | None:
    """The keys that a text speaks of in any way; None for a language in which that is not known.

    >>> sorted(mentioned("查订单请按1，返回请按星号键。", "zh-CN") or ())
    ['*', '1']
    """
    base = spoken.base(language)
    return {_key(one) for one in _MENTIONS[base].findall(text)} if base in _MENTIONS else None


def _key(written: str) -> str:
    return _NAMES.get(written.lower(), written)
