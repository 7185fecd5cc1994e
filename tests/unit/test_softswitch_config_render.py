"""Asterisk's files: what must be in them, and what must never get in."""

from pathlib import Path

import numpy as np
import pytest

from softswitch_config.credentials import Credentials, load_credentials
from softswitch_config.errors import SoftswitchConfigError
from softswitch_config.installation import Installation
from softswitch_config.render import Folders, render
from switchroom.domain.ids import AgentId, QueueName
from switchroom.runtime.settings import Asterisk, Media, Settings, Sip

INSTALLATION = Installation(("asterisk",), Path("/usr/lib/asterisk/modules"), Path("/usr/share/asterisk"))
AGENTS = (AgentId("1001"), AgentId("1002"))
CREDENTIALS = Credentials("ami-secret", {AGENTS[0]: "first_-password", AGENTS[1]: "second"})


def rendered(home: Path, **changed: object) -> Path:
    settings = Settings(
        home=home,
        sip=Sip(port=15060, carriers=("198.51.100.7", "198.51.100.8"), rtp_ports=(30000, 30099)),
        asterisk=Asterisk(ami_port=15038),
        media=Media(port=18401),
    )
    wanted = {"phones": AGENTS, "numbers": ("4008123123", "+864008123124"), "fallback_queue": QueueName("general")}
    return render(settings, INSTALLATION, CREDENTIALS, **{**wanted, **changed})  # type: ignore[arg-type]


def sections(path: Path) -> list[tuple[str, dict[str, list[str]]]]:
    """Asterisk's format: sections may repeat, keys too; ``=>`` is ``=``."""
    found: list[tuple[str, dict[str, list[str]]]] = []
    for line in path.read_text(encoding="utf-8").splitlines():
        line = line.split(";")[0].strip()
        if line.startswith("["):
            found.append((line[1 : line.index("]")], {}))
        elif "=" in line:
            key, value = line.split("=", 1)
            found[-1][1].setdefault(key.strip(), []).append(value.strip("> ").strip())
    return found


def test_every_file_is_written_and_only_we_can_look_into_the_folder(tmp_path: Path) -> None:
    etc = rendered(tmp_path)
    assert etc == tmp_path / "asterisk" / "etc"
    assert {"asterisk.conf", "extensions.conf", "manager.conf", "modules.conf", "pjsip.conf"} <= {
        path.name for path in etc.iterdir()
    }
    assert etc.stat().st_mode & 0o077 == 0


def test_all_run_time_state_is_below_the_home(tmp_path: Path) -> None:
    ((_, directories), _) = sections(rendered(tmp_path) / "asterisk.conf")
    outside = {name: paths for name, paths in directories.items() if not paths[0].startswith(str(tmp_path))}
    assert outside == {"astmoddir": ["/usr/lib/asterisk/modules"], "astdatadir": ["/usr/share/asterisk"]}


def test_the_carrier_is_known_by_address_and_agents_by_password(tmp_path: Path) -> None:
    found = sections(rendered(tmp_path) / "pjsip.conf")
    by_type = {(name, values["type"][0]): values for name, values in found if "type" in values}
    assert by_type["carrier", "identify"]["match"] == ["198.51.100.7", "198.51.100.8"]
    passwords = {name: values["password"] for name, values in found if "password" in values}
    assert passwords == {"1001": ["first_-password"], "1002": ["second"]}
    endpoints = {name: values for name, values in found if "auth" in values}
    assert {name: values["auth"] for name, values in endpoints.items()} == {"1001": ["1001"], "1002": ["1002"]}
    assert not any("anonymous" in name for name, _ in found)


def test_the_manager_user_may_do_no_more_than_is_needed(tmp_path: Path) -> None:
    found = dict(sections(rendered(tmp_path) / "manager.conf"))
    assert found["general"]["bindaddr"] == ["127.0.0.1"]
    assert found["general"]["channelvars"] == ["CONTACT_ID,LEG,AGENT,OFFER,CONSULTED,CONSULT"]
    user = found["switchroom"]
    assert user["read"] == ["system,call,user"]
    assert user["write"] == ["call,reporting"]
    assert user["writetimeout"] == ["5000"]
    assert dict(sections(rendered(tmp_path) / "http.conf"))["general"]["enabled"] == ["no"]


def test_modules_are_named_and_none_opens_a_shell(tmp_path: Path) -> None:
    ((_, modules),) = sections(rendered(tmp_path) / "modules.conf")
    assert modules["autoload"] == ["no"]
    assert {"chan_websocket.so", "chan_pjsip.so"} <= set(modules["load"])
    talks = {"app_bridgeaddchan.so", "app_bridgewait.so", "app_channelredirect.so", "bridge_softmix.so"}
    assert talks <= set(modules["load"])
    assert not {"app_system.so", "func_shell.so", "app_originate.so", "res_agi.so", "func_curl.so"} & set(
        modules["load"]
    )


def test_only_our_numbers_can_be_dialled(tmp_path: Path) -> None:
    found = dict(sections(rendered(tmp_path) / "extensions.conf"))
    assert [exten.split(",")[0] for exten in found["from-trunk"]["exten"]] == ["4008123123", "+864008123124"]
    assert [exten.split(",", 2)[2] for exten in found["agents"]["exten"]] == ["Hangup(21)"]
    assert "Set(QUEUE=general)" in (tmp_path / "asterisk/etc/extensions.conf").read_text()


@pytest.mark.parametrize(
    "changed",
    [
        {"phones": (AgentId("1001]\n[evil"),)},
        {"phones": (AgentId("carrier"),)},
        {"phones": (AgentId("1"),)},
        {"numbers": ("400;8",)},
        {"numbers": ("_X.",)},
        {"numbers": ("",)},
        {"numbers": ("4008123123,1,System(reboot)",)},
        {"fallback_queue": QueueName("general)\n same => n,System(reboot")},
        {"fallback_queue": QueueName("a,b")},
        {"fallback_queue": QueueName("a;b")},
        {"fallback_queue": QueueName("${SHELL(reboot)}")},
    ],
)
def test_a_value_that_asterisk_could_misread_is_refused(tmp_path: Path, changed: dict[str, object]) -> None:
    with pytest.raises(SoftswitchConfigError, match="cannot be written"):
        rendered(tmp_path, **changed)


def test_a_queue_may_be_named_in_chinese(tmp_path: Path) -> None:
    etc = rendered(tmp_path, fallback_queue=QueueName("售后 服务"))
    assert "Set(QUEUE=售后 服务)" in (etc / "extensions.conf").read_text(encoding="utf-8")


def test_the_waiting_music_is_there_soft_and_without_a_click(tmp_path: Path) -> None:
    rendered(tmp_path)
    music = Folders(tmp_path / "asterisk").music / "waiting.wav"
    samples = np.frombuffer(music.read_bytes()[44:], "<i2") / 32768
    assert len(samples) == 16 * 8000
    assert 0.02 < np.sqrt(np.mean(samples**2)) < 0.1
    assert np.abs(np.diff(samples, append=samples[0])).max() < 0.2


def test_rendering_again_changes_nothing(tmp_path: Path) -> None:
    before = {path.name: path.read_bytes() for path in rendered(tmp_path).iterdir()}
    assert {path.name: path.read_bytes() for path in rendered(tmp_path).iterdir()} == before


def test_credentials_are_made_once_and_only_for_us(tmp_path: Path) -> None:
    first = load_credentials(tmp_path / "secrets", AGENTS[:1])
    again = load_credentials(tmp_path / "secrets", AGENTS)
    assert again.ami_secret == first.ami_secret
    assert again.sip_passwords[AGENTS[0]] == first.sip_passwords[AGENTS[0]]
    assert len({*again.sip_passwords.values(), again.ami_secret}) == 3
    assert load_credentials(tmp_path / "secrets", AGENTS) == again
    assert all(path.stat().st_mode & 0o077 == 0 for path in (tmp_path / "secrets").iterdir())
    assert again.ami_secret not in repr(again)


def test_credentials_that_cannot_be_read_are_a_clear_error(tmp_path: Path) -> None:
    (tmp_path / "sip_passwords.json").write_text("{")
    with pytest.raises(SoftswitchConfigError, match=r"sip_passwords\.json"):
        load_credentials(tmp_path, AGENTS)


def test_given_extra_modules_then_they_are_loaded_beside_ours_and_app_queue_is_not_otherwise(tmp_path: Path) -> None:
    assert "app_queue" not in (rendered(tmp_path) / "modules.conf").read_text(encoding="utf-8")
    settings = Settings(home=tmp_path, asterisk=Asterisk(extra_modules=("app_queue", "app_read")))
    etc = render(settings, INSTALLATION, CREDENTIALS, phones=(), numbers=(), fallback_queue=QueueName("general"))
    loaded = dict(sections(etc / "modules.conf"))["modules"]["load"]
    assert loaded[-2:] == ["app_queue.so", "app_read.so"]
    assert "chan_pjsip.so" in loaded
