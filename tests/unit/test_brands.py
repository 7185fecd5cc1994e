"""Brands: what is written about them, which number stands for which, and what menus know of them."""

from pathlib import Path

import pytest

from switchroom.brands import load_brands
from switchroom.domain.brand import ServiceLevel
from switchroom.domain.ids import BrandName
from switchroom.runtime.yamlfile import YamlError

GOOD = """
default: shop
brands:
  shop:
    title: {zh-CN: 商城, en-US: Shop}
    numbers: ["4008123123"]
    display_number: "4008123123"
    arguments: {hours: 9-21}
    service_level: {within: 15s, share: 0.9}
  outlet:
    title: {zh-CN: 折扣店}
    numbers: ["4008123199"]
"""


def written(folder: Path, text: str) -> Path:
    (folder / "brands.yaml").write_text(text, encoding="utf-8")
    return folder


def test_given_a_number_then_its_brand_is_found_and_any_other_is_of_the_default(tmp_path: Path) -> None:
    brands = load_brands(written(tmp_path, GOOD))
    assert [brands.of(number).name for number in ("4008123199", "4008123123", "95588")] == ["outlet", "shop", "shop"]
    shop = brands.named(BrandName("shop"))
    assert (shop.title_in("en-US"), shop.title_in("fr-FR"), shop.title_in(None)) == ("Shop", "商城", "商城")
    assert shop.service_level == ServiceLevel(15.0, 0.9)
    assert shop.arguments == {"hours": "9-21", "display_number": "4008123123"}
    assert brands.named(BrandName("outlet")).arguments == {}
    assert brands.named(BrandName("gone")) is shop


def test_given_no_file_then_every_number_is_of_one_brand(tmp_path: Path) -> None:
    brands = load_brands(tmp_path)
    assert brands.of("4008123123") is brands.of("95588")


@pytest.mark.parametrize(
    ("wrong", "right", "told"),
    [
        ("default: shop", "default: shp", "brands.yaml:2:1 BRD001 the default brand `shp` is not among the brands"),
        ("4008123199", "4008123123", "BRD002 the number 4008123123 is of the brand `shop` already"),
        ("{hours: 9-21}", "{title: x}", "BRD003 `title` is a field of every brand"),
        ("{hours: 9-21}", "{display_number: '1'}", "BRD003 `display_number` is a field of every brand"),
        ("title: {zh-CN: 折扣店}", "titel: {zh-CN: 折扣店}", "titel"),
        ("{within: 15s, share: 0.9}", "{within: 15s, share: 9}", "less than or equal to 1"),
    ],
)
def test_given_a_mistake_then_its_place_is_named(tmp_path: Path, wrong: str, right: str, told: str) -> None:
    with pytest.raises(YamlError) as error:
        load_brands(written(tmp_path, GOOD.replace(wrong, right)))
    assert any(told in str(finding) for finding in error.value.findings)
