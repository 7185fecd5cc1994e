"""The board's event stream as lines that a person follows: ``00:03.2  b-gold  main ◀ 2``."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from rich.console import Console
from rich.text import Text

Data = Mapping[str, Any]

COLOURS = {"a": "cyan", "b": "yellow", "c": "green", "d": "magenta"}

LINES: Mapping[str, Callable[[Data], str]] = {
    "switchroom.contact.entered": lambda d: f"☎  {masked(d['caller'])} calls {d['number']}",
    "switchroom.customer.identified": lambda d: (
        f"known as a {d['tier']} customer" if d["customer_id"] else "a stranger"
    ),
    "switchroom.node.visited": lambda d: f"▸ {d['node']}",
    "switchroom.input.taken": lambda d: f"{d['node']} ◀ {'says ' if d['kind'] == 'speech' else ''}“{d['value']}”",
    "switchroom.contact.queued": lambda d: f"waits in `{d['requirements']['queue']}` ({d['requirements']['tier']})",
    "switchroom.offer.made": lambda d: f"offered to agent {d['agent_id']}",
    "switchroom.screen.pop.sent": lambda d: f"▣ the record is on agent {d['agent_id']}'s screen",
    "switchroom.agent.rang": lambda d: f"agent {d['agent_id']}'s phone rings",
    "switchroom.offer.failed": lambda d: f"✗ agent {d['agent_id']}: {d['failure'].replace('_', ' ')}",
    "switchroom.contact.connected": lambda d: f"● talks with agent {d['agent_id']}",
    "switchroom.ticket.opened": lambda d: f"ticket #{d['ticket_id']} opened",
    "switchroom.ticket.closed": lambda d: f"ticket #{d['ticket_id']} closed: {d['disposition']}",
    "switchroom.contact.ended": lambda d: f"■ ended: {d['outcome']}",
    "switchroom.recording.ready": lambda d: f"recording {d['seconds']} s",
}


class Timeline:
    """Prints events as they come. ``part_of`` names the story to which a call belongs, once it is known."""

    def __init__(self, console: Console, part_of: Callable[[str], str]) -> None:
        self._console = console
        self._part_of = part_of
        self._began: datetime | None = None

    def show(self, kind: str, data: Data) -> None:
        line = LINES.get(kind)
        if line is None or "contact_id" not in data:
            return
        at = datetime.fromisoformat(data["at"])
        self._began = self._began or at
        seconds = max(0.0, (at - self._began).total_seconds())
        part = self._part_of(data["contact_id"])
        text = Text(f"{int(seconds // 60):02}:{seconds % 60:04.1f}  ", style="dim")
        text.append(f"{part:<11}", style=COLOURS.get(part[:1], "white"))
        text.append(line(data))
        self._console.print(text)


def masked(number: str) -> str:
    """A telephone number of which the middle is hidden.

    >>> masked("13800138000")
    '138****8000'
    """
    return f"{number[:-8]}****{number[-4:]}" if len(number) > 8 else "****"
