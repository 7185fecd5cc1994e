"""Supervisors' YAML: what is accepted, what is refused, and where the complaint points."""

from pathlib import Path
from typing import Annotated, Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ConfigDict, Discriminator, Tag

from switchroom.runtime.yamlfile import MAX_BYTES, Finding, YamlError, load, parse


class Say(BaseModel):
    model_config = ConfigDict(extra="forbid")
    say: str
    goto: str = ""


class Wait(BaseModel):
    model_config = ConfigDict(extra="forbid")
    wait: int
    music: str = ""


def verb(value: Any) -> str:
    return "wait" if "wait" in value else "say"


Node = Annotated[Annotated[Say, Tag("say")] | Annotated[Wait, Tag("wait")], Discriminator(verb)]


class Menu(BaseModel):
    model_config = ConfigDict(extra="forbid")
    name: str
    kind: Literal["a", "b"] = "a"
    nodes: dict[str, Node] = {}
    numbers: list[str] = []


class Anything(BaseModel):
    v: Any


def findings(text: str) -> list[str]:
    with pytest.raises(YamlError) as caught:
        parse(text, "m.yaml", Menu)
    return [str(finding) for finding in caught.value.findings]


def value(text: str) -> Any:
    return parse(f"v: {text}", "v.yaml", Anything).model.v


@pytest.mark.parametrize("text", ["on", "no", "yes", "12:30", "012", "2027-02-06", "1_000", "0x10", "4.", "True"])
def test_what_a_supervisor_writes_stays_text(text: str) -> None:
    assert value(text) == text


@pytest.mark.parametrize(
    ("text", "expected"),
    [("7", 7), ("-3", -3), ("0", 0), ("1.5", 1.5), ("true", True), ("null", None), ("'7'", "7"), ("", None)],
)
def test_plain_numbers_truth_and_null_are_what_they_look_like(text: str, expected: object) -> None:
    assert value(text) == expected
    assert type(value(text)) is type(expected)


def test_given_a_good_file_then_model_and_positions(tmp_path: Path) -> None:
    path = tmp_path / "menu.yaml"
    path.write_text("\ufeffname: 张\nnodes:\n  hello:\n    say: hi\nnumbers: ['1', '2']\n", encoding="utf-8")

    document = load(path, Menu)

    assert document.model.name == "张"
    assert document.position("nodes", "hello", "say") == (4, 5)
    assert document.position("numbers", 1) == (5, 16)
    assert document.position("nodes", "hello", "goto") == (3, 3), "not written: the nearest parent"
    assert str(document.finding(("name",), "X1", "odd")) == f"{path}:1:1 X1 odd"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("name: a\nname: b", "m.yaml:2:1 YAML008 `name` is written twice"),
        ("name: &a x\n", "m.yaml:1:7 YAML005 anchors (`&name`) are not used here"),
        ("name: !!str x\n", "m.yaml:1:7 YAML005 tags (`!name`) are not used here"),
        ("name: a\nnodes: {1: {say: x}}", 'm.yaml:2:9 YAML007 a key is text: write it in quotes, as "1"'),
        ("name: a\nnodes: {? [x] : {say: x}}", 'm.yaml:2:11 YAML007 a key is text: write it in quotes, as "?"'),
        ("name: [x", "m.yaml:1:9 YAML003 expected ',' or ']', but got '<stream end>'"),
        ("", "m.yaml:1:1 YAML004 is empty"),
        ("kind: a", "m.yaml:1:1 YAML105 `name` is missing"),
        ("nmae: x\nname: y", "m.yaml:1:1 YAML104 unknown key `nmae`; did you mean `name`?"),
        ("name: y\nkind: c", "m.yaml:2:1 YAML107 `kind`: Input should be 'a' or 'b'"),
        ("name: y\nnumbers: [400]", 'm.yaml:2:11 YAML106 `numbers[0]` is text: write it in quotes, as "400"'),
        (
            "name: y\nnodes:\n  n: {wait: 1, musik: x}",
            "m.yaml:3:16 YAML104 unknown key `musik`; did you mean `music`?",
        ),
        ("name: y\nnodes:\n  n: {say: x, musik: x}", "m.yaml:3:15 YAML104 unknown key `musik`"),
        ("- a", "m.yaml:1:1 YAML107 Input should be a valid dictionary or instance of Menu"),
    ],
)
def test_a_complaint_points_at_its_place(text: str, expected: str) -> None:
    assert findings(text) == [expected]


def test_an_unquoted_star_is_explained() -> None:
    (finding,) = findings("name: x\nnodes: {a: *b}")
    assert finding.startswith("m.yaml:2:12 YAML005 aliases")


def test_all_findings_are_told_at_once_in_order() -> None:
    assert [line.split()[0] for line in findings("kind: c\nx: 1")] == ["m.yaml:1:1", "m.yaml:1:1", "m.yaml:2:1"]


def test_an_alias_bomb_is_refused_before_it_is_built() -> None:
    bomb = "a: &a [x, x]\n" + "\n".join(f"{chr(98 + i)}: &{chr(98 + i)} [*{chr(97 + i)}]" for i in range(20))
    assert findings(bomb)[0].startswith("m.yaml:1:4 YAML005")


def test_depth_and_size_are_bounded(tmp_path: Path) -> None:
    assert findings("name: " + "[" * 100 + "]" * 100)[0].startswith("m.yaml:1:46 YAML006")
    big = tmp_path / "big.yaml"
    big.write_bytes(b"name: " + b"x" * MAX_BYTES)
    with pytest.raises(YamlError, match="YAML002"):
        load(big, Menu)


@pytest.mark.parametrize("content", [b"name: \xff", None])
def test_an_unreadable_file_is_a_finding(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "menu.yaml"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(YamlError) as caught:
        load(path, Menu)
    assert caught.value.findings[0].code == "YAML001"


@given(st.text(alphabet=st.sampled_from("ab:-[]{}?*&!#'\"|> \n\t\\0é张,%@`"), max_size=60))
def test_no_text_breaks_the_reader(text: str) -> None:
    try:
        parse(text, "f.yaml", Menu)
    except YamlError as error:
        assert all(isinstance(f, Finding) and f.line >= 1 and f.col >= 1 for f in error.findings)
        assert error.findings
