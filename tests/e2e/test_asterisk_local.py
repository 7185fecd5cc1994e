"""The local Asterisk as a program: starting, stopping, sharing a machine, and keeping strangers out."""

import os
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from demo.softphone import Softphone, SoftphoneError
from softswitch_config.errors import SoftswitchConfigError
from softswitch_config.installation import Installation, version
from softswitch_config.local import LocalAsterisk
from softswitch_config.render import Folders, render
from switchroom.domain.ids import AgentId
from switchroom.runtime.settings import Asterisk, Settings, Sip
from telephony.softswitch.ami_version import ask_version
from telephony.softswitch.port import SwitchError
from tests.e2e.conftest import AGENTS, FALLBACK_QUEUE, NUMBERS, RunningAsterisk, Softphones, start_asterisk
from tests.e2e.phones import CARRIER, Phones, free_port


@pytest.fixture
def second(installation: Installation) -> Iterator[RunningAsterisk]:
    """An Asterisk beside the session's."""
    with tempfile.TemporaryDirectory(prefix="switchroom-") as home:
        running = start_asterisk(installation, Path(home))
        try:
            yield running
        finally:
            running.local.stop()


def log_of(running: RunningAsterisk) -> str:
    return (Folders.of(running.settings).log / "messages.log").read_text(encoding="utf-8")


def test_given_one_asterisk_when_another_starts_then_both_run_and_neither_complains(
    asterisk: RunningAsterisk, second: RunningAsterisk
) -> None:
    for running in (asterisk, second):
        assert "WebSocket" in running.local.cli("core show channeltypes")
    assert not [line for line in log_of(second).splitlines() if "ERROR" in line or "WARNING" in line]


def test_given_a_running_asterisk_when_started_again_then_it_is_left_alone(
    second: RunningAsterisk, installation: Installation
) -> None:
    pid = (Folders.of(second.settings).run / "asterisk.pid").read_text()
    LocalAsterisk(second.settings, installation).start()
    assert (Folders.of(second.settings).run / "asterisk.pid").read_text() == pid


def test_given_a_starter_that_is_gone_when_asked_then_its_asterisk_runs_on_and_can_be_stopped(
    second: RunningAsterisk, installation: Installation, tmp_path: Path
) -> None:
    second.local.stop()
    assert not second.local.running()
    home, sip, ami = second.settings.home, second.settings.sip, second.settings.asterisk
    program = (
        "from pathlib import Path; from switchroom.runtime.settings import *;"
        "from softswitch_config.installation import find;"
        "from softswitch_config.local import LocalAsterisk;"
        f"s = Settings(home=Path({str(home)!r}), sip=Sip(port={sip.port}), asterisk=Asterisk(ami_port={ami.ami_port}));"
        "LocalAsterisk(s, find(s.asterisk.tree)).start()"
    )
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60, capture_output=True)
    later = LocalAsterisk(second.settings, installation)
    assert later.running()
    assert "Switchroom" in later.cli("pjsip show settings")
    later.stop()
    assert not later.running()
    assert not (Folders.of(second.settings).run / "asterisk.ctl").exists()
    with pytest.raises(SoftswitchConfigError, match="not running"):
        later.cli("core show version")


@pytest.mark.parametrize("taken", ["SIP", "manager interface"])
def test_given_a_taken_port_when_started_then_one_sentence_names_it(
    asterisk: RunningAsterisk, installation: Installation, tmp_path: Path, taken: str
) -> None:
    there = asterisk.settings
    settings = Settings(
        home=tmp_path,
        sip=Sip(port=there.sip.port if taken == "SIP" else free_port()),
        asterisk=Asterisk(ami_port=free_port(kind=socket.SOCK_STREAM) if taken == "SIP" else there.asterisk.ami_port),
    )
    local = LocalAsterisk(settings, installation)
    port = there.sip.port if taken == "SIP" else there.asterisk.ami_port
    with pytest.raises(
        SoftswitchConfigError, match=f"127.0.0.1:{port} cannot be used for .*{taken}.*SWITCHROOM_\\w+_PORT"
    ):
        local.start()
    assert not local.running()


def test_given_a_home_with_a_very_long_name_when_started_then_one_sentence_says_so(
    installation: Installation, tmp_path: Path
) -> None:
    local = LocalAsterisk(Settings(home=tmp_path / ("x" * 100)), installation)
    with pytest.raises(SoftswitchConfigError, match="too long for a socket"):
        local.start()


def test_given_a_broken_configuration_when_started_then_the_reason_is_told(
    installation: Installation, tmp_path: Path
) -> None:
    settings = Settings(
        home=tmp_path, sip=Sip(port=free_port()), asterisk=Asterisk(ami_port=free_port(kind=socket.SOCK_STREAM))
    )
    folders = Folders.of(settings)
    folders.etc.mkdir(parents=True)
    folders.log.mkdir()
    (folders.etc / "asterisk.conf").write_text(f"[directories]\nastrundir => {folders.run}\nastetcdir => /nowhere\n")
    local = LocalAsterisk(settings, installation)
    with pytest.raises(SoftswitchConfigError, match="Asterisk did not start"):
        local.start()
    assert not local.running()


def test_given_a_new_number_when_reloaded_then_it_is_answered_and_live_calls_go_on(
    second: RunningAsterisk, installation: Installation
) -> None:
    sip = second.settings.sip
    with Softphone((sip.host, sip.port), "13800138000", bind=CARRIER) as customer:
        talking = customer.call(NUMBERS[0])
        talking.wait_answered(5)
        with pytest.raises(SoftphoneError):
            customer.call("95588").wait_answered(5)
        render(
            second.settings,
            installation,
            second.credentials,
            phones=AGENTS,
            numbers=(*NUMBERS, "95588"),
            fallback_queue=FALLBACK_QUEUE,
        )
        second.local.reload()
        customer.call("95588").wait_answered(5)
        assert talking.ended_at is None


@pytest.mark.parametrize("number", ["95588", "4008123123", "1002", "carrier", "500&PJSIP/carrier/95588"])
def test_given_an_agents_phone_when_it_dials_anything_then_it_is_forbidden(phones: Phones, number: str) -> None:
    phone = phones.dial_out(AgentId("1006"), number)
    assert phone.finished(), phone.errors.read_text()


@pytest.mark.parametrize("number", ["1001", "s", "h", "connect", "500%26PJSIP/carrier/95588"])
def test_given_the_carrier_when_it_dials_what_is_no_number_of_ours_then_it_is_not_found(
    softphones: Softphones, number: str
) -> None:
    call = softphones.customer().call(number)
    with pytest.raises(SoftphoneError):
        call.wait_answered(5)
    assert call.status == 404


def test_given_a_stranger_when_it_calls_then_a_password_is_asked_for(asterisk: RunningAsterisk) -> None:
    sip = asterisk.settings.sip
    with Softphone((sip.host, sip.port), "13800138000", bind="127.0.0.3") as stranger:
        call = stranger.call(NUMBERS[0])
        with pytest.raises(SoftphoneError):
            call.wait_answered(5)
        assert call.status == 401


def test_given_a_recycled_pid_when_asked_then_the_other_program_is_not_taken_for_asterisk(
    installation: Installation, tmp_path: Path
) -> None:
    settings = Settings(home=tmp_path)
    folders = Folders.of(settings)
    folders.run.mkdir(parents=True)
    (folders.run / "asterisk.pid").write_text(str(os.getpid()))
    assert not LocalAsterisk(settings, installation).running()


async def test_given_asterisk_elsewhere_when_asked_over_the_manager_interface_then_it_tells_its_version(
    asterisk: RunningAsterisk, installation: Installation
) -> None:
    ami, secret = asterisk.settings.asterisk, asterisk.credentials.ami_secret
    assert await ask_version(ami.ami_host, ami.ami_port, ami.ami_user, secret) == version(installation.command)
    with pytest.raises(SwitchError, match="refused"):
        await ask_version(ami.ami_host, ami.ami_port, ami.ami_user, "wrong")
