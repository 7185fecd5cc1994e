"""A legal hold stands above an erasure, until it is released or ends; and the table tells who held what."""

import asyncio
import sys
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientSession, CookieJar
from sqlalchemy import select

from cti_bridge.http.guard import CSRF_HEADER
from server.cli import main
from switchroom.domain.hold import Held, Hold, HoldSubject
from switchroom.domain.ids import ContactId, CustomerId
from switchroom.storage.contacts import Contacts
from switchroom.storage.customers import Customers
from switchroom.storage.database import Database
from switchroom.storage.erasure import Erasure
from switchroom.storage.holds import Holds
from switchroom.storage.seed import seed_demo
from switchroom.storage.tables import legal_holds
from tests.fakes.clock import FakeClock
from tests.fixtures.bridge_server import PASSWORD, BridgeServer
from tests.fixtures.kept_contacts import NOON, Keeper

TOMORROW = NOON + timedelta(days=1)
NUMBER = "13800138000"


def hold(subject: HoldSubject, subject_id: str, **more: Any) -> Hold:
    order = {"reason": "court order 7", "placed_by": "anna", "placed_at": NOON, **more}
    return Hold(subject=subject, subject_id=subject_id, **order)


@pytest.fixture
async def wang(database: Database, tmp_path: Path) -> CustomerId:
    """A customer with one contact, ``c1``, and one from before their number was known, ``c0``."""
    customer = await Customers(database).add(name="Wang", phones=[NUMBER])
    keeper = Keeper(database, tmp_path / "files")
    await keeper.contact("c0", NOON)
    await keeper.contact("c1", NOON, customer=customer)
    return customer


def erasure(database: Database, clock: FakeClock | None = None) -> Erasure:
    return Erasure(database, clock or FakeClock(NOON))


async def test_given_a_held_customer_when_erased_then_it_is_refused_and_says_what_to_do(
    database: Database, wang: CustomerId
) -> None:
    await Holds(database).place(hold(HoldSubject.CUSTOMER, wang, until=TOMORROW))
    with pytest.raises(Held) as refused:
        await erasure(database).erase(wang)
    assert str(refused.value) == (
        f"customer {wang} is under a legal hold until 2026-01-09 04:00 UTC (court order 7;"
        " placed by anna on 2026-01-08): release the hold first"
    )
    kept = await Contacts(database).get(ContactId("c1"))
    assert kept is not None and kept.caller == NUMBER

    assert await erasure(database, FakeClock(TOMORROW)).erase(wang) is not None, "it has ended"


@pytest.mark.parametrize("contact_id", ["c0", "c1"])
async def test_given_one_held_contact_when_its_person_is_erased_then_it_is_refused_until_it_is_released(
    database: Database, wang: CustomerId, contact_id: str
) -> None:
    holds = Holds(database)
    await holds.place(hold(HoldSubject.CONTACT, contact_id))
    with pytest.raises(Held, match=f"contact {contact_id} is under a legal hold until it is released"):
        await erasure(database).erase(wang)
    assert await holds.release(HoldSubject.CONTACT, contact_id, by="ben", at=NOON)
    assert not await holds.release(HoldSubject.CONTACT, contact_id, by="ben", at=NOON), "there is none any more"
    assert await erasure(database).erase(wang) is not None


async def test_given_holds_then_the_table_tells_who_placed_and_released_them_and_forgets_the_reason_with_the_person(
    database: Database, wang: CustomerId
) -> None:
    holds = Holds(database)
    await holds.place(hold(HoldSubject.CUSTOMER, wang, reason="Wang against us"))
    await holds.place(hold(HoldSubject.CUSTOMER, wang, placed_by="ben", placed_at=TOMORROW))
    await holds.place(hold(HoldSubject.CUSTOMER, CustomerId("99"), reason="another"))
    in_force = await holds.in_force(TOMORROW)
    assert {(one.subject_id, one.placed_by) for one in in_force} == {(wang, "ben"), ("99", "anna")}
    await holds.release(HoldSubject.CUSTOMER, wang, by="carl", at=TOMORROW)
    await erasure(database, FakeClock(TOMORROW)).erase(wang)
    async with database.read() as connection:
        rows = (await connection.execute(select(legal_holds).order_by(legal_holds.c.id))).all()
    assert [(row.subject_id, row.reason, row.placed_by, row.released_by, row.released_at) for row in rows] == [
        (wang, "", "anna", "ben", TOMORROW),
        (wang, "", "ben", "carl", TOMORROW),
        ("99", "another", "anna", None, None),
    ]


class Person:
    """Somebody at the API."""

    def __init__(self, http: ClientSession, url: str) -> None:
        self.http, self.url, self.csrf = http, url, ""

    async def log_in(self, login: str) -> None:
        _, answer = await self.ask("POST", "/api/v1/session", json={"login": login, "password": PASSWORD})
        self.csrf = answer["csrf"]

    async def ask(self, method: str, path: str, **more: Any) -> tuple[int, Any]:
        async with self.http.request(method, self.url + path, headers={CSRF_HEADER: self.csrf}, **more) as answer:
            return answer.status, await answer.json() if answer.content_type.endswith("json") else None


@pytest.fixture
async def admin(server: BridgeServer) -> AsyncIterator[Person]:
    async with ClientSession(cookie_jar=CookieJar(unsafe=True)) as http:
        person = Person(http, server.url)
        await person.log_in("admin")
        yield person


async def test_given_the_api_when_held_then_erasing_is_refused_and_when_released_it_is_done(
    server: BridgeServer, admin: Person
) -> None:
    await server.ring()
    await server.answer()
    await server.end()
    found = await Customers(server.database).by_phone(NUMBER)
    assert found is not None
    path = f"/api/v1/customers/{found.id}"
    until = (server.clock.now() + timedelta(days=30)).isoformat()

    status, placed = await admin.ask("PUT", f"{path}/hold", json={"reason": "court order 7", "until": until})
    assert (status, placed["subject"], placed["subject_id"]) == (200, "customer", found.id)
    assert (placed["reason"], placed["placed_by"]) == ("court order 7", "admin")
    status, problem = await admin.ask("DELETE", path)
    assert status == 409 and "court order 7" in problem["detail"] and "release the hold" in problem["detail"]
    assert [one["subject_id"] for one in (await admin.ask("GET", "/api/v1/holds"))[1]] == [found.id]

    assert (await admin.ask("PUT", "/api/v1/contacts/c1/hold", json={"reason": "complaint"}))[0] == 200
    assert (await admin.ask("DELETE", f"{path}/hold"))[0] == 204
    assert (await admin.ask("DELETE", f"{path}/hold"))[0] == 404
    assert "contact c1" in (await admin.ask("DELETE", path))[1]["detail"]
    assert (await admin.ask("DELETE", "/api/v1/contacts/c1/hold"))[0] == 204
    assert (await admin.ask("DELETE", path))[0] == 204


async def test_given_what_is_not_there_or_over_when_held_then_it_says_so(server: BridgeServer, admin: Person) -> None:
    past = (server.clock.now() - timedelta(seconds=1)).isoformat()
    order = {"reason": "r"}
    assert (await admin.ask("PUT", "/api/v1/customers/4242/hold", json=order))[0] == 404
    assert (await admin.ask("PUT", "/api/v1/contacts/none/hold", json=order))[0] == 404
    assert (await admin.ask("DELETE", "/api/v1/contacts/none/hold"))[0] == 404
    found = await Customers(server.database).by_phone(NUMBER)
    assert found is not None
    path = f"/api/v1/customers/{found.id}/hold"
    for wrong in ({}, {"reason": ""}, {"reason": "r", "until": "tomorrow"}, {"reason": "r", "until": past}):
        assert (await admin.ask("PUT", path, json=wrong))[0] == 422


def test_given_the_commands_when_held_then_forgetting_is_refused_until_released(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    async def customer() -> CustomerId:
        database = Database(f"sqlite+aiosqlite:///{tmp_path}/switchroom.db")
        await database.upgrade()
        await seed_demo(database, NOON)
        found = await Customers(database).by_phone(NUMBER)
        await database.close()
        assert found is not None
        return found.id

    def command(*words: str) -> tuple[int, str]:
        monkeypatch.setenv("SWITCHROOM_HOME", str(tmp_path))
        monkeypatch.setattr(sys, "argv", ["switchroom", "customers", *words])
        with pytest.raises(SystemExit) as ended:
            main()
        said = capsys.readouterr()
        return int(ended.value.code or 0), said.out + said.err

    wang = asyncio.run(customer())
    order = ("--reason", "court order 7", "--until", "2099-12-31")
    assert command("hold", wang, *order) == (0, f"customer {wang}: held\n")
    code, said = command("forget", wang)
    assert code == 1 and "legal hold until 2099-12-31 16:00 UTC (court order 7; placed by command:" in said
    assert command("hold", "4242", "--reason", "r") == (1, "switchroom: there is no customer 4242\n")
    assert command("hold", wang, "--reason", "r", "--until", "2020-01-01")[0] == 1
    assert command("release", wang) == (0, f"customer {wang}: released\n")
    assert command("release", wang) == (1, f"switchroom: there is no hold on customer {wang}\n")
    assert command("forget", wang)[0] == 0
    assert command("forget", "--phone", "13977712345") == (1, "switchroom: the number is found nowhere\n")
    neither = (1, "switchroom: name a customer, or a number with --phone\n")
    assert command("forget") == command("forget", wang, "--phone", "1") == neither
