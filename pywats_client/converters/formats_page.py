"""The formats as people look them up: what each reads, its arguments, and an entry for the configuration."""

import json
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from pywats_client.converters.describe import arguments, describe
from pywats_client.converters.reading.fields import FormatArguments
from pywats_client.converters.registry import AUTO, built_in_names, load, resolve_built_in
from pywats_client.errors import ConversionError

COMMON = frozenset(FormatArguments.model_fields)
"""The arguments that every built-in format knows."""


class Format(NamedTuple):
    """One format: its name, what it says of itself (fields of `setup.ModuleInfo`), and where it comes from."""

    name: str
    about: dict[str, Any]
    origin: str
    fault: str = ""
    """why it cannot be used here"""


def built_in() -> Iterator[Format]:
    """The built-in formats, by name, and last the one that asks all others. They are imported here."""
    for name in (*built_in_names(), AUTO):
        try:
            yield Format(name, describe(load(resolve_built_in(name))), "built in")
        except ConversionError as fault:
            yield Format(name, {"description": "", "documentation": "", "arguments_schema": {}}, "built in", str(fault))


def entry(name: str) -> dict[str, Any]:
    """An entry for `converters` in the configuration."""
    return {"name": name, "module_path": name, "watch_folder": f"results/{name}", "process_code": 10}


def page() -> str:
    """All of it as Markdown."""
    formats = list(built_in())
    common = next(each for each in formats if each.name == AUTO)
    parts = [_HEAD, table(formats), _COMMON, _table(common, COMMON)]
    return "\n\n".join([*parts, *map(_section, formats)]) + "\n"


def table(formats: Iterable[Format], page: str = "") -> str:
    """A row a format, with a link to its section of the page."""
    rows = [f"| [`{each.name}`]({page}#{each.name}) | {each.about['description']} |" for each in formats]
    return "\n".join(["| format | reads |", "|---|---|", *rows])


def _section(each: Format) -> str:
    own = frozenset(key.path.partition(".")[0].removesuffix("[]") for key in arguments(each.about["arguments_schema"]))
    parts = [f"### {each.name}", each.about["documentation"]]
    if own - COMMON:
        parts.append(_table(each, own - COMMON))
    parts.append(f"```json\n{json.dumps(entry(each.name))}\n```")
    return "\n\n".join(parts)


def _table(each: Format, names: frozenset[str]) -> str:
    found = arguments(each.about["arguments_schema"])
    rows = [
        f"| `{key.path}` | {_plain(key.type)} | `{_plain(key.default)}` | {_plain(key.help)} |"
        for key in found
        if key.path.partition(".")[0].removesuffix("[]") in names
    ]
    return "\n".join(["| argument | value | default | meaning |", "|---|---|---|---|", *rows])


def _plain(text: str) -> str:
    return text.replace("|", "\\|")


_HEAD = """# Formats and examples

`pywats-client formats describe --markdown` writes this page.

## Converters to learn from

| example | shows |
|---|---|
| [`first_converter.py`](first_converter.py) | ten lines: a unit on each line of a file |
| [`many_units`](many_units/many_units.py) | many units a file, each judged for itself |
| [`chart`](chart/chart.py) | a curve, and what is derived from it |
| [`folder`](folder/folder.py) | a folder as source, complete when its marker is there |
| [`companions`](companions/companions.py) | files that belong together, and an attachment |
| [`not_yet`](not_yet/not_yet.py) | a file that is not complete yet, and is tried again |
| [`repair`](repair/repair.py) | a repair report |
| [`plugin`](plugin/pyproject.toml) | a package that brings a converter along: `pip install examples/plugin` |

Beside each lie its samples with what is expected of them: `pywats-client converters test examples/chart/chart.py`.
`pywats-client converters new NAME` writes the beginning of one of your own, with a sample and a test.

`config_default.json` is a configuration, `submit_one_report.py` sends a report without a service, and
`plain_socket.py` asks a service with nothing but a socket.

## The built-in formats

`pywats-client convert FILE` finds the format of a file by its content, and prints what it reads in it.
In the configuration, `module_path` names the format, or `auto` for whichever knows a file."""

_COMMON = """## Arguments that all of them know

They fill what a file does not say; what it says goes before."""
