"""A real Asterisk with one number, which leads to a media server: the other side of ``ivr/media`` in tests."""

import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from softswitch_config.installation import Installation, find
from switchroom.runtime.settings import Settings
from tests.fixtures.needed import needed

MODULES = (
    # a WebSocket for the audio, RTP for the caller, and what joins them
    *("chan_websocket", "res_http_websocket", "res_websocket_client", "res_timing_timerfd"),
    *("bridge_simple", "bridge_builtin_features", "bridge_native_rtp", "codec_ulaw", "res_rtp_asterisk"),
    *("res_sorcery_config", "res_sorcery_memory", "res_sorcery_astdb", "res_pjproject"),
    *("res_pjsip", "res_pjsip_session", "res_pjsip_pubsub", "res_pjsip_sdp_rtp", "res_pjsip_caller_id"),
    *("res_pjsip_endpoint_identifier_anonymous", "chan_pjsip"),
    *("pbx_config", "app_dial", "app_verbose", "func_uuid", "func_channel"),
)
# Modules complain about a configuration file that is not there, and take an empty one.
EMPTY = (
    *("chan_websocket", "pjproject", "ccss", "features", "cdr", "cel", "udptl"),
    *("indications", "stasis", "acl", "manager", "sorcery"),
)

DIALPLAN = """
[in]
exten => _X.,1,Set(__CONTACT_ID=${UUID()})
 same => n,Answer()
 same => n,Dial(WebSocket/ivr/c(slin)f(json)v(contact_id=${CONTACT_ID}),3,g)
 same => n,Verbose(0,MENU LEFT ${DIALSTATUS})
 same => n,Hangup(16)
"""


@dataclass(frozen=True)
class Asterisk:
    sip_port: int
    log: Path


def free_port(kind: socket.SocketKind) -> int:
    with socket.socket(socket.AF_INET, kind) as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


@contextmanager
def running_asterisk(home: Path, media_port: int) -> Iterator[Asterisk]:
    """Start it with everything in ``home``; stop it by its pid."""
    installation = find(Settings().asterisk.tree)
    needed(installation is not None, "Asterisk")
    assert installation is not None
    sip_port = free_port(socket.SOCK_DGRAM)
    _configure(home, installation, sip_port, media_port)
    with (home / "console.log").open("wb") as console:
        process = subprocess.Popen(
            [*installation.command, "-C", home / "etc/asterisk.conf", "-f"],
            stdout=console,
            stderr=console,
            stdin=subprocess.DEVNULL,
        )
    log = home / "log/messages.log"
    try:
        deadline = time.monotonic() + 30
        while not (log.exists() and "Asterisk Ready" in log.read_text(errors="replace")):
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError("Asterisk did not start: " + (home / "console.log").read_text(errors="replace"))
            time.sleep(0.05)
        yield Asterisk(sip_port, log)
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _configure(home: Path, installation: Installation, sip_port: int, media_port: int) -> None:
    etc = home / "etc"
    for folder in ("etc", "lib", "spool", "run", "log"):
        (home / folder).mkdir(parents=True)
    for name in EMPTY:
        (etc / f"{name}.conf").touch()
    files = {
        "asterisk.conf": f"""
[directories]
astetcdir => {etc}
astmoddir => {installation.modules}
astvarlibdir => {home}/lib
astdbdir => {home}/lib
astkeydir => {home}/lib
astdatadir => {installation.data}
astagidir => {home}/lib
astspooldir => {home}/spool
astrundir => {home}/run
astlogdir => {home}/log
[options]
verbose = 3
""",
        "modules.conf": "[modules]\nautoload=no\n" + "".join(f"load={name}.so\n" for name in MODULES),
        "logger.conf": "[logfiles]\nmessages.log => notice,warning,error,verbose\n",
        "http.conf": "[general]\nenabled=no\n",
        "rtp.conf": "[general]\nrtpstart=26000\nrtpend=27999\nstrictrtp=no\nicesupport=no\n",
        "pjsip.conf": f"""
[udp]
type=transport
protocol=udp
bind=127.0.0.1:{sip_port}
[anonymous]
type=endpoint
context=in
disallow=all
allow=ulaw
media_address=127.0.0.1
rtp_symmetric=yes
direct_media=no
""",
        "websocket_client.conf": f"""
[ivr]
type=websocket_client
uri=ws://127.0.0.1:{media_port}/media
protocols=media
connection_type=per_call_config
connection_timeout=2000
""",
        "extensions.conf": DIALPLAN,
    }
    for name, text in files.items():
        (etc / name).write_text(text)
