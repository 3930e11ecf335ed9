"""The command `sitewatch desk`: the review desk, and the accounts of those who may use it."""

from __future__ import annotations

import getpass
import sys
import threading
from typing import TYPE_CHECKING, Annotated, Optional

import typer
from rich.table import Table

from flows.alerts.route_settings import incident_rule
from flows.cli.options import OutputsOption, console, existing_ledger, record_settings
from flows.config.host_names import host_name
from flows.config.settings import SettingsError
from flows.desk.access import Role
from flows.desk.backend.wiring import now, open_desk, prepare_all
from flows.desk.passwords import hashed
from flows.ledger.accounts import plain_name

if TYPE_CHECKING:
    pass

desk_app = typer.Typer(invoke_without_command=True, help="The review desk, on loopback.")
account_app = typer.Typer(no_args_is_help=True, help="Who may use the desk.")
desk_app.add_typer(account_app, name="account")

PICTURES = "A viewer sees drawings; a reviewer and above sees pictures, with which anybody can find the place."
POSITIONS = (
    "May see coordinates, the map and pictures, whatever the role. "
    "Without it, an account that sees pictures can find the places all the same."
)

RoleOption = Annotated[
    Role,
    typer.Option(
        "--role", help="What the account may do; each role may also do what the roles before it may do. " + PICTURES
    ),
]
StdinOption = Annotated[bool, typer.Option("--password-stdin", help="Read the password from standard input.")]


@desk_app.callback()
def desk(
    context: typer.Context,
    host: Annotated[str, typer.Option("--host", help="The address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option("--port", min=1, max=65535)] = 8050,
    name: Annotated[
        Optional[list[str]],  # noqa: UP045
        typer.Option("--name", help="A further host name under which browsers reach the desk; may be repeated."),
    ] = None,
    outputs: OutputsOption = None,
) -> None:
    """Serve the review desk until it is stopped."""
    if context.invoked_subcommand is not None:
        return
    from flows.pipeline.sources import open_archive
    from flows.web.serve_app import listening, serve_app

    settings = record_settings(outputs)
    with existing_ledger(settings) as ledger:
        if not any(account.closed_at is None for account in ledger.accounts.all()):
            raise SettingsError(
                "nobody may use the desk yet; make an account first: `sitewatch desk account add NAME --role admin`"
            )
        app, evidence = open_desk(
            ledger,
            open_archive(settings),
            settings.outputs,
            routes=settings.alert_routes,
            hosts=_host_names(host, *(name or ())),
            rule=incident_rule(settings),
        )
        with listening(host, port) as listener:
            threading.Thread(target=prepare_all, args=(ledger, evidence), daemon=True).start()
            console.print(f"The desk is at http://{host}:{port}", highlight=False)
            serve_app(app, listener, proxies=settings.desk_proxies)


def _host_names(*names: str) -> tuple[str, ...]:
    """The names as browsers send them; raises `SettingsError` for one under which the desk must or can not answer."""
    try:
        return tuple(map(host_name, names))
    except ValueError as error:
        raise SettingsError(f"--host or --name: {error}") from None


@account_app.command("add")
def account_add(
    name: str,
    role: RoleOption,
    positions: Annotated[bool, typer.Option("--positions", help=POSITIONS)] = False,
    password_stdin: StdinOption = False,
    outputs: OutputsOption = None,
) -> None:
    """Make an account; the command asks for its password."""
    with existing_ledger(record_settings(outputs)) as ledger:
        kept = hashed(_password(password_stdin), name=plain_name(name))
        account = ledger.accounts.add(name, role=role, sees_positions=positions, password_hash=kept, at=now())
        ledger.accounts.note("account", by=None, subject=account.name, detail=f"made, {role}", at=now())
    console.print(f"{account.name} is {role} at the desk.", highlight=False, markup=False)
    console.print(PICTURES, highlight=False, markup=False)


@account_app.command("change")
def account_change(
    name: str,
    role: Annotated[Optional[Role], typer.Option("--role", help="What the account may do.")] = None,  # noqa: UP045
    positions: Annotated[
        Optional[bool],  # noqa: UP045
        typer.Option("--positions/--no-positions", help=POSITIONS),
    ] = None,
    password: Annotated[bool, typer.Option("--password", help="Ask for a new password.")] = False,
    password_stdin: StdinOption = False,
    close: Annotated[bool, typer.Option("--close", help="Close the account permanently; its verdicts stay.")] = False,
    outputs: OutputsOption = None,
) -> None:
    """Change an account, and log it out everywhere."""
    with existing_ledger(record_settings(outputs)) as ledger:
        kept = hashed(_password(password_stdin), name=name) if password or password_stdin else None
        given = {"role": role, "sees_positions": positions, "password_hash": kept}
        what = [key for key, value in given.items() if value is not None] + ["closed"] * close
        account = ledger.accounts.change(name, closed_at=now() if close else None, **given)  # type: ignore[arg-type]
        ledger.accounts.note("account", by=None, subject=account.name, detail=", ".join(what), at=now())
    console.print(f"{account.name} is changed: {', '.join(what) or 'logged out'}.", highlight=False, markup=False)


@account_app.command("list")
def account_list(outputs: OutputsOption = None) -> None:
    """List the accounts."""
    with existing_ledger(record_settings(outputs)) as ledger:
        accounts = ledger.accounts.all()
    table = Table("name", "role", "positions", "made", "closed")
    for one in accounts:
        closed = one.closed_at.date().isoformat() if one.closed_at else ""
        positions = "yes" if one.sees_positions else "by role"
        table.add_row(one.name, one.role, positions, one.made_at.date().isoformat(), closed)
    console.print(table)


def _password(from_stdin: bool) -> str:
    if from_stdin:
        return sys.stdin.readline().rstrip("\r\n")
    if not sys.stdin.isatty():
        raise SettingsError("there is no terminal to ask for the password on; add --password-stdin and pipe it in")
    password = getpass.getpass("Password: ")
    if getpass.getpass("Again: ") != password:
        raise SettingsError("the two passwords differ; nothing was changed, so call it again")
    return password
