"""The flows in use: every menu file in a folder, by the numbers that they answer.

A file that is saved is used for the next call; calls under way keep the flow that they began with. A file that
becomes unusable changes nothing but its status: the last good one stays in use. Where there was no good one, a menu
that strands somebody (its queue, say, is gone since the last start) is used all the same: it serves the other callers.
"""

import asyncio
import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import structlog
from watchfiles import awatch

from ivr.language import loader, templates
from ivr.language.flow import Flow
from ivr.language.place import texts
from ivr.language.surroundings import Surroundings
from ivr.machine.effects import Prompt
from ivr.speech.synthesis import Prompts
from switchroom.domain.views import FlowView
from switchroom.runtime.background import BackgroundTasks
from switchroom.runtime.yamlfile import Finding, YamlError

log = structlog.get_logger(__name__)

LOOK_EVERY_MS = 2000
WATCH_AGAIN_AFTER_S = 2.0


@dataclass(frozen=True, slots=True)
class MenuFile:
    """A menu file: the flow in use, and what lint says to its present content."""

    path: Path
    flow: Flow | None
    findings: tuple[Finding, ...]
    strands: bool = False
    """The flow in use strands somebody; there was no good one."""

    @property
    def error(self) -> str | None:
        """What is to be mended in the present content; it keeps it out of use, unless there is nothing better."""
        return next((str(finding) for finding in self.findings if finding.severity == "error"), None)


class Flows:
    """Loads and reloads ``folder``/\\*.yaml; has the prompts made before a flow is used."""

    def __init__(
        self, folder: Path, recordings: Path, prompts: Prompts, surroundings: Surroundings | None = None
    ) -> None:
        """``surroundings`` are what the flows must fit; without them it is taken on trust."""
        self._folder = folder
        self._recordings = recordings
        self._prompts = prompts
        self._surroundings = surroundings
        self._files: dict[Path, MenuFile] = {}
        self._seen: Mapping[Path, int] = {}
        self._numbers: Mapping[str, Flow] = {}
        self._tasks = BackgroundTasks()

    async def start(self) -> None:
        """Load everything, then follow changes."""
        await self.load()
        self._tasks.spawn(self._watch(), name="ivr.flows.watch")

    async def stop(self) -> None:
        await self._tasks.close()

    def find(self, number: str) -> Flow | None:
        """The flow that answers a dialled number."""
        return self._numbers.get(number)

    def flows(self) -> Sequence[FlowView]:
        """All menus, for the API."""
        return [
            FlowView(
                name=file.flow.name if file.flow else file.path.stem,
                numbers=file.flow.menus.numbers if file.flow else (),
                version=file.flow.version if file.flow else "",
                error=file.error,
            )
            for file in self._files.values()
        ]

    async def load(self) -> None:
        """Read the whole folder."""
        seen = await asyncio.to_thread(self._look)
        recordings = await asyncio.to_thread(loader.recorded, self._recordings)
        self._files = {path: await self._load(path, recordings) for path in seen}
        numbers: dict[str, Flow] = {}
        for file in self._files.values():
            for number in file.flow.menus.numbers if file.flow else ():
                if file.flow is not None and numbers.setdefault(number, file.flow) is not file.flow:
                    log.error("flow.number_taken", number=number, by=numbers[number].name, claimed_by=file.flow.name)
        self._numbers = numbers
        self._seen = seen

    async def _watch(self) -> None:
        """Follow the folder for as long as the server runs, also where it is gone for a while."""
        while True:
            try:
                await self._follow()
            except Exception as error:
                log.error("flow.watch_failed", reason=type(error).__name__)
            await asyncio.sleep(WATCH_AGAIN_AFTER_S)

    async def _follow(self) -> None:
        """Also looks by itself now and then: notices get lost on network folders, and before the watch begins."""
        async for _ in awatch(self._folder, recursive=False, yield_on_timeout=True, rust_timeout=LOOK_EVERY_MS):
            if await asyncio.to_thread(self._look) != self._seen:
                await self.load()

    def _look(self) -> Mapping[Path, int]:
        """The menu files, with the times of their last change."""
        found: dict[Path, int] = {}
        for path in sorted(self._folder.glob("*.yaml")):
            with contextlib.suppress(OSError):  # removed meanwhile
                found[path] = path.stat().st_mtime_ns
        return found

    async def _load(self, path: Path, recordings: frozenset[tuple[str, str]]) -> MenuFile:
        before = self._files.get(path)
        flow_before = before.flow if before else None
        strands_before = before is not None and before.strands
        try:
            flow, findings, strands = await asyncio.to_thread(self._read, path, recordings)
            if strands and flow_before is not None and not strands_before:
                raise YamlError(findings)
            if flow_before is not None and flow_before.version == flow.version:
                return MenuFile(path, flow_before, findings, strands)
            await self._prompts.prepare(_static_prompts(flow))
        except YamlError as error:
            log.error("flow.unusable", file=path.name, findings=[str(finding) for finding in error.findings])
            return MenuFile(path, flow_before, error.findings, strands_before)
        except Exception as error:  # one file must never take the others with it
            log.exception("flow.load_failed", file=path.name)
            finding = Finding(str(path), 1, 1, "IVR001", f"cannot be loaded: {type(error).__name__}")
            return MenuFile(path, flow_before, (finding,), strands_before)
        if strands:
            log.error("flow.strands", file=path.name, findings=[str(finding) for finding in findings])
        log.info("flow.loaded", flow=flow.name, version=flow.version, findings=len(findings))
        return MenuFile(path, flow, findings, strands)

    def _read(self, path: Path, recordings: frozenset[tuple[str, str]]) -> tuple[Flow, tuple[Finding, ...], bool]:
        """The flow, what there is to say about it, and whether it strands somebody."""
        try:
            flow, findings = loader.load(path, recordings, self._surroundings)
        except loader.Strands as error:
            return error.flow, error.findings, True
        return flow, tuple(findings), False


def _static_prompts(flow: Flow) -> list[Prompt]:
    """What is always the same, and can be synthesised before anyone calls."""
    return [
        Prompt(written, language, text.audio, static=True)
        for _, text in texts(flow.menus)
        for language in flow.languages
        if (written := text.get(language)) is not None and templates.parse(written).static
    ]
