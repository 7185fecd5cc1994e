"""Who the customers of the demonstration's shop are: what they bought, and what they called about."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from switchroom.domain.contact import CustomerTier


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoOrder:
    number: str
    status: str
    status_zh: str
    total: str
    items: Mapping[str, int]
    days_ago: int
    carrier: str | None = None
    due_in_days: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoCall:
    """A former call that an agent answered; without a disposition its ticket is still open."""

    days_ago: int
    queue: str
    agent: str
    subject: str
    note: str
    disposition: str | None
    path: Sequence[str] = ("welcome", "main")


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoCustomer:
    name: str
    phones: Sequence[str]
    tier: CustomerTier
    language: str
    email: str | None = None
    note: str = ""
    preferences: Mapping[str, str] = field(default_factory=dict)
    orders: Sequence[DemoOrder] = ()
    calls: Sequence[DemoCall] = ()


CUSTOMERS = (
    DemoCustomer(
        name="王芳",
        phones=("+86 138 0013 8000", "+86 10 6552 9988"),
        tier=CustomerTier.GOLD,
        language="zh-CN",
        email="wangfang@example.com",
        note="喜欢简短的答复；送货请在晚上七点以后。",
        preferences={"delivery": "19:00–21:00", "invoice": "电子发票"},
        orders=(
            DemoOrder(
                number="20260105",
                status="in transit",
                status_zh="运输中",
                carrier="顺丰速运",
                due_in_days=1,
                total="2399.00",
                items={"扫地机器人 R5": 1, "替换滤网": 2},
                days_ago=3,
            ),
            DemoOrder(
                number="20251218",
                status="delivered",
                status_zh="已签收",
                carrier="京东物流",
                total="189.00",
                items={"保温杯 500 ml": 1},
                days_ago=21,
            ),
            DemoOrder(
                number="20251102",
                status="refunded",
                status_zh="已退款",
                total="459.00",
                items={"电热水壶": 1},
                days_ago=67,
            ),
        ),
        calls=(
            DemoCall(
                days_ago=2,
                queue="general",
                agent="1004",
                subject="配送时间改到晚上",
                note="已备注快递员，等待物流确认。",
                disposition=None,
                path=("welcome", "main", "orders"),
            ),
            DemoCall(
                days_ago=20,
                queue="general",
                agent="1001",
                subject="保温杯盖子使用咨询",
                note="已说明开盖方法。",
                disposition="resolved",
            ),
            DemoCall(
                days_ago=64,
                queue="returns",
                agent="1001",
                subject="电热水壶退货",
                note="漏水，同意退款。",
                disposition="refund",
                path=("welcome", "main", "returns"),
            ),
        ),
    ),
    DemoCustomer(
        name="李强",
        phones=("+86 139 1234 5678",),
        tier=CustomerTier.STANDARD,
        language="zh-CN",
        orders=(
            DemoOrder(
                number="20260107",
                status="being packed",
                status_zh="备货中",
                due_in_days=3,
                total="79.00",
                items={"LED 台灯": 1},
                days_ago=1,
            ),
        ),
        calls=(
            DemoCall(
                days_ago=8,
                queue="general",
                agent="1002",
                subject="发票抬头修改",
                note="已改，重新开票。",
                disposition="resolved",
            ),
        ),
    ),
    DemoCustomer(
        name="Emma Clark",
        phones=("+1 415 555 2671",),
        tier=CustomerTier.SILVER,
        language="en-US",
        email="emma.clark@example.com",
        note="Ships to the Shanghai office, attention of the reception.",
        preferences={"contact": "e-mail"},
        orders=(
            DemoOrder(
                number="20260103",
                status="delivered",
                status_zh="已签收",
                carrier="DHL",
                total="129.00",
                items={"Air purifier A2": 1},
                days_ago=5,
            ),
            DemoOrder(
                number="20251121",
                status="delivered",
                status_zh="已签收",
                carrier="DHL",
                total="38.00",
                items={"HEPA filter": 2},
                days_ago=48,
            ),
            DemoOrder(
                number="20251009",
                status="cancelled",
                status_zh="已取消",
                total="59.00",
                items={"Desk fan": 1},
                days_ago=91,
            ),
        ),
        calls=(
            DemoCall(
                days_ago=4,
                queue="returns",
                agent="1003",
                subject="Purifier arrived with a dented lid",
                note="Photos asked for.",
                disposition=None,
            ),
        ),
    ),
    DemoCustomer(
        name="陈静",
        phones=("+86 136 8888 0001",),
        tier=CustomerTier.PLATINUM,
        language="zh-CN",
        note="企业客户，账期三十天。",
        orders=(
            DemoOrder(
                number="20251230",
                status="in transit",
                status_zh="运输中",
                carrier="德邦快递",
                due_in_days=2,
                total="18600.00",
                items={"会议桌": 2, "人体工学椅": 12},
                days_ago=9,
            ),
        ),
    ),
    DemoCustomer(
        name="赵敏",
        phones=("+86 137 0101 2020",),
        tier=CustomerTier.SILVER,
        language="zh-CN",
        orders=(
            DemoOrder(
                number="20260101",
                status="returned, being inspected",
                status_zh="退货质检中",
                total="329.00",
                items={"蓝牙耳机": 1},
                days_ago=7,
            ),
        ),
        calls=(
            DemoCall(
                days_ago=6,
                queue="complaints",
                agent="1002",
                subject="耳机左侧无声",
                note="已寄回，质检中。",
                disposition=None,
            ),
        ),
    ),
    DemoCustomer(name="孙伟", phones=("+86 133 9999 7777",), tier=CustomerTier.STANDARD, language="zh-CN"),
)
