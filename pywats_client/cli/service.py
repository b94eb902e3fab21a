"""`pywats-client service`."""

from typing import Annotated

import typer

from pywats_client.cli.options import Home, InstanceId

OnConsole = Annotated[bool, typer.Option("--console/--no-console", help="Log to standard error, too.")]


def service(instance_id: InstanceId = "default", home: Home = None, console: OnConsole = True) -> None:
    """Run the service in the foreground, until Ctrl-C or SIGTERM; SIGHUP loads the configuration anew."""
    from pywats_client.service import ClientService

    ClientService(instance_id, home=home, console=console).start()
