"""What supervisors write about brands: ``dialplans/brands.yaml``. Without the file all numbers are of one brand."""

from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from switchroom.domain.brand import NO_BRAND, Brand, Brands, ServiceLevel
from switchroom.domain.ids import BrandName
from switchroom.runtime.durations import Duration
from switchroom.runtime.yamlfile import Document, Finding, YamlError, load

FILE = "brands.yaml"
RESERVED = frozenset({"name", "title", "display_number"})
"""Fields that every brand has in menus: no argument may be called so."""

Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]{0,31}$")]
Number = Annotated[str, Field(pattern=r"^\+?[0-9]{2,20}$")]
Argument = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class ServiceLevelConfig(_Model):
    within: Duration = timedelta(seconds=20)
    share: float = Field(0.8, gt=0, le=1)


class BrandConfig(_Model):
    """A brand, and the numbers that are dialled for it."""

    title: Mapping[str, str] = Field(min_length=1)
    numbers: tuple[Number, ...] = ()
    display_number: Number | None = None
    arguments: Mapping[Argument, str] = Field(default_factory=dict)
    service_level: ServiceLevelConfig | None = None


class BrandsFile(_Model):
    default: Name
    """The brand of numbers that none lists."""
    brands: Mapping[Name, BrandConfig]


def load_brands(dialplans: Path) -> Brands:
    """Read the file; `YamlError` names each place that is wrong."""
    path = dialplans / FILE
    if not path.exists():
        return Brands((), NO_BRAND)
    document = load(path, BrandsFile)
    findings = list(_findings(document, str(path)))
    if findings:
        raise YamlError(findings)
    brands = {name: _brand(BrandName(name), config) for name, config in document.model.brands.items()}
    return Brands(brands.values(), brands[document.model.default])


def _findings(document: Document[BrandsFile], path: str) -> list[Finding]:
    file = document.model
    found = []
    if file.default not in file.brands:
        line, col = document.position("default")
        text = f"the default brand `{file.default}` is not among the brands ({', '.join(file.brands)})"
        found.append(Finding(path, line, col, "BRD001", text))
    taken: dict[str, str] = {}
    for name, brand in file.brands.items():
        for index, number in enumerate(brand.numbers):
            if taken.setdefault(number, name) != name:
                line, col = document.position("brands", name, "numbers", index)
                text = f"the number {number} is of the brand `{taken[number]}` already"
                found.append(Finding(path, line, col, "BRD002", text))
        for argument in brand.arguments.keys() & RESERVED:
            line, col = document.position("brands", name, "arguments", argument)
            text = f"`{argument}` is a field of every brand: call it otherwise"
            found.append(Finding(path, line, col, "BRD003", text))
    return found


def _brand(name: BrandName, config: BrandConfig) -> Brand:
    level = config.service_level
    shown = {"display_number": config.display_number} if config.display_number else {}
    return Brand(
        name=name,
        title=config.title,
        numbers=config.numbers,
        display_number=config.display_number,
        arguments={**config.arguments, **shown},
        service_level=ServiceLevel(level.within.total_seconds(), level.share) if level else None,
    )
