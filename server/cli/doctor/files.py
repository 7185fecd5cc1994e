"""The doctor on what lies on the disk: dialplans, the desktop, prompts' voice, speech models."""

import shutil
from collections.abc import Iterator
from pathlib import Path

from acd.config import load_config
from ivr.language.loader import lint_files
from server.adapters import surroundings
from server.cli.doctor.finding import Missing
from switchroom.brands import load_brands
from switchroom.runtime.settings import Settings


def dialplans(settings: Settings) -> str:
    missing = [name for name in ("agents.yaml", "queues.yaml", "menus") if not (settings.dialplans / name).exists()]
    if not settings.dialplans.is_dir():
        raise Missing(f"{settings.dialplans} is no folder; set SWITCHROOM_DIALPLANS")
    if missing:
        raise Missing(f"{settings.dialplans} has no {', no '.join(missing)}; write them, or set SWITCHROOM_DIALPLANS")
    config = load_config(settings.dialplans)
    return f"{len(config.agents)} agents, {len(config.queues)} queues"


def menus(settings: Settings) -> str:
    files = sorted((settings.dialplans / "menus").glob("*.yaml"))
    if not files:
        raise Missing(f"no menu in {settings.dialplans / 'menus'}, so no number is answered; write one (docs/ivr.md)")
    fitting = surroundings(load_config(settings.dialplans), load_brands(settings.dialplans), settings.lookups)
    errors = [finding for finding in lint_files(files, surroundings=fitting) if finding.severity == "error"]
    if errors:
        raise Missing(f"{errors[0]}" + (f" (and {len(errors) - 1} more)" if len(errors) > 1 else ""))
    return ", ".join(file.stem for file in files)


def desktop(_: Settings) -> str:
    if not (Path(__file__).parents[3] / "cti_bridge" / "desktop" / "dist" / "index.html").exists():
        raise Missing("is not built; run script/setup")
    return "built"


def synthesis(_: Settings) -> str:
    if shutil.which("espeak-ng") is None:
        raise Missing("espeak-ng is not installed; run `apt-get install espeak-ng`")
    return "espeak-ng"


def speech(settings: Settings) -> Iterator[str]:
    """What callers may say, plainly."""
    yield "speech: English by pocketsphinx, without a download"
    for language, folder in settings.speech.vosk_models.items():
        yield f"speech: {language} by Vosk, {folder}" + ("" if folder.is_dir() else ": THIS FOLDER IS NOT THERE")
    if not any(language.startswith("zh") for language in settings.speech.vosk_models):
        yield "speech: no Chinese model, so Chinese callers use keys (docs/speech.md says how to add one)"
