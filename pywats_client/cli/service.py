"""`pywats-client service`."""

from pywats_client.cli.options import Home, InstanceId


def service(instance_id: InstanceId = "default", home: Home = None) -> None:
    """Run the service in the foreground, until Ctrl-C or SIGTERM; SIGHUP loads the configuration anew."""
    from pywats_client.service import ClientService

    ClientService(instance_id, home=home).start()
