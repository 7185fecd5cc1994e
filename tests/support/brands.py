"""The brands of the tests."""

from switchroom.domain.brand import Brand, Brands
from switchroom.domain.ids import BrandName

SHOP = Brand(
    name=BrandName("shop"),
    title={"zh-CN": "示例商城", "en-US": "Example Shop"},
    numbers=("4008123123",),
    arguments={"hours": "9–21"},
)
BRANDS = Brands((), SHOP)
