"""Menus in use: loaded, edited while calls go on, broken and mended."""

import shutil
from pathlib import Path

from structlog.testing import capture_logs

from ivr.flows import Flows
from ivr.language.surroundings import Surroundings
from ivr.machine.effects import Prompt
from ivr.speech.synthesis import Prompts
from tests.fakes.ivr_speech import FakeSynthesiser
from tests.support.waiting import eventually

MENU = """
ivr: 1
name: NAME
numbers: ["NUMBER"]
languages: [en-US]
start: bye
defaults: {noinput: [x], nomatch: [y], give_up: {goto: bye}}
nodes: {bye: {hangup: TEXT}}
"""


def menu(name: str, number: str, text: str = "Goodbye.") -> str:
    return MENU.replace("NAME", name).replace("NUMBER", number).replace("TEXT", text)


def make(tmp_path: Path) -> tuple[Flows, Path, FakeSynthesiser]:
    folder = tmp_path / "menus"
    folder.mkdir()
    synthesiser = FakeSynthesiser()
    prompts = Prompts([synthesiser], tmp_path / "recordings", tmp_path / "cache")
    return Flows(folder, tmp_path / "recordings", prompts), folder, synthesiser


TO_A_QUEUE = menu("a", "100").replace("nodes: {bye: {hangup: Goodbye.}}", "nodes: {bye: {queue: general}}")
AROUND = Surroundings(queues={"general": {"general": 1}}, agents=[{"general": 5}], sources={})


def make_in(around: Surroundings, tmp_path: Path) -> tuple[Flows, Path]:
    _, folder, synthesiser = make(tmp_path)
    prompts = Prompts([synthesiser], tmp_path / "recordings", tmp_path / "cache")
    return Flows(folder, tmp_path / "recordings", prompts, around), folder


async def test_given_an_edit_in_which_callers_would_strand_then_the_last_good_one_stays_in_use(tmp_path: Path) -> None:
    flows, folder = make_in(AROUND, tmp_path)
    (folder / "a.yaml").write_text(TO_A_QUEUE)
    await flows.load()
    used = flows.find("100")
    for wrong in ("genral", "genrl"):
        (folder / "a.yaml").write_text(TO_A_QUEUE.replace("general", wrong))
        await flows.load()
        assert used is not None and flows.find("100") is used
        assert "IVR116" in (flows.flows()[0].error or "")


async def test_given_no_good_one_before_when_a_menu_strands_somebody_then_it_is_used_and_the_error_shown(
    tmp_path: Path,
) -> None:
    flows, folder = make_in(AROUND, tmp_path)
    (folder / "a.yaml").write_text(TO_A_QUEUE.replace("general", "nowhere"))
    with capture_logs() as logs:
        await flows.load()
    stranding = flows.find("100")
    assert stranding is not None and "IVR116" in (flows.flows()[0].error or "")
    assert [entry["log_level"] for entry in logs if entry["event"] == "flow.strands"] == ["error"]
    await flows.load()
    assert flows.find("100") is stranding, "the same content is the same version"

    (folder / "a.yaml").write_text(TO_A_QUEUE.replace("queue: general", "queue: nowhere, skills: {general: 9}"))
    await flows.load()
    edited = flows.find("100")
    assert edited is not None and edited is not stranding, "an edit of it is no worse"

    (folder / "a.yaml").write_text(TO_A_QUEUE)
    await flows.load()
    mended = flows.find("100")
    assert mended is not None and mended is not edited and flows.flows()[0].error is None
    (folder / "a.yaml").write_text(TO_A_QUEUE.replace("general", "nowhere"))
    await flows.load()
    assert flows.find("100") is mended, "now there is a good one"


async def test_given_no_good_one_before_when_a_menu_is_wrong_in_itself_as_well_then_it_is_not_used(
    tmp_path: Path,
) -> None:
    flows, folder = make_in(AROUND, tmp_path)
    (folder / "a.yaml").write_text(TO_A_QUEUE.replace("general", "nowhere").replace("start: bye", "start: by"))
    await flows.load()
    assert flows.find("100") is None


async def test_a_number_leads_to_its_flow_and_prompts_are_made_beforehand(tmp_path: Path) -> None:
    flows, folder, synthesiser = make(tmp_path)
    (folder / "a.yaml").write_text(menu("a", "100"))
    (folder / "b.yaml").write_text(menu("b", "200", "'Bye, {caller.name}.'"))
    await flows.load()
    found = flows.find("100")
    assert found is not None and found.name == "a"
    assert flows.find("300") is None
    assert sorted(synthesiser.asked) == ["Goodbye.", "x", "y"], "static texts, each once"
    assert [(view.name, view.numbers, view.error) for view in flows.flows()] == [
        ("a", ("100",), None),
        ("b", ("200",), None),
    ]


async def test_given_an_edit_then_the_next_call_gets_it_and_a_broken_one_changes_nothing(tmp_path: Path) -> None:
    flows, folder, _ = make(tmp_path)
    path = folder / "a.yaml"
    path.write_text(menu("a", "100"))
    await flows.start()
    try:
        pinned = flows.find("100")
        assert pinned is not None

        path.write_text(menu("a", "100", "See you."))
        await eventually(lambda: flows.find("100") is not pinned)
        edited = flows.find("100")
        assert edited is not None and edited.version != pinned.version

        path.write_text(menu("a", "100").replace("goto: bye", "goto: by"))
        await eventually(lambda: flows.flows()[0].error is not None)
        assert flows.find("100") is edited
        assert "IVR101" in (flows.flows()[0].error or "")
        assert flows.flows()[0].version == edited.version

        path.write_text(menu("a", "100", "See you."))
        await eventually(lambda: flows.flows()[0].error is None)
        assert flows.find("100") is edited, "the same content is the same version"

        path.unlink()
        await eventually(lambda: flows.find("100") is None)
    finally:
        await flows.stop()


async def test_given_a_file_that_was_never_good_then_its_name_and_error_are_shown(tmp_path: Path) -> None:
    flows, folder, _ = make(tmp_path)
    (folder / "new.yaml").write_text("ivr: 1")
    await flows.load()
    (view,) = flows.flows()
    assert (view.name, view.version, list(view.numbers)) == ("new", "", [])
    assert view.error is not None and "YAML105" in view.error


async def test_given_a_number_twice_then_the_first_file_keeps_it(tmp_path: Path) -> None:
    flows, folder, _ = make(tmp_path)
    (folder / "a.yaml").write_text(menu("a", "100"))
    (folder / "b.yaml").write_text(menu("b", "100"))
    await flows.load()
    found = flows.find("100")
    assert found is not None and found.name == "a"


async def test_given_a_cache_that_cannot_be_written_then_prompts_are_heard_and_made_once(tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("a file where the folder should be")
    flows, folder, synthesiser = make(tmp_path)
    (folder / "a.yaml").write_text(menu("a", "100"))
    await flows.load()
    assert flows.find("100") is not None
    prompts = Prompts([synthesiser], tmp_path / "recordings", tmp_path / "cache")
    synthesiser.asked.clear()
    for _ in range(2):
        assert await prompts.render([Prompt("Goodbye.", "en-US", static=True)])
    assert synthesiser.asked == ["Goodbye."]


async def test_given_one_file_that_fails_in_an_unforeseen_way_then_the_others_are_used(tmp_path: Path) -> None:
    flows, folder, synthesiser = make(tmp_path)
    synthesiser.fails_on = {"Crash."}
    (folder / "a.yaml").write_text(menu("a", "100", "Crash."))
    (folder / "b.yaml").write_text(menu("b", "200"))
    await flows.load()
    assert flows.find("100") is None
    assert flows.find("200") is not None
    assert "IVR001 cannot be loaded: RuntimeError" in (flows.flows()[0].error or "")


async def test_given_the_folder_goes_and_comes_back_then_it_is_still_followed(tmp_path: Path) -> None:
    flows, folder, _ = make(tmp_path)
    (folder / "a.yaml").write_text(menu("a", "100"))
    await flows.start()
    try:
        with capture_logs() as logs:
            shutil.rmtree(folder)
            await eventually(lambda: any(one["event"] == "flow.watch_failed" for one in logs))
        folder.mkdir()
        (folder / "b.yaml").write_text(menu("b", "200"))
        await eventually(lambda: flows.find("200") is not None)
    finally:
        await flows.stop()
