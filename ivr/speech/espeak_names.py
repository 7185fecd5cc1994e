"""espeak-ng's names for languages, and the speed at which it speaks them well."""

from collections.abc import Mapping

WORDS_PER_MINUTE = 165
HANZI_PER_MINUTE = 250
"""espeak-ng counts a character as a word."""
SINITIC = frozenset({"cmn", "yue"})
ESPEAK_NAMES: Mapping[str, str] = {"zh": "cmn", "zh-cn": "cmn", "zh-tw": "cmn", "zh-hk": "yue"}


def espeak_voices(language: str) -> tuple[str, ...]:
    """The names under which a voice for the language may be found, the best first.

    >>> espeak_voices("zh-CN")
    ('cmn', 'zh-cn', 'zh')
    """
    tag = language.lower()
    base = tag.partition("-")[0]
    return tuple(dict.fromkeys(filter(None, (ESPEAK_NAMES.get(tag), tag, ESPEAK_NAMES.get(base), base))))


def espeak_rate(voice: str) -> int:
    """Words, or characters, per minute."""
    return HANZI_PER_MINUTE if voice in SINITIC else WORDS_PER_MINUTE
