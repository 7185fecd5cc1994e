"""Whether the quick tests still reach what they reached: ``python -m tests.coverage_gates coverage.json``.

The gates are in ``pyproject.toml``, with their reasons: one for each package, and a floor for each single module, for a
small module whose tests are gone is lost in its package's number.
"""

import json
import sys
import tomllib
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

PROJECT = Path(__file__).parent.parent


@dataclass(frozen=True)
class Reached:
    """Lines and branches, together: as coverage.py counts a percentage."""

    of: int = 0
    covered: int = 0

    def __add__(self, other: "Reached") -> "Reached":
        return Reached(self.of + other.of, self.covered + other.covered)

    @property
    def percent(self) -> float:
        return 100.0 if self.of == 0 else 100 * self.covered / self.of


def modules(report: Mapping[str, Any]) -> dict[str, Reached]:
    """Of coverage.py's JSON report."""
    found = {}
    for path, module in report["files"].items():
        told = module["summary"]
        lines, branches = told["num_statements"], told.get("num_branches", 0)
        found[path] = Reached(lines + branches, told["covered_lines"] + told.get("covered_branches", 0))
    return found


def package_of(path: str, packages: Mapping[str, float]) -> str | None:
    """The longest that the module is in."""
    return max((one for one in packages if path.startswith(f"{one}/") or path == one), key=len, default=None)


def failures(found: Mapping[str, Reached], gates: Mapping[str, Any]) -> Iterator[str]:
    packages, floor, below = gates["packages"], gates["module"], gates["below"]
    sums: defaultdict[str, Reached] = defaultdict(Reached)
    for path, reached in sorted(found.items()):
        package = package_of(path, packages)
        if package is None:
            yield f"{path} is in no package that has a gate"
            continue
        sums[package] += reached
        if path in below:
            if reached.percent >= floor:
                yield f"{path} reaches {reached.percent:.1f} %: take it from the list of those below the floor"
        elif reached.percent < floor:
            yield f"{path} reaches {reached.percent:.1f} % of its lines and branches, below the floor of {floor} %"
    for package, gate in packages.items():
        reached = sums[package]
        sys.stdout.write(f"{package:24} {reached.percent:6.1f} %, gate {gate} %\n")
        if reached.percent < gate:
            yield f"{package} reaches {reached.percent:.1f} % of its lines and branches, its gate is {gate} %"


def main(report: str) -> int:
    gates = tomllib.loads((PROJECT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["switchroom"]["coverage"]
    found = list(failures(modules(json.loads(Path(report).read_text(encoding="utf-8"))), gates))
    for line in found:
        sys.stdout.write(f"coverage: {line}\n")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
