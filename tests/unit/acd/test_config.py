"""What supervisors write wrongly about agents and queues is named with its place."""

from pathlib import Path

import pytest

from acd.config import load_config
from switchroom.domain.ids import TeamName
from switchroom.runtime.settings import PROJECT
from switchroom.runtime.yamlfile import YamlError

AGENTS = 'agents:\n  "1001": {name: Ann, skills: {general: 5}}\n'
QUEUES = "fallback: general\nqueues:\n  general: {title: {en-US: General}, ring_timeout: 15s}\n"


def write(folder: Path, agents: str = AGENTS, queues: str = QUEUES) -> Path:
    (folder / "agents.yaml").write_text(agents, encoding="utf-8")
    (folder / "queues.yaml").write_text(queues, encoding="utf-8")
    return folder


def test_the_files_of_the_project_load() -> None:
    config = load_config(PROJECT / "dialplans")
    assert config.fallback in config.queues
    assert {"1001", "1002", "1003"} <= set(config.agents)


def test_lengths_of_time_are_read_with_their_unit(tmp_path: Path) -> None:
    queue = next(iter(load_config(write(tmp_path)).queues.values()))
    assert queue.ring_timeout.total_seconds() == 15


def test_given_teams_then_each_agent_has_theirs_and_each_team_its_title(tmp_path: Path) -> None:
    teams = 'teams: {sales: {title: {zh-CN: "\u9500\u552e"}}}\n'
    found = load_config(write(tmp_path, teams + AGENTS.replace("skills", "team: sales, skills")))
    assert [agent.team for agent in found.parameters().agents.values()] == ["sales"]
    assert found.teams[TeamName("sales")].title == {"zh-CN": "\u9500\u552e"}


def test_given_a_desk_of_its_own_then_it_is_a_phone_of_the_house(tmp_path: Path) -> None:
    config = load_config(write(tmp_path, AGENTS.replace("skills", 'desk: "8001", skills')))
    assert config.phones == ("1001", "8001")


@pytest.mark.parametrize(
    ("agents", "queues", "place", "words"),
    [
        (AGENTS, QUEUES.replace("15s", "15"), "queues.yaml:3:38", "length of time"),
        (AGENTS, QUEUES.replace("fallback: general", "fallback: sales"), "queues.yaml:1:1", "`sales`"),
        (AGENTS.replace("general: 5", "general: 11"), QUEUES, "agents.yaml:2:", "10"),
        (AGENTS.replace("skills", "skils"), QUEUES, "agents.yaml:2:", "skills"),
        (AGENTS.replace("1001", "boss"), QUEUES, "agents.yaml:2:", "boss"),
        (AGENTS.replace("skills", "team: sales, skills"), QUEUES, "agents.yaml:2:", "`sales`"),
        (AGENTS + AGENTS.splitlines()[1] + "\n", QUEUES, "agents.yaml:3:", "1001"),
    ],
)
def test_bad_input_is_named_with_its_place(tmp_path: Path, agents: str, queues: str, place: str, words: str) -> None:
    with pytest.raises(YamlError) as caught:
        load_config(write(tmp_path, agents, queues))
    assert place in str(caught.value)
    assert words in str(caught.value)
