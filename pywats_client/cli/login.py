"""`pywats-client login`."""

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from pywats_client.cli.options import Home, InstanceId
from pywats_client.cli.output import say

if TYPE_CHECKING:
    from pywats_client.config.model import Server
    from pywats_client.config.token import Secret

CHECK_SECONDS = 20.0


def login(
    url: Annotated[
        str, typer.Argument(metavar="[URL]", help="Address of the server; asked for where none is configured.")
    ] = "",
    token_stdin: Annotated[
        bool, typer.Option("--token-stdin", help="Read the token from standard input, also on a terminal.")
    ] = False,
    check: Annotated[
        bool, typer.Option("--check/--no-check", help="Try address and token against the server before storing.")
    ] = True,
    instance_id: InstanceId = "default",
    home: Home = None,
) -> None:
    """Store the server's address and token, after trying them; the token is encrypted for this machine and user."""
    import os

    from pywats_client.config import edit
    from pywats_client.config.file import load
    from pywats_client.config.model import Server
    from pywats_client.config.token import as_token, encrypt
    from pywats_client.paths import Instance

    instance = Instance.find(instance_id, home)
    server = load(instance).server if instance.config.exists() else Server()
    address = url or os.environ.get("PYWATS_SERVER_URL") or server.url or _ask_address()
    server = edit.with_address(server, address)
    token = as_token(_ask_token(token_stdin))
    if check:
        say(f"{server.url} accepts the token; it is WATS {_server_version(server, token)}")
    if not instance.config.exists():
        edit.create(instance, url=server.url, station_name="")
    changes = {"server.url": server.url, "server.token_encrypted": encrypt(instance, token)}
    edit.change(instance, changes, os.environ)
    say(f"stored, encrypted, in {instance.config}")


def _ask_address() -> str:
    if not sys.stdin.isatty():
        raise typer.BadParameter("the server's address is missing: pywats-client login https://company.wats.com")
    return str(typer.prompt("Address of the server", err=True))


def _ask_token(token_stdin: bool) -> str:
    if token_stdin or not sys.stdin.isatty():
        return sys.stdin.read()
    return str(typer.prompt("Token (not shown)", hide_input=True, err=True))


def _server_version(server: "Server", token: "Secret") -> str:
    import trio

    from pywats_client.wats.client import WatsClient, ssl_context

    async def ask() -> str:
        tls = ssl_context(server.ca_file)
        seconds = min(server.timeout_seconds, CHECK_SECONDS)
        async with WatsClient(
            server.url, token.reveal(), timeout_seconds=seconds, ssl_context=tls, proxy=server.proxy
        ) as client:
            return await client.version()

    return trio.run(ask)
