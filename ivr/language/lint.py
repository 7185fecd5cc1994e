"""What can be known to be wrong with a menu before anyone calls it.

Errors keep a flow from being used, warnings do not. Codes are explained in docs/ivr.md.
"""

import difflib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Set

from ivr.language import templates
from ivr.language.expressions import Expression, ExpressionError
from ivr.language.flow import branches, targets, texts
from ivr.language.lint_keys import lint_keys
from ivr.language.lint_surroundings import close_to, lint_surroundings
from ivr.language.models import AGAIN, BACK, HERE, Asks, Choice, Collect, Lookup, Menu, Menus, Text
from ivr.language.models import Set as SetNode
from ivr.language.places import choices, filled
from ivr.language.surroundings import Surroundings
from switchroom.runtime.yamlfile import Document, Finding, Loc

BUILT_IN = frozenset({"caller", "lang"})
"""Variables that are always there: the caller (tier, name, phone, known, number) and the language."""

CONFUSABLE = 0.8
"""Phrases of one menu whose letters agree to this share are likely to be taken for one another."""

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
    checks = (_targets, _reachable, _endless, _languages, _variables, _language_switches, _phrases, _spoken_digits)
    found = [finding for check in (*checks, lint_keys) for finding in check(document)]
    found += _recordings(document, recordings)
    if surroundings is not None:
        found += lint_surroundings(document, surroundings)
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


def _ways(menus: Menus) -> Iterator[tuple[Loc, str]]:
    for key, choice in menus.globals.items():
        yield ("globals", key, "goto"), choice.goto
    yield ("defaults", "give_up", "goto"), menus.defaults.give_up.goto
    for name, node in menus.nodes.items():
        for at, target in targets(node):
            yield ("nodes", name, *at), target


def _targets(document: Document[Menus]) -> Iterator[Finding]:
    nodes = document.model.nodes
    for name in nodes:
        if name in HERE:
            yield document.finding(("nodes", name), "IVR114", f"`{name}` has a meaning of its own; use another name")
    for loc, target in [(("start",), document.model.start), *_ways(document.model)]:
        if target not in nodes and (target not in HERE or loc == ("start",)):
            message = f"there is no node `{target}`{close_to(target, [*nodes, *HERE])}"
            yield document.finding(loc, "IVR101", message)


def _reachable(document: Document[Menus]) -> Iterator[Finding]:
    menus = document.model
    seen: set[str] = set()
    todo = [menus.start]
    while todo:
        name = todo.pop()
        if name in seen or name not in menus.nodes:
            continue
        seen.add(name)
        node = menus.nodes[name]
        todo += [target for _, target in targets(node)]
        if isinstance(node, Asks):
            todo += [choice.goto for choice in menus.globals.values()]
            todo.append((node.give_up or menus.defaults.give_up).goto)
    for name in menus.nodes:
        if name not in seen | HERE:
            yield document.finding(("nodes", name), "IVR102", f"nothing leads to `{name}`", "warning")


def _endless(document: Document[Menus]) -> Iterator[Finding]:
    """A caller who does nothing must arrive somewhere: follow give-ups and every way that needs no caller."""
    menus = document.model
    done: set[str] = set()

    def follow(name: str, path: tuple[str, ...]) -> tuple[str, ...] | None:
        if name in path:
            return (*path[path.index(name) :], name)
        if name in done or name not in menus.nodes:
            return None
        node = menus.nodes[name]
        if isinstance(node, Asks):
            onward = [(node.give_up or menus.defaults.give_up).goto]
        else:
            onward = [target for _, target in targets(node)]
        for target in onward:
            if circle := follow(name if target in (BACK, AGAIN) else target, (*path, name)):
                return circle
        done.add(name)
        return None

    for name in menus.nodes:
        if circle := follow(name, ()):
            text = "a caller who does nothing goes round for ever: " + " → ".join(circle)
            yield document.finding(("nodes", circle[0]), "IVR106", text)
            return  # one circle is shown at a time: its neighbours would only repeat it


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


def _variables(document: Document[Menus]) -> Iterator[Finding]:
    menus = document.model
    known = set(BUILT_IN)
    for _, choice in choices(menus):
        known |= choice.set.keys()
    for node in menus.nodes.values():
        if isinstance(node, SetNode):
            known |= node.set.keys()
        elif isinstance(node, Collect | Lookup):
            known.add(node.into)

    def unknown(loc: Loc, names: Iterable[str]) -> Iterator[Finding]:
        for name in sorted(set(names) - known):
            yield document.finding(loc, "IVR104", f"nothing sets `{name}`{close_to(name, known)}")

    for loc, written in filled(menus):
        try:
            yield from unknown(loc, templates.parse(written).names)
        except templates.TemplateError as error:
            yield document.finding(loc, "IVR111", str(error))
    for name, node in menus.nodes.items():
        for index, branch in enumerate(branches(node)):
            if branch.if_ is None:
                continue
            loc = ("nodes", name, "when", index, "if")
            try:
                yield from unknown(loc, Expression(branch.if_).names)
            except ExpressionError as error:
                yield document.finding(loc, "IVR105", f"the condition, at its column {error.column}: {error}")


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
    """In one menu, globals included, a phrase must lead to one place, and not sound like another's."""
    menus = document.model
    for loc, language, phrase in _all_phrases(menus):
        if not phrase.strip():
            yield document.finding(loc, "IVR107", "an empty phrase")
        if language not in menus.languages:
            yield document.finding(loc, "IVR103", f"{language} is not among the flow's languages")
    reported: set[tuple[Loc, Loc]] = set()
    for name, node in menus.nodes.items():
        if not isinstance(node, Menu):
            continue
        globals_ = {key: choice for key, choice in menus.globals.items() if key not in node.choices}
        places: Mapping[Loc, Choice] = {
            **{("globals", key): choice for key, choice in globals_.items()},
            **{("nodes", name, "choices", key): choice for key, choice in node.choices.items()},
        }
        for language in menus.languages:
            said = [
                ((*loc, "phrases", language, index), loc, phrase.lower())
                for loc, choice in places.items()
                for index, phrase in enumerate(choice.phrases.get(language, ()))
            ]
            for index, (loc, choice_loc, phrase) in enumerate(said):
                for other_loc, other_choice, other in said[:index]:
                    if other_choice == choice_loc or (other_loc, loc) in reported:
                        continue
                    reported.add((other_loc, loc))
                    if phrase == other:
                        yield document.finding(loc, "IVR107", f"`{phrase}` already leads somewhere else")
                    elif difflib.SequenceMatcher(None, phrase, other).ratio() >= CONFUSABLE:
                        message = f"`{phrase}` may be taken for `{other}`"
                        yield document.finding(loc, "IVR108", message, "warning")


def _spoken_digits(document: Document[Menus]) -> Iterator[Finding]:
    for name, node in document.model.nodes.items():
        if isinstance(node, Collect) and node.digits.speech and node.confirm is None:
            message = "spoken digits are often misheard: ask back with `confirm`"
            yield document.finding(("nodes", name, "digits"), "IVR115", message, "warning")


def _recordings(document: Document[Menus], recordings: Set[tuple[str, str]]) -> Iterator[Finding]:
    for loc, text in texts(document.model):
        for language in document.model.languages if text.audio else ():
            if (language, text.audio) not in recordings:
                message = f"no recording prompts/{language}/{text.audio}.wav: the text is synthesised"
                yield document.finding((*loc, "audio"), "IVR110", message, "warning")


def spoken(text: Text, languages: Iterable[str]) -> Iterator[tuple[str, str]]:
    """The (language, text) pairs of a text that are always the same, and can be synthesised before anyone calls."""
    for language in languages:
        written = text.get(language)
        if written is not None and templates.parse(written).static:
            yield language, written
