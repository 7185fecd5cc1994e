"""``switchroom customers …``: what a person may ask of us about themselves."""

from datetime import datetime
from typing import Annotated

import typer

from cti_bridge.connectors import connect
from server.cli import holding
from server.cli.holding import Reason, Until
from server.cli.run import CommandError, ledger, read_settings, run
from server.elsewhere import Elsewhere
from switchroom.domain.hold import HoldSubject
from switchroom.domain.ids import CustomerId
from switchroom.runtime.clock import SystemClock
from switchroom.runtime.home import refuse_if_claimed
from switchroom.runtime.settings import Settings, SettingsError
from switchroom.storage.erasure import Erased, Erasure

app = typer.Typer(help="Customers.", no_args_is_help=True)


@app.callback()
def _group() -> None:
    """Customers."""


@app.command()
def forget(
    customer_id: Annotated[str | None, typer.Argument()] = None,
    phone: Annotated[str | None, typer.Option(help="Instead: the number of a caller who is nobody's customer.")] = None,
) -> None:
    """Erase a person: customer, numbers, orders and recordings; name, number and input in their calls and tickets.

    While a server runs it is asked instead: it alone knows of events that are not written yet.
    """
    if (customer_id is None) == (phone is None):
        raise CommandError("name a customer, or a number with --phone")
    settings = read_settings()
    try:
        refuse_if_claimed(settings.home)
    except SettingsError:
        way = f"customers/{customer_id}" if phone is None else "persons?phone="
        raise CommandError(f"a server runs on {settings.home}: use its DELETE /api/v1/{way}") from None
    who = f"customer {customer_id}" if phone is None else "the number"
    erased = run(_erase(settings, customer_id, phone))
    if erased is None:
        raise CommandError(f"there is no customer {customer_id}" if phone is None else "the number is found nowhere")
    typer.echo(
        f"{who}: erased, also in {len(erased.calls)} calls and {erased.tickets} tickets;"
        f" {erased.recordings} recordings deleted"
    )


@app.command()
def hold(customer_id: str, reason: Reason, until: Until = None) -> None:
    """Place a legal hold: the customer is not erased, and nothing of theirs is outlived by its retention."""
    run(_hold(read_settings(), CustomerId(customer_id), reason, until))
    typer.echo(f"customer {customer_id}: held")


@app.command()
def release(customer_id: str) -> None:
    """Release a legal hold."""
    run(holding.release(read_settings(), HoldSubject.CUSTOMER, customer_id))
    typer.echo(f"customer {customer_id}: released")


async def _hold(settings: Settings, customer_id: CustomerId, reason: str, until: datetime | None) -> None:
    async with ledger(settings) as database:
        if await connect(settings.crm, database).crm.get(customer_id) is None:
            raise CommandError(f"there is no customer {customer_id}")
    await holding.place(settings, HoldSubject.CUSTOMER, customer_id, reason, until)


async def _erase(settings: Settings, customer_id: str | None, phone: str | None) -> Erased | None:
    async with ledger(settings) as database:
        erasure = Erasure(database, SystemClock(), Elsewhere(settings), server=settings.server_name)
        if customer_id is not None:
            return await erasure.erase(CustomerId(customer_id))
        return await erasure.erase_number(phone or "")
