"""Menu files to flows."""

import hashlib
from collections.abc import Iterable, Sequence, Set
from pathlib import Path

from ivr.language.expressions import Expression
from ivr.language.flow import Flow
from ivr.language.lint import UnknownWords, lint, lint_vocabulary
from ivr.language.lint_fields import NO_FIELD
from ivr.language.menus import Menus, menus_model
from ivr.language.place import conditions
from ivr.language.surroundings import Surroundings
from ivr.language.verb import Verb
from ivr.verbs import VERBS
from switchroom.runtime import yamlfile
from switchroom.runtime.yamlfile import Finding, YamlError

VERSION_DIGITS = 12

MENUS = menus_model(VERBS)
"""Menu files with all our verbs."""


class Strands(YamlError):
    """The menu is sound, but strands somebody in its surroundings; ``flow`` can be used where there is no better."""

    def __init__(self, flow: Flow, findings: Iterable[Finding]) -> None:
        super().__init__(findings)
        self.flow = flow


def load(
    path: Path, recordings: Set[tuple[str, str]] = frozenset(), surroundings: Surroundings | None = None
) -> tuple[Flow, list[Finding]]:
    """The flow in ``path``, and the warnings about it. Raises `YamlError` when it cannot be used (see `Strands`)."""
    return parse(yamlfile.read(path), str(path), recordings, surroundings)


def parse(
    text: str,
    file: str,
    recordings: Set[tuple[str, str]] = frozenset(),
    surroundings: Surroundings | None = None,
    verbs: Sequence[type[Verb]] = VERBS,
) -> tuple[Flow, list[Finding]]:
    """As `load`, for a text that is not (yet) in a file."""
    document = yamlfile.parse(text, file, MENUS if verbs is VERBS else menus_model(verbs))
    findings = lint(document, recordings, surroundings)
    errors = {finding.code for finding in findings if finding.severity == "error"}
    if errors - {NO_FIELD}.union(*(verb.strands for verb in verbs)):
        raise YamlError(findings)
    flow = _flow(document.model, text, surroundings)
    if errors:
        raise Strands(flow, findings)
    return flow, findings


def lint_files(
    paths: Iterable[Path],
    prompts: Path | None = None,
    unknown_words: UnknownWords | None = None,
    surroundings: Surroundings | None = None,
) -> list[Finding]:
    """Everything there is to say about some menu files, together.

    ``prompts`` is the folder of recordings; ``unknown_words`` asks the recogniser about phrases; ``surroundings`` are
    the queues, agents and sources of data that the menus are to fit.
    """
    recordings = recorded(prompts) if prompts else frozenset()
    findings: list[Finding] = []
    numbers: dict[str, str] = {}
    for path in sorted(paths):
        try:
            document = yamlfile.load(path, MENUS)
        except YamlError as error:
            findings += error.findings
            continue
        findings += lint(document, recordings, surroundings)
        if unknown_words is not None:
            findings += lint_vocabulary(document, unknown_words)
        for index, number in enumerate(document.model.numbers):
            if number in numbers:
                message = f"{number} is answered by {numbers[number]} already"
                findings.append(document.finding(("numbers", index), "IVR113", message))
            numbers.setdefault(number, str(path))
    return sorted(findings)


def recorded(prompts: Path) -> frozenset[tuple[str, str]]:
    """The (language, name) pairs of the recordings in ``prompts``."""
    return frozenset((path.parent.name, path.stem) for path in prompts.glob("*/*.wav"))


def _flow(menus: Menus, source: str, around: Surroundings | None) -> Flow:
    # A setting that the language gains later, and that the file does not use, makes no new version.
    content = menus.model_dump_json(by_alias=True, exclude_defaults=True)
    return Flow(
        menus=menus,
        version=hashlib.sha256(content.encode()).hexdigest()[:VERSION_DIGITS],
        conditions={condition: Expression(condition) for _, condition in conditions(menus)},
        source=source,
        skills=None if around is None else frozenset(skill for has in around.agents for skill in has),
    )
