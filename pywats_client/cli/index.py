"""`pywats-client converters search`, `install`, `update` and `remove`: converters that others have written."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pywats_client.cli.known import NotUnderstood
from pywats_client.cli.options import AsJson, Home, InstanceId
from pywats_client.cli.output import print_answer, safe, say, wrapped
from pywats_client.cli.words import widest
from pywats_client.errors import PywatsError
from pywats_client.paths import Instance

if TYPE_CHECKING:
    from pywats_client.converters.index import Index

VARIABLE = "PYWATS_CONVERTERS_INDEX"

Words = Annotated[list[str] | None, typer.Argument(metavar="WORD…", help="Words in its name or description.")]
Name = Annotated[str, typer.Argument(metavar="NAME", help="The converter, as the index names it.")]
Some = Annotated[list[str] | None, typer.Argument(metavar="NAME…", help="Installed converters; none: all.")]
Place = Annotated[
    str, typer.Option("--index", metavar="DIR|URL", envvar=VARIABLE, help="A folder or an address with index.json.")
]
Anyway = Annotated[bool, typer.Option("--yes", help="Also where the configuration uses it.")]


class InUse(PywatsError):
    """A configured converter uses what should be removed."""


def search(words: Words = None, index: Place = "", as_json: AsJson = False) -> None:
    """Search an index of converters."""
    found = _index(index).search(words or [])
    if as_json:
        print_answer({"converters": [listed.model_dump() for listed in found]})
        return
    names, versions = (widest(getattr(listed, key) for listed in found) for key in ("name", "version"))
    for listed in found:
        first = f"{listed.name:<{names}}  {safe(listed.version):<{versions}}  "
        reads = f" ({listed.reads})" if listed.reads else ""
        print("\n".join(wrapped(listed.description + reads, len(first), first)))
    if not found:
        say("nothing found")


def install(
    name: Name, index: Place = "", instance_id: InstanceId = "default", home: Home = None, as_json: AsJson = False
) -> None:
    """Install a converter from an index: its checksum is compared before it is unpacked.

    A running service loads another version anew, without a restart. The exit code is 6 for a file that was changed.
    """
    from pywats_client.converters.installed import install as unpack

    place = _index(index)
    listed = place.find(name)
    instance = Instance.find(instance_id, home)
    made = unpack(instance.converters, listed, place.archive(listed), place.place)
    if as_json:
        print_answer({"installed": [made._asdict()]})
        return
    print(f"{made.name} {safe(made.version)} is installed in {instance.converters / made.name}")
    entry = {"name": made.name, "module_path": made.module_path, "watch_folder": f"results/{made.name}"}
    say(f"for the configuration, under converters:\n  {json.dumps(entry)}")


def update(
    names: Some = None,
    index: Place = "",
    instance_id: InstanceId = "default",
    home: Home = None,
    as_json: AsJson = False,
) -> None:
    """Bring installed converters to the version that their index has now."""
    from pywats_client.converters.index import Index
    from pywats_client.converters.installed import find, installed
    from pywats_client.converters.installed import install as unpack

    converters = Instance.find(instance_id, home).converters
    changed = []
    for present in [find(converters, name) for name in names] if names else installed(converters):
        place = Index(index or present.origin)
        listed = place.find(present.name)
        if listed.sha256 == present.sha256:
            continue
        made = unpack(converters, listed, place.archive(listed), place.place)
        changed.append({**made._asdict(), "before": present.version})
        if not as_json:
            print(f"{made.name} {safe(present.version)} -> {safe(made.version)}")
    if as_json:
        print_answer({"updated": changed})
    elif not changed:
        say("all are as their index has them")


def remove(
    name: Name, yes: Anyway = False, instance_id: InstanceId = "default", home: Home = None, as_json: AsJson = False
) -> None:
    """Remove an installed converter."""
    from pywats_client.converters.installed import find
    from pywats_client.converters.installed import remove as delete

    instance = Instance.find(instance_id, home)
    found = find(instance.converters, name)
    users = list(_users(instance, found.module_path))
    if users and not yes:
        raise InUse(
            f"{name} is used by {', '.join(map(safe, users))} in the configuration; --yes removes it all the same"
        )
    delete(instance.converters, name)
    if as_json:
        print_answer({"removed": [found._asdict()]})
    else:
        print(f"{name} {safe(found.version)} is removed")


def _users(instance: Instance, module_path: str) -> Iterator[str]:
    from pywats_client.config.file import load

    if not instance.config.exists():
        return
    file = instance.converters / module_path
    for converter in load(instance).converters:
        place = converter.module_path.partition(".py")[0] + ".py"
        if instance.converters / Path(place).expanduser() == file:
            yield converter.name


def _index(place: str) -> "Index":
    from pywats_client.converters.index import Index

    if not place:
        raise NotUnderstood(f"say where the index is: --index DIR|URL, or {VARIABLE} in the environment")
    return Index(place)
