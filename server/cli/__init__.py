"""The command line, ``switchroom …``: one module a group of commands."""

import typer

from server.cli import acd, asterisk, bench, calls, contacts, customers, database, doctor, ivr, retention, serve, users
from server.cli.run import EXPECTED, one_line
from switchroom.runtime.home import keep_private

app = typer.Typer(
    name="switchroom",
    help="A telephony-centric contact-centre server: IVR, skill routing, screen pop, recording.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
app.command("serve")(serve.serve)
app.command("doctor")(doctor.doctor)
app.command("retention")(retention.retention)
app.add_typer(asterisk.app, name="asterisk")
app.add_typer(ivr.app, name="ivr")
app.add_typer(acd.app, name="acd")
app.add_typer(bench.app, name="bench")
app.add_typer(calls.app, name="calls")
app.add_typer(contacts.app, name="contacts")
app.add_typer(customers.app, name="customers")
app.add_typer(database.app, name="db")
app.add_typer(users.app, name="users")


def main() -> None:
    """Run a command. Expected errors end it with one sentence and exit code 1, without a traceback."""
    keep_private()
    try:
        app()
    except EXPECTED as error:
        typer.echo(f"switchroom: {one_line(error)}", err=True)
        raise SystemExit(1) from None
