"""What must not come back: modules that are too long; tests that wait by the wall clock, or count turns of the loop."""

import ast
from collections.abc import Iterator

import pytest

from switchroom.runtime.settings import PROJECT

TESTS = PROJECT / "tests"
LONGEST_MODULE = 350
MAY_WAIT = {"support/waiting.py", "support/virtual_time.py"}
"""Where it is done for all."""
LOOPS = (ast.For, ast.AsyncFor, ast.While, ast.comprehension)


def calls(tree: ast.AST, name: str) -> Iterator[tuple[ast.Call, list[ast.AST]]]:
    """Every call of ``module.function``, with what it stands in, from the outside."""

    def walk(node: ast.AST, around: list[ast.AST]) -> Iterator[tuple[ast.Call, list[ast.AST]]]:
        if isinstance(node, ast.Call) and ast.unparse(node.func) == name:
            yield node, around
        for child in ast.iter_child_nodes(node):
            yield from walk(child, [*around, node])

    yield from walk(tree, [])


def in_virtual_time(tree: ast.Module, around: list[ast.AST]) -> bool:
    marks = [
        ast.unparse(one.value)
        for one in tree.body
        if isinstance(one, ast.Assign) and "pytestmark" in ast.unparse(one.targets[0])
    ]
    for one in around:
        marks += [ast.unparse(mark) for mark in getattr(one, "decorator_list", [])]
    return any("virtual_time" in mark for mark in marks)


def waits(text: str) -> Iterator[str]:
    tree = ast.parse(text)
    for call, _ in calls(tree, "time.sleep"):
        yield f"{call.lineno}: time.sleep holds everything up"
    for call, around in calls(tree, "asyncio.sleep"):
        wait = call.args[0]
        if any(isinstance(one, LOOPS) for one in around):
            yield f"{call.lineno}: a loop that sleeps; wait with tests.support.waiting.eventually"
        elif isinstance(wait, ast.Constant) and wait.value == 0:
            yield f"{call.lineno}: a turn of the loop is counted; wait with tests.support.virtual_time.settle"
        elif isinstance(wait, ast.Constant) and not in_virtual_time(tree, around):
            yield f"{call.lineno}: real seconds; run it in virtual time"


@pytest.mark.untraced
def test_no_quick_test_waits_by_the_wall_clock_or_by_counting() -> None:
    found = []
    for folder in ("unit", "support", "fakes"):
        for path in (TESTS / folder).rglob("*.py"):
            name = path.relative_to(TESTS).as_posix()
            if name not in MAY_WAIT:
                found += [f"{name}:{line}" for line in waits(path.read_text(encoding="utf-8"))]
    assert found == []


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("import time\ntime.sleep(1)", 1),
        ("async def test():\n    for _ in range(6):\n        await asyncio.sleep(0)", 1),
        ("async def test():\n    await asyncio.sleep(0)", 1),
        ("async def test():\n    while not done():\n        await asyncio.sleep(0.01)", 1),
        ("async def test():\n    await asyncio.sleep(0.5)", 1),
        ("@pytest.mark.virtual_time\nasync def test():\n    await asyncio.sleep(0.5)", 0),
        ("pytestmark = pytest.mark.virtual_time\nasync def test():\n    await asyncio.sleep(5)", 0),
        ("async def work(self):\n    await asyncio.sleep(self.slow_s)", 0),
    ],
)
def test_the_habit_is_recognised(text: str, found: int) -> None:
    assert len(list(waits(text))) == found


@pytest.mark.untraced
def test_no_module_is_too_long() -> None:
    ours = (path for path in PROJECT.glob("[!.]*/**/*.py") if "node_modules" not in path.parts)
    lines = {path.relative_to(PROJECT).as_posix(): path.read_text(encoding="utf-8").count("\n") for path in ours}
    assert len(lines) > 300
    assert {name: count for name, count in lines.items() if count > LONGEST_MODULE} == {}
