"""What can be known to be wrong with a menu before anyone calls it.

Errors keep a flow from being used, warnings do not. Codes are explained in docs/ivr.md. Rules that are of all nodes are
here and in the modules ``lint_…``; what is of one verb alone is in its file.
"""

from collections.abc import Callable, Iterator, Sequence, Set

from ivr.language.lint_fields import lint_fields
from ivr.language.lint_keys import lint_keys
from ivr.language.lint_variables import lint_variables
from ivr.language.lint_ways import lint_ways
from ivr.language.menus import Menus, scopes
from ivr.language.place import Place, choices, filled, texts
from ivr.language.surroundings import Surroundings
from switchroom.runtime.yamlfile import Document, Finding, Loc

UnknownWords = Callable[[str, str], Sequence[str]]
"""(language, phrase) to the words of the phrase that the recogniser does not know."""


def lint(
    document: Document[Menus],
    recordings: Set[tuple[str, str]] = frozenset(),
    surroundings: Surroundings | None = None,
) -> list[Finding]:
    """All findings, in the order of the file. ``recordings`` are the (language, name) pairs that exist.

    Without ``surroundings`` queues, skills and sources of data are taken on trust.
    """
    checks = (lint_ways, _languages, lint_variables, _language_switches, _phrases, lint_keys)
    found = {finding for check in checks for finding in check(document)}
    for scope in scopes(document.model):
        for name, node in scope.nodes.items():
            found |= set(node.lint(Place(document, scope, name, surroundings)))
    found |= set(_recordings(document, recordings))
    if surroundings is not None:
        found |= set(lint_fields(document, surroundings))
    return sorted(found)


def lint_vocabulary(document: Document[Menus], unknown_words: UnknownWords) -> list[Finding]:
    """Phrases that the recogniser will never hear, because it does not know a word of them."""
    return [
        document.finding(
            loc, "IVR109", f"the recogniser does not know {', '.join(f'`{word}`' for word in unknown)}", "warning"
        )
        for loc, language, phrase in _all_phrases(document.model)
        if (unknown := unknown_words(language, phrase))
    ]


def _languages(document: Document[Menus]) -> Iterator[Finding]:
    languages = document.model.languages
    for loc, text in texts(document.model):
        if "" in text.texts:
            if len(languages) > 1:
                yield document.finding(loc, "IVR103", f"write the text by language: {', '.join(languages)}")
            continue
        for language in languages:
            if language not in text.texts:
                yield document.finding(loc, "IVR103", f"the text in {language} is missing")
        for language in text.texts:
            if language not in languages:
                message = f"{language} is not among the flow's languages ({', '.join(languages)})"
                yield document.finding((*loc, language), "IVR103", message)


def _language_switches(document: Document[Menus]) -> Iterator[Finding]:
    for loc, written in filled(document.model):
        if loc[-2:] == ("set", "lang") and written not in document.model.languages:
            yield document.finding(loc, "IVR112", f"`{written}` is not among the flow's languages")


def _all_phrases(menus: Menus) -> Iterator[tuple[Loc, str, str]]:
    for loc, choice in choices(menus):
        for language, phrases in choice.phrases.items():
            for index, phrase in enumerate(phrases):
                yield (*loc, "phrases", language, index), language, phrase


def _phrases(document: Document[Menus]) -> Iterator[Finding]:
    for loc, language, phrase in _all_phrases(document.model):
        if not phrase.strip():
            yield document.finding(loc, "IVR107", "an empty phrase")
        if language not in document.model.languages:
            yield document.finding(loc, "IVR103", f"{language} is not among the flow's languages")


def _recordings(document: Document[Menus], recordings: Set[tuple[str, str]]) -> Iterator[Finding]:
    for loc, text in texts(document.model):
        for language in document.model.languages if text.audio else ():
            if (language, text.audio) not in recordings:
                message = f"no recording prompts/{language}/{text.audio}.wav: the text is synthesised"
                yield document.finding((*loc, "audio"), "IVR110", message, "warning")
