"""A log that grew too long becomes the first of a bounded number of old ones."""

from pathlib import Path

from softswitch_config.logs import bound_logs
from softswitch_config.render import Folders
from switchroom.runtime.settings import Asterisk, Settings


def test_given_logs_over_and_under_the_limit_then_only_the_long_ones_move_on_and_the_oldest_goes(
    tmp_path: Path,
) -> None:
    settings = Settings(home=tmp_path, asterisk=Asterisk(log_limit_kb=16, logs_kept=2))
    folder = Folders.of(settings).log
    folder.mkdir(parents=True)
    long, short = folder / "messages.log", folder / "console.log"
    short.write_text("short")
    with long.open("a", encoding="utf-8") as writer:  # as Asterisk has it open
        for generation in range(4):
            writer.write(f"{generation}" * 20_000)
            writer.flush()
            bound_logs(settings)
        writer.write("new")
    assert {path.name: path.read_text()[:3] for path in folder.iterdir()} == {
        "messages.log": "new",
        "messages.log.1": "333",
        "messages.log.2": "222",
        "console.log": "sho",
    }
