"""The flows in use: every menu file in a folder, by the numbers that they answer.

A file that is saved is used for the next call; calls under way keep the flow that they began with. A file that
becomes unusable changes nothing but its status: the last good one stays in use, after a start as well, because what is
published is kept (`ivr.versions`). Where there was no good one, a menu that strands somebody (its queue, say, is gone
since the last start) is used all the same: it serves the other callers.
"""

import asyncio
import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import structlog
from watchfiles import awatch

from ivr.language import loader, spoken, templates
from ivr.language.flow import Flow
from ivr.language.place import texts
from ivr.language.surroundings import Surroundings
from ivr.machine.effects import Prompt
from ivr.speech.synthesis import Prompts
from ivr.versions import FlowVersions, MemoryVersions, Version
from switchroom.domain.views import FlowView
from switchroom.runtime import yamlfile
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
        self,
        folder: Path,
        recordings: Path,
        prompts: Prompts,
        surroundings: Surroundings | None = None,
        versions: FlowVersions | None = None,
    ) -> None:
        """``surroundings`` are what the flows must fit; without them it is taken on trust.

        ``versions`` keep what was published; without them it is kept for as long as the process lives.
        """
        self._versions = versions or MemoryVersions()
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

    async def version(self, name: str, version: str) -> Flow | None:
        """Exactly what was published as that version, if it was kept. Raises `OSError`."""
        for file in self._files.values():
            if file.flow is not None and (file.flow.name, file.flow.version) == (name, version):
                return file.flow
        source = await asyncio.to_thread(self._versions.source, Version(name, version))
        if source is None:
            return None
        try:
            flow, _, _ = await asyncio.to_thread(self._parse, source, Path(f"{name}.yaml"), frozenset())
        except YamlError as error:  # the language has changed since
            log.error("flow.version_unusable", flow=name, version=version, findings=len(error.findings))
            return None
        return replace(flow, version=version)

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
        try:
            flow, findings, strands = await asyncio.to_thread(self._read, path, recordings)
            if strands:
                before = before or await self._last_good(path, recordings)
                if before is not None and before.flow is not None and not before.strands:
                    raise YamlError(findings)
            if before is not None and before.flow is not None and before.flow.version == flow.version:
                return MenuFile(path, before.flow, findings, strands)
            await self._prompts.prepare(_static_prompts(flow))
        except YamlError as error:
            log.error("flow.unusable", file=path.name, findings=[str(finding) for finding in error.findings])
            return await self._as_before(path, before, recordings, error.findings)
        except Exception as error:  # one file must never take the others with it
            log.exception("flow.load_failed", file=path.name)
            finding = Finding(str(path), 1, 1, "IVR001", f"cannot be loaded: {type(error).__name__}")
            return await self._as_before(path, before, recordings, (finding,))
        if strands:
            log.error("flow.strands", file=path.name, findings=[str(finding) for finding in findings])
        await self._publish(path, flow, good=not strands)
        log.info("flow.loaded", flow=flow.name, version=flow.version, findings=len(findings))
        return MenuFile(path, flow, findings, strands)

    async def _as_before(
        self,
        path: Path,
        before: MenuFile | None,
        recordings: frozenset[tuple[str, str]],
        findings: tuple[Finding, ...],
    ) -> MenuFile:
        """The file cannot be used: the flow that was in use stays; after a start, the last good one that was kept."""
        before = before or await self._last_good(path, recordings)
        return MenuFile(path, before.flow if before else None, findings, before is not None and before.strands)

    async def _publish(self, path: Path, flow: Flow, *, good: bool) -> None:
        version = Version(flow.name, flow.version)
        try:
            await asyncio.to_thread(self._versions.keep, version, flow.source)
            if good:
                await asyncio.to_thread(self._versions.mark_good, path.name, version)
        except OSError as error:  # the next caller is served all the same
            log.error("flow.not_kept", flow=flow.name, version=flow.version, reason=error.strerror)

    async def _last_good(self, path: Path, recordings: frozenset[tuple[str, str]]) -> MenuFile | None:
        """What was kept of a file before the server was started, as it fits today. Raises nothing."""
        try:
            version = await asyncio.to_thread(self._versions.last_good, path.name)
            source = await asyncio.to_thread(self._versions.source, version) if version is not None else None
            if version is None or source is None:
                return None
            flow, findings, strands = await asyncio.to_thread(self._parse, source, path, recordings)
            await self._prompts.prepare(_static_prompts(flow))
        except Exception as error:
            log.error("flow.last_good_unusable", file=path.name, reason=type(error).__name__)
            return None
        log.warning("flow.last_good_used", flow=flow.name, version=flow.version)
        return MenuFile(path, replace(flow, version=version.version), findings, strands)

    def _read(self, path: Path, recordings: frozenset[tuple[str, str]]) -> tuple[Flow, tuple[Finding, ...], bool]:
        """The flow, what there is to say about it, and whether it strands somebody."""
        return self._parse(yamlfile.read(path), path, recordings)

    def _parse(
        self, source: str, path: Path, recordings: frozenset[tuple[str, str]]
    ) -> tuple[Flow, tuple[Finding, ...], bool]:
        try:
            flow, findings = loader.parse(source, str(path), recordings, self._surroundings)
        except loader.Strands as error:
            return error.flow, error.findings, True
        for language in flow.languages:
            spoken.prepare(language)
        return flow, tuple(findings), False


def _static_prompts(flow: Flow) -> list[Prompt]:
    """What is always the same, and can be synthesised before anyone calls."""
    return [
        Prompt(written, language, text.audio, static=True)
        for _, text in texts(flow.menus)
        for language in flow.languages
        if (written := text.get(language)) is not None and templates.parse(written).static
    ]
