"""All of the menus' parts, built from the settings, started and stopped together."""

import structlog

from ivr.flows import Flows
from ivr.language.surroundings import Surroundings
from ivr.ports import CallControl, Lookups
from ivr.server import MediaServer
from ivr.speech.engines import engines
from ivr.speech.listening import Recognisers
from ivr.speech.port import SpeechFailed, Synthesiser
from ivr.speech.processes import EngineProcess
from ivr.speech.programs import programs
from ivr.speech.recognition import EngineRecogniser
from ivr.speech.synthesis import EngineSynthesiser, Prompts
from ivr.versions import FileVersions
from switchroom.runtime.background import BackgroundTasks
from switchroom.runtime.listening import Doors
from switchroom.runtime.settings import Settings

log = structlog.get_logger(__name__)


class Ivr:
    """Menus for callers: speech engines, flows, and the server to which Asterisk brings the callers."""

    def __init__(
        self,
        settings: Settings,
        calls: CallControl,
        lookups: Lookups,
        surroundings: Surroundings | None = None,
        *,
        most: int,
    ) -> None:
        """``most`` is how many callers are served at once."""
        self._tasks = BackgroundTasks()
        self._voice = EngineProcess("pyttsx3")
        self._recognisers = _recognisers(settings)
        voices: tuple[Synthesiser, ...] = (EngineSynthesiser(self._voice), *programs())
        prompts = Prompts(voices, settings.dialplans / "prompts", settings.home / "prompts")
        self.recognisers = Recognisers(self._recognisers)
        versions = FileVersions(settings.home / "flows")
        menus = settings.dialplans / "menus"
        self.flows = Flows(menus, settings.dialplans / "prompts", prompts, surroundings, versions)
        self.media = MediaServer(settings.media, self.flows, calls, lookups, prompts, self.recognisers, most)

    async def start(self, doors: Doors) -> None:
        """Returns when callers can be served by keys; recognisers load meanwhile. A taken port is a `SettingsError`."""
        try:
            await self._voice.start()
        except SpeechFailed as error:  # prompts that were made before, and recordings, go on being heard
            log.error("speech.no_voice", reason=str(error))
        for recogniser in self._recognisers.values():
            self._tasks.spawn(_open(recogniser), name="speech.open")
        await self.flows.start()
        await self.media.start(doors)

    async def stop(self) -> None:
        """Callers in menus go on in the dialplan."""
        await self.media.stop()
        await self.flows.stop()
        await self._tasks.close()
        for recogniser in self._recognisers.values():
            await recogniser.stop()
        await self._voice.stop()


async def _open(recogniser: EngineRecogniser) -> None:
    try:
        await recogniser.start()
    except SpeechFailed as error:
        log.warning("speech.no_recogniser", language=recogniser.language, reason=str(error))


def _recognisers(settings: Settings) -> dict[str, EngineRecogniser]:
    return {
        language: EngineRecogniser(language, [EngineProcess(engine, options) for _ in range(settings.speech.workers)])
        for language, (engine, options) in engines(settings).items()
    }
