"""A brand: what an entry number stands for."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from switchroom.domain.ids import BrandName


@dataclass(frozen=True, slots=True)
class ServiceLevel:
    """The target: the share of contacts that are answered within so many seconds."""

    within_s: float
    share: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Brand:
    """``title`` by language (BCP 47), ``numbers`` as they are dialled.

    ``arguments`` are its values in menus, ``{brand.hours}``; ``display_number`` is the number that we call its
    customers from, and one of its arguments; ``service_level`` is what its answered contacts are measured by.
    """

    name: BrandName
    title: Mapping[str, str]
    numbers: tuple[str, ...] = ()
    display_number: str | None = None
    arguments: Mapping[str, str] = field(default_factory=dict)
    service_level: ServiceLevel | None = None

    def title_in(self, language: str | None) -> str:
        """The title in the language, else in the first.

        >>> Brand(name=BrandName("shop"), title={"zh-CN": "商城", "en-US": "Shop"}).title_in("en-US")
        'Shop'
        """
        return self.title.get(language or "") or next(iter(self.title.values()), self.name)


class Brands:
    """All brands, by number; a number that none of them lists is of the ``default`` one."""

    def __init__(self, brands: Iterable[Brand], default: Brand) -> None:
        self._default = default
        self._by_name = {brand.name: brand for brand in (*brands, default)}
        self._by_number = {number: brand for brand in self._by_name.values() for number in brand.numbers}

    @property
    def all(self) -> tuple[Brand, ...]:
        return tuple(self._by_name.values())

    def of(self, number: str) -> Brand:
        """The brand of a dialled number."""
        return self._by_number.get(number, self._default)

    def named(self, name: BrandName) -> Brand:
        """The brand of this name; the default one for a name that is not there any more."""
        return self._by_name.get(name, self._default)


NO_BRAND = Brand(name=BrandName("main"), title={})
"""Of a house that names none."""
