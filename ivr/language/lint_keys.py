"""Keys in words and in choices: what callers are told to press must lead somewhere, and what leads must be told."""

import re
from collections.abc import Iterator, Mapping, Set

from ivr.language import spoken
from ivr.language.flow import targets, texts
from ivr.language.models import AGAIN, BACK, Asks, Collect, Lookup, Menu, Menus, Say, Text
from switchroom.runtime.yamlfile import Document, Finding, Loc

DIGITS = frozenset("0123456789")
CONFIRMS = frozenset("12*")
"""What answers the question whether it was understood right."""

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


def lint_keys(document: Document[Menus]) -> Iterator[Finding]:
    """Keys that are offered and lead nowhere (IVR120), choices of which no caller is told (IVR121, a warning)."""
    menus = document.model
    for loc, text in texts(menus):
        for language in menus.languages:
            allowed = _allowed(menus, loc)
            for key in sorted(offered(text.get(language) or "", language) - allowed):
                message = f"callers are told to press {key}, which leads nowhere here{_instead(allowed)}"
                place = (*loc, language) if language in text.texts else loc
                yield document.finding(place, "IVR120", message)
    yield from _untold(document)


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


def _key(written: str) -> str:
    return _NAMES.get(written.lower(), written)


def _instead(keys: Set[str]) -> str:
    return f"; there are {', '.join(sorted(keys))}" if keys else "; no key is taken after this"


def _allowed(menus: Menus, loc: Loc) -> Set[str]:
    """The keys that a caller may press who hears the text at this place."""
    if loc[0] == "defaults":
        asking = [_keys(menus, node) for node in menus.nodes.values() if isinstance(node, Menu)]
        return frozenset.intersection(*asking) if asking else frozenset(menus.globals)
    name, field = str(loc[1]), loc[2]
    node = menus.nodes[name]
    if field == "confirm":
        return CONFIRMS
    if isinstance(node, Asks):
        return _keys(menus, node)
    if isinstance(node, Lookup):  # ok, not_found or error has a word of its own
        return _next_keys(menus, getattr(node, str(field)).goto)
    return _next_keys(menus, name)


def _keys(menus: Menus, node: Asks) -> frozenset[str]:
    """In a `collect` a digit is a digit, so of the globals only the others work."""
    if isinstance(node, Menu):
        return frozenset(node.choices) | frozenset(menus.globals)
    assert isinstance(node, Collect)
    return (frozenset(menus.globals) - DIGITS) | (frozenset(node.digits.finish or ""))


def _next_keys(menus: Menus, start: str) -> Set[str]:
    """The keys of the questions that may come next: they may be pressed while something is told before."""
    keys: set[str] = set()
    seen: set[str] = set()
    todo = [start]
    while todo:
        name = todo.pop()
        if name in (BACK, AGAIN):
            return DIGITS | {"*", "#"}  # any question there has been
        if name in seen or name not in menus.nodes:
            continue
        seen.add(name)
        node = menus.nodes[name]
        if isinstance(node, Asks):
            keys |= _keys(menus, node)
        else:
            todo += [target for _, target in targets(node)]
    return keys


def _untold(document: Document[Menus]) -> Iterator[Finding]:
    menus = document.model
    for name, node in menus.nodes.items():
        if not isinstance(node, Menu):
            continue
        for language in menus.languages:
            if spoken.base(language) not in _MENTIONS:
                continue
            told = " ".join(text.get(language) or "" for text in _heard_at(menus, name, node))
            mentioned = {_key(one) for one in _MENTIONS[spoken.base(language)].findall(told)}
            for key, choice in node.choices.items():
                phrases = choice.phrases.get(language, ())
                if key not in mentioned and not any(phrase.lower() in told.lower() for phrase in phrases):
                    message = f"no prompt in {language} tells callers of key {key}; say it, or leave the choice out"
                    yield document.finding(("nodes", name, "choices", key), "IVR121", message, "warning")


def _heard_at(menus: Menus, name: str, node: Menu) -> Iterator[Text]:
    """What a caller hears who is at the menu, and right before."""
    yield node.menu
    yield from node.noinput or menus.defaults.noinput
    yield from node.nomatch or menus.defaults.nomatch
    for before in menus.nodes.values():
        if isinstance(before, Say) and any(target == name for _, target in targets(before)):
            yield before.say
