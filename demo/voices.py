"""What the people of the demonstration say, spoken by Debian's synthesisers and kept as WAV files."""

import subprocess
from pathlib import Path

SENTENCES: dict[str, tuple[str, ...]] = {
    "agent-zh": ("espeak-ng", "-v", "cmn", "-s", "150", "您好，我是客服，请问有什么可以帮您？请稍等，我马上为您查询。"),
    "caller-zh": (
        "espeak-ng",
        "-v",
        "cmn+f3",
        "-s",
        "150",
        "你好，我买的东西不合适，想办理退货，麻烦帮我看一下，谢谢。",
    ),
    "agent-en": (
        "espeak-ng",
        "-v",
        "en-us",
        "-s",
        "150",
        "Hello, this is the shop. How can I help you with your return?",
    ),
    "caller-en": (
        "espeak-ng",
        "-v",
        "en-gb+f3",
        "-s",
        "150",
        "Hi, the lid of my air purifier is dented and I would like to return it.",
    ),
    "returns": ("flite", "-voice", "slt", "-t", "returns"),
}


def record_voices(folder: Path) -> dict[str, Path]:
    """Every sentence as a WAV file in ``folder``; those that are there already are kept."""
    folder.mkdir(parents=True, exist_ok=True)
    found = {}
    for name, (program, *words) in SENTENCES.items():
        found[name] = folder / f"{name}.wav"
        if not found[name].exists():
            output = ["-o", str(found[name])] if program == "flite" else ["-w", str(found[name])]
            command = [program, *output, *words]
            subprocess.run(command, check=True, capture_output=True)  # noqa: S603  # the fixed words above
    return found
