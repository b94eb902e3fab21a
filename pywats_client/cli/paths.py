"""`pywats-client paths`."""

from pywats_client.cli.options import AsJson, Home, InstanceId
from pywats_client.cli.output import print_json, print_pairs


def paths(instance_id: InstanceId = "default", home: Home = None, as_json: AsJson = False) -> None:
    """Say where everything of an instance is, whether it is there already or not."""
    from pywats_client.logs import show_name
    from pywats_client.paths import Instance

    instance = Instance.find(instance_id, home)
    places = {
        "config": instance.config,
        "converters_config": instance.converters_config,
        "converters": instance.converters,
        "queue": instance.queue,
        "journal": instance.journal,
        "log": instance.log,
        "endpoint": instance.endpoint,
        "token_key": instance.token_key,
        "ipc_keys": instance.ipc_keys,
        "data": instance.data,
    }
    shown = {name: show_name(place) for name, place in places.items()}
    if as_json:
        print_json(shown)
    else:
        print_pairs(shown)
