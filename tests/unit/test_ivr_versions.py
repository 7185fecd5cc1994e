"""Published versions: kept with their content, found again after a restart, and what is used when a file is broken."""

import stat
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from ivr.flows import Flows
from ivr.language.surroundings import Surroundings
from ivr.speech.synthesis import Prompts
from ivr.versions import FileVersions, FlowVersions, MemoryVersions, Version
from tests.fakes.ivr_speech import FakeSynthesiser

MENU = """
ivr: 1
name: shop
numbers: ["100"]
languages: [en-US]
start: bye
defaults: {noinput: [x], nomatch: [y], give_up: {goto: bye}}
nodes: {bye: {hangup: Goodbye.}}
"""
TO_A_QUEUE = MENU.replace("{hangup: Goodbye.}", "{queue: general}")
AROUND = Surroundings(queues={"general": {}}, agents=[{}], sources={})
ONE = Version("shop", "0123abcd")


@pytest.fixture(params=["memory", "files"])
def versions(request: pytest.FixtureRequest, tmp_path: Path) -> FlowVersions:
    return MemoryVersions() if request.param == "memory" else FileVersions(tmp_path / "flows")


def test_a_version_is_kept_and_found(versions: FlowVersions) -> None:
    assert versions.source(ONE) is None
    versions.keep(ONE, "内容")
    assert versions.source(ONE) == "内容"
    assert versions.source(Version("shop", "ffff")) is versions.source(Version("other", ONE.version)) is None


def test_given_a_version_that_is_kept_then_its_content_never_changes(versions: FlowVersions) -> None:
    versions.keep(ONE, "first")
    versions.keep(ONE, "second")
    assert versions.source(ONE) == "first"


def test_the_last_good_version_of_a_file_is_remembered(versions: FlowVersions) -> None:
    assert versions.last_good("a.yaml") is None
    versions.mark_good("a.yaml", ONE)
    versions.mark_good("a.yaml", Version("shop", "4567"))
    assert versions.last_good("a.yaml") == Version("shop", "4567")
    assert versions.last_good("b.yaml") is None


def test_files_are_for_their_owner_alone_and_outlive_the_process(tmp_path: Path) -> None:
    folder = tmp_path / "flows"
    FileVersions(folder).keep(ONE, "content")
    FileVersions(folder).mark_good("a.yaml", ONE)
    again = FileVersions(folder)
    assert (again.source(ONE), again.last_good("a.yaml")) == ("content", ONE)
    kept = folder / "versions/shop/0123abcd.yaml"
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert [path.name for path in kept.parent.iterdir()] == [kept.name], "nothing half is left"


@pytest.mark.parametrize("version", [Version("..", "00"), Version("shop", "../../secrets"), Version("", "")])
def test_what_is_no_version_leads_to_no_file(tmp_path: Path, version: Version) -> None:
    files = FileVersions(tmp_path)
    assert files.source(version) is None
    with pytest.raises(ValueError, match="no name of a version"):
        files.keep(version, "x")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("content", [b"", b"shop", b"\xff\xfe", b"a b c"])
def test_given_a_damaged_note_of_the_last_good_version_then_there_is_none(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "good").mkdir()
    (tmp_path / "good/a.yaml").write_bytes(content)
    assert FileVersions(tmp_path).last_good("a.yaml") is None


# In use


def started(tmp_path: Path, around: Surroundings | None = None) -> tuple[Flows, Path, FakeSynthesiser]:
    """As after a start of the server: nothing in memory, the home as it was left."""
    folder = tmp_path / "menus"
    folder.mkdir(exist_ok=True)
    synthesiser = FakeSynthesiser()
    prompts = Prompts([synthesiser], tmp_path / "recordings", tmp_path / "cache")
    versions = FileVersions(tmp_path / "home/flows")
    return Flows(folder, tmp_path / "recordings", prompts, around, versions), folder / "shop.yaml", synthesiser


async def test_given_a_file_that_broke_before_a_restart_then_the_last_good_version_answers(tmp_path: Path) -> None:
    flows, file, _ = started(tmp_path)
    file.write_text(MENU)
    await flows.load()
    good = flows.find("100")

    file.write_text("ivr: 1")
    flows, _, _ = started(tmp_path)
    with capture_logs() as logs:
        await flows.load()
    used = flows.find("100")
    assert good is not None and used is not None
    assert (used.version, used.menus) == (good.version, good.menus)
    assert "YAML105" in (flows.flows()[0].error or "")
    assert "flow.last_good_used" in [entry["event"] for entry in logs]

    file.write_text(MENU.replace("Goodbye", "Bye"))
    await flows.load()
    mended = flows.find("100")
    assert mended is not None and mended.version != good.version and flows.flows()[0].error is None


async def test_given_a_last_good_version_then_its_prompts_are_made_before_anybody_calls(tmp_path: Path) -> None:
    flows, file, _ = started(tmp_path)
    file.write_text(MENU)
    await flows.load()
    file.write_text("ivr: 1")
    for made in (tmp_path / "cache").iterdir():
        made.unlink()
    flows, _, synthesiser = started(tmp_path)
    await flows.load()
    assert sorted(synthesiser.asked) == ["Goodbye.", "x", "y"]


async def test_given_a_file_that_came_to_strand_callers_before_a_restart_then_the_last_good_one_answers(
    tmp_path: Path,
) -> None:
    flows, file, _ = started(tmp_path, AROUND)
    file.write_text(TO_A_QUEUE)
    await flows.load()
    good = flows.find("100")
    file.write_text(TO_A_QUEUE.replace("general", "genral"))
    flows, _, _ = started(tmp_path, AROUND)
    await flows.load()
    used = flows.find("100")
    assert good is not None and used is not None and used.version == good.version
    assert "IVR116" in (flows.flows()[0].error or "")


async def test_given_a_last_good_one_that_strands_callers_by_now_then_the_file_as_it_is_answers(tmp_path: Path) -> None:
    flows, file, _ = started(tmp_path, AROUND)
    file.write_text(TO_A_QUEUE)
    await flows.load()
    file.write_text(TO_A_QUEUE.replace("general", "genral, say: One moment."))
    flows, _, _ = started(tmp_path, Surroundings(queues={}, agents=[], sources={}))
    await flows.load()
    used = flows.find("100")
    assert used is not None and "genral" in used.source


async def test_given_a_last_good_version_that_is_damaged_then_there_is_none(tmp_path: Path) -> None:
    flows, file, _ = started(tmp_path)
    file.write_text(MENU)
    await flows.load()
    (kept,) = (tmp_path / "home/flows/versions/shop").iterdir()
    kept.write_text("ivr: 2")
    file.write_text("ivr: 1")
    flows, _, _ = started(tmp_path)
    await flows.load()
    assert flows.find("100") is None


async def test_given_yesterdays_version_then_its_exact_content_is_found(tmp_path: Path) -> None:
    flows, file, _ = started(tmp_path)
    file.write_text(MENU)
    await flows.load()
    first = flows.find("100")
    file.write_text(MENU.replace("Goodbye", "Bye"))
    flows, _, _ = started(tmp_path)
    await flows.load()
    second = flows.find("100")
    assert first is not None and second is not None
    found = await flows.version("shop", first.version)
    assert found is not None and (found.version, found.source) == (first.version, MENU)
    assert await flows.version("shop", second.version) is second
    assert await flows.version("shop", "abcdef") is None


async def test_given_a_home_that_cannot_be_written_then_the_flow_is_used_and_the_log_says_so(tmp_path: Path) -> None:
    (tmp_path / "home").write_text("a file where the folder should be")
    flows, file, _ = started(tmp_path)
    file.write_text(MENU)
    with capture_logs() as logs:
        await flows.load()
    assert flows.find("100") is not None
    assert [entry["event"] for entry in logs if entry["log_level"] == "error"] == ["flow.not_kept"]
