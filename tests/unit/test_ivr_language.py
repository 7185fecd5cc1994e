"""Menu files: what is accepted, what lint finds and where, and how values are spoken."""

import contextlib
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from acd.config import load_config
from ivr.language import spoken, templates
from ivr.language.expressions import Expression, ExpressionError, WrongType
from ivr.language.lint import lint_vocabulary
from ivr.language.loader import MENUS, lint_files, load, parse, recorded
from ivr.language.schema import schema_text
from server.adapters import surroundings
from switchroom.brands import load_brands
from switchroom.runtime import yamlfile
from switchroom.runtime.yamlfile import YamlError

ROOT = Path(__file__).parents[2]
FIXTURES = Path(__file__).parents[1] / "fixtures/menus"
GOOD = sorted((FIXTURES / "good").glob("*.yaml")) + sorted((ROOT / "dialplans/menus").glob("*.yaml"))
SHOP = surroundings(load_config(ROOT / "dialplans"), load_brands(ROOT / "dialplans"), {"orders": "orders"})
BAD = sorted((FIXTURES / "bad").glob("*.yaml"))


@pytest.mark.parametrize("path", GOOD, ids=lambda path: path.stem)
def test_a_good_menu_has_no_errors(path: Path) -> None:
    flow, findings = load(path, frozenset())
    assert [f for f in findings if f.code != "IVR110"] == []
    assert flow.name == path.stem


@pytest.mark.parametrize("path", BAD, ids=lambda path: path.stem)
def test_a_bad_menu_gets_exactly_the_findings_written_in_it(path: Path) -> None:
    """Each bad menu says in comments, ``#! CODE message``, what is wrong in the line below."""
    lines = path.read_text(encoding="utf-8").splitlines()
    expected = [(number + 1, line.split("#! ")[1]) for number, line in enumerate(lines, 1) if "#! " in line]
    findings = [
        (finding.line, f"{finding.code} {finding.message}") for finding in lint_files([path], surroundings=SHOP)
    ]
    assert findings == expected


def test_the_demo_menus_answer_their_numbers_without_a_clash() -> None:
    assert lint_files((ROOT / "dialplans/menus").glob("*.yaml"), surroundings=SHOP) == []


def test_given_a_number_in_two_files_then_the_second_is_found(tmp_path: Path) -> None:
    text = (ROOT / "dialplans/menus/shop-400-en.yaml").read_text(encoding="utf-8")
    (tmp_path / "a.yaml").write_text(text, encoding="utf-8")
    (tmp_path / "b.yaml").write_text(text, encoding="utf-8")
    (finding,) = lint_files(tmp_path.glob("*.yaml"))
    assert (finding.code, finding.line, Path(finding.file).name) == ("IVR113", 5, "b.yaml")


def test_a_phrase_outside_the_vocabulary_is_a_warning_at_its_place() -> None:
    document = yamlfile.load(ROOT / "dialplans/menus/shop-400-en.yaml", MENUS)
    findings = lint_vocabulary(document, lambda _, phrase: [w for w in phrase.split() if w == "complaints"])
    assert [(f.code, f.severity) for f in findings] == [("IVR109", "warning")]
    assert "`complaints`" in findings[0].message


def test_recordings_are_found_by_language_and_name(tmp_path: Path) -> None:
    (tmp_path / "zh-CN").mkdir()
    (tmp_path / "zh-CN/main-menu.wav").touch()
    assert recorded(tmp_path) == {("zh-CN", "main-menu")}
    _, findings = load(FIXTURES / "good/all-verbs.yaml", recorded(tmp_path))
    assert [f.message for f in findings] == [
        "no recording prompts/en-US/main-menu.wav: the text is synthesised",
    ]


def test_the_version_follows_the_content_and_not_the_comments() -> None:
    text = (ROOT / "dialplans/menus/shop-400-en.yaml").read_text(encoding="utf-8")
    first, _ = parse(text, "a")
    commented, _ = parse("# more\n" + text, "b")
    changed, _ = parse(text.replace("Goodbye.", "Bye."), "c")
    assert first.version == commented.version != changed.version


def test_the_schema_in_the_repository_is_the_schema_of_the_models() -> None:
    assert (ROOT / "dialplans/schema/ivr-v1.json").read_text(encoding="utf-8") == schema_text()


@pytest.mark.parametrize(
    ("text", "language", "expected"),
    [
        ("{n|digits}", "zh-CN", "幺零五"),
        ("{n|digits}!", "en-US", "one, zero, five!"),
        ("{{{n}}}", "en-US", "{105}"),
        ("{r.a.b}", "en-US", "deep"),
        ("[{r.x}{missing}{missing.x}{r}]", "en-US", "[]"),
        ("{total|money}", "zh-CN", "1299元"),
        ("{half|money}", "zh-CN", "0元零5分"),
        ("{half|money}", "en-US", "0.05 yuan"),
        ("{phone|phone}", "en-US", "four, zero, zero; eight, one, two; three, one, two, three"),
        ("{when|date}", "zh-CN", "11月25日"),
        ("{n|date}", "zh-CN", "105"),
        ("{lang|base}", "zh-CN", "zh"),
    ],
)
def test_a_template_is_filled_in_and_spoken(text: str, language: str, expected: str) -> None:
    values = {
        "n": "105",
        "r": {"a": {"b": "deep"}},
        "total": 1299.0,
        "half": "0.05",
        "phone": "4008123123",
        "when": "2026-11-25T08:00:00Z",
        "lang": language,
    }
    assert templates.parse(text).render(values, language) == expected


@pytest.mark.parametrize("text", ["{", "}", "a {b", "{B}", "{a b}", "{a|shout}", "{}", "{a|}", "{a.}"])
def test_a_broken_template_is_refused(text: str) -> None:
    with pytest.raises(templates.TemplateError):
        templates.parse(text)


@given(st.text(alphabet=st.sampled_from("{}ab|. 1"), max_size=20))
def test_no_template_breaks_the_reader(text: str) -> None:
    with contextlib.suppress(templates.TemplateError):
        templates.parse(text).render({"a": "1"}, "en-US")


@given(st.sampled_from(sorted(spoken.FILTERS)), st.text(max_size=20), st.sampled_from(["zh-CN", "en-US", "ko"]))
def test_no_value_breaks_a_filter(name: str, value: str, language: str) -> None:
    assert isinstance(spoken.FILTERS[name](value, language), str)


def test_spoken_digits_are_heard_again() -> None:
    assert spoken.heard_digits("oh nine zero", "en-US") == "090"
    assert spoken.heard_digits("幺二〇", "zh-CN") == "120"
    assert spoken.heard_digits("", "en-US") is None


def test_a_condition_that_cannot_be_decided_does_not_hold() -> None:
    condition = Expression("order.total > 1000.0 && caller.tier == 'gold'")
    assert condition.names == {"order", "caller"}
    assert condition.holds({"order": {"total": 2000}, "caller": {"tier": "gold"}})
    for missing in ({}, {"order": {}}, {"order": None}):
        assert not condition.holds(missing)
    with pytest.raises(WrongType):
        condition.holds({"order": {"total": "2000"}, "caller": {"tier": "gold"}})


@pytest.mark.parametrize("source", ["", "a b", "a ==", "'x"])
def test_a_broken_condition_is_refused_with_its_column(source: str) -> None:
    with pytest.raises(ExpressionError) as caught:
        Expression(source)
    assert caught.value.column >= 1


def test_the_first_menu_of_the_guide_is_a_good_one() -> None:
    guide = (ROOT / "docs/ivr.md").read_text(encoding="utf-8")
    first, *_ = re.findall(r"```yaml\n(.*?)```", guide, re.S)
    assert parse(first, "docs/ivr.md")[1] == []


def test_given_findings_that_are_errors_then_the_flow_is_not_loaded() -> None:
    with pytest.raises(YamlError) as caught:
        load(FIXTURES / "bad/goto.yaml")
    assert {finding.severity for finding in caught.value.findings} == {"error", "warning"}
