"""Starting and stopping the local Asterisk. It runs on its own: callers stay connected when the server dies."""

import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import structlog

from softswitch_config.errors import SoftswitchConfigError
from softswitch_config.installation import Installation
from softswitch_config.logs import bound_logs
from softswitch_config.render import Folders
from switchroom.runtime.capacity import raise_descriptor_limit
from switchroom.runtime.settings import Settings, port_taken

log = structlog.get_logger(__name__)

START_TIMEOUT_S = 30.0
STOP_TIMEOUT_S = 10.0

_LONGEST_SOCKET_PATH = 107  # bytes, struct sockaddr_un on Linux


class LocalAsterisk:
    """The Asterisk of one ``$SWITCHROOM_HOME``, found again by its pid file."""

    def __init__(self, settings: Settings, installation: Installation) -> None:
        self._settings = settings
        self._installation = installation
        self._folders = Folders.of(settings)
        self._child: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it, unless it runs already, and return when it takes calls.

        Raises `SoftswitchConfigError`: a port is taken, or it ended or hung while starting.
        """
        bound_logs(self._settings)
        if self.running():
            return
        self._refuse_what_cannot_work()
        raise_descriptor_limit()  # which Asterisk inherits
        # For appending: it is emptied while Asterisk has it open (`bound_logs`).
        with (self._folders.log / "console.log").open("ab") as console:
            self._child = subprocess.Popen(  # noqa: S603 -- the installation's own command
                [*self._command, "-f"],
                stdin=subprocess.DEVNULL,
                stdout=console,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                umask=0o077,  # recordings, logs and the control socket are nobody else's business on this machine
            )
        log.info("asterisk.starting", pid=self._child.pid)
        if not _wait_until(lambda: self._booted() or self._child_ended(), START_TIMEOUT_S) or self._child_ended():
            self.stop()
            raise SoftswitchConfigError(f"Asterisk did not start: {self._last_error()}.")
        log.info("asterisk.started", pid=self._child.pid)

    def stop(self) -> None:
        """End it and the calls in it: politely, then by force. Returns when it is gone."""
        pid = self._pid()
        if pid is None:
            return
        for signal_number in (signal.SIGTERM, signal.SIGKILL):
            try:
                os.kill(pid, signal_number)
            except ProcessLookupError:
                break
            if _wait_until(lambda: not self.running(), STOP_TIMEOUT_S):
                break
        log.info("asterisk.stopped", pid=pid)

    def running(self) -> bool:
        """Whether its process is there."""
        return self._pid() is not None

    def reload(self) -> None:
        """Take over re-rendered numbers and agents, without touching live calls."""
        for command in ("dialplan reload", "module reload res_pjsip.so"):
            self.cli(command)

    def cli(self, command: str) -> str:
        """What Asterisk's command line answers to ``command``."""
        try:
            done = subprocess.run(  # noqa: S603
                [*self._command, "-rx", command], capture_output=True, text=True, timeout=10, check=False
            )
        except subprocess.TimeoutExpired:
            raise SoftswitchConfigError("Asterisk's command line does not answer.") from None
        if done.returncode != 0:
            raise SoftswitchConfigError("Asterisk is not running here.")
        return done.stdout

    @property
    def _command(self) -> tuple[str, ...]:
        return (*self._installation.command, "-C", str(self._folders.etc / "asterisk.conf"))

    def _pid(self) -> int | None:
        """The pid of our Asterisk; a pid that now belongs to another program does not count."""
        if self._child is not None and self._child.poll() is None:
            return self._child.pid
        try:
            pid = int((self._folders.run / "asterisk.pid").read_text(encoding="ascii"))
            command = Path(f"/proc/{pid}/cmdline").read_bytes()
        except (OSError, ValueError):
            return None
        return pid if str(self._folders.etc / "asterisk.conf").encode() in command.split(b"\0") else None

    def _child_ended(self) -> bool:
        return self._child is not None and self._child.poll() is not None

    def _booted(self) -> bool:
        if not (self._folders.run / "asterisk.ctl").exists():
            return False
        try:
            return "fully booted" in self.cli("core waitfullybooted")
        except SoftswitchConfigError:
            return False

    def _refuse_what_cannot_work(self) -> None:
        control = self._folders.run / "asterisk.ctl"
        if len(os.fsencode(control)) > _LONGEST_SOCKET_PATH:
            raise SoftswitchConfigError(f"{control} is too long for a socket: choose a shorter SWITCHROOM_HOME.")
        sip, ami = self._settings.sip, self._settings.asterisk
        for kind, host, port, what, setting in (
            (socket.SOCK_DGRAM, sip.host, sip.port, "SIP", "SWITCHROOM_SIP__PORT"),
            (socket.SOCK_STREAM, ami.ami_host, ami.ami_port, "the manager interface", "SWITCHROOM_ASTERISK__AMI_PORT"),
        ):
            with socket.socket(socket.AF_INET, kind) as probe:
                if kind is socket.SOCK_STREAM:  # as Asterisk does: old connections in TIME_WAIT are no obstacle
                    probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                try:
                    probe.bind((host, port))
                except OSError as error:
                    raise SoftswitchConfigError(port_taken(host, port, what, setting, error)) from None

    def _last_error(self) -> str:
        for name in ("messages.log", "console.log"):
            path = self._folders.log / name
            lines = path.read_text(encoding="utf-8", errors="replace").splitlines() if path.exists() else []
            if errors := [line for line in lines if "ERROR" in line]:
                return errors[-1].strip().rstrip(".")
        return f"see {self._folders.log}"


def _wait_until(holds: Callable[[], bool], timeout_s: float) -> bool:
    deadline = time.monotonic() + timeout_s
    while not holds():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True
