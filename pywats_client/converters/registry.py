"""From the configured `module_path` to the converter's class: found in the service, imported in a worker only."""

import difflib
import importlib
import importlib.util
import inspect
import re
import sys
from collections.abc import Mapping
from importlib.machinery import SourceFileLoader
from importlib.metadata import entry_points
from pathlib import Path
from types import CodeType, ModuleType
from typing import Any

from pydantic import BaseModel, ValidationError

from pywats_client.converters.base import Converter
from pywats_client.converters.extra import extra
from pywats_client.errors import ConversionError

PLUGIN_GROUP = "pywats_client.converters"
USER_FOLDER = Path("~/.pywats/converters")
AUTO = "auto"
"""Whichever built-in format knows a file by its content."""
_FORMATS = Path(__file__).with_name("formats")
_FILE_FORM = re.compile(r"(?P<file>.+\.py)(?::(?P<name>[^\W\d]\w*))?")
_DOTTED_FORM = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)*[.:][^\W\d]\w*")


def built_in_names() -> list[str]:
    """The names of the built-in formats."""
    return sorted(file.stem for file in _FORMATS.glob("*.py") if file.stem != "__init__")


def plugins() -> dict[str, str]:
    """The converters that installed packages bring along: their names, and the package with its version."""
    return {
        plugin.name: f"{plugin.dist.name} {plugin.dist.version}" if plugin.dist else ""
        for plugin in sorted(entry_points(group=PLUGIN_GROUP), key=lambda plugin: plugin.name)
    }


def resolve_built_in(name: str) -> str:
    """What `load` needs to find a built-in format, or the one that asks all of them."""
    return f"{__package__}.auto:Auto" if name == AUTO else f"{__package__}.formats.{name}"


def resolve(module_path: str, converters_folder: Path) -> tuple[str, tuple[int, ...]]:
    """What `load` needs to find the class, and a stamp that changes when the user's file does.

    Looks at names and files only: no code of the user is imported. A relative file is looked for in
    `converters_folder`, then in ~/.pywats/converters. Raises ConversionError where nothing is found.
    """
    if form := _FILE_FORM.fullmatch(module_path):
        file = find_file(Path(form["file"]), converters_folder, "converter")
        status = file.stat()
        reference = f"{file}:{form['name']}" if form["name"] else str(file)
        return reference, (status.st_mtime_ns, status.st_size, status.st_ino)
    if module_path in (AUTO, *built_in_names()):
        return resolve_built_in(module_path), ()
    plugins = {plugin.name: plugin.value for plugin in entry_points(group=PLUGIN_GROUP)}
    if module_path in plugins:
        return plugins[module_path], ()
    if _DOTTED_FORM.fullmatch(module_path):
        return module_path, ()
    known = sorted({AUTO, *built_in_names(), *plugins})
    near = difflib.get_close_matches(module_path, known, n=1)
    raise ConversionError(
        f"there is no converter {module_path!r}; "
        + (f"did you mean {near[0]!r}? " if near else "")
        + f"known are {', '.join(known)}, and your own as `file.py` or `package.module:Class`"
    )


def file_in(reference: str) -> Path | None:
    """The file in what `resolve` found; None for a module by its name."""
    form = _FILE_FORM.fullmatch(reference)
    return Path(form["file"]) if form else None


def find_file(file: Path, converters_folder: Path, what: str) -> Path:
    """The file itself if it is absolute, or else in `converters_folder`, then in ~/.pywats/converters.

    Raises ConversionError where it is not there; `what` it is, for the sentence.
    """
    try:
        file = file.expanduser()
        candidates = [folder.expanduser() / file for folder in (converters_folder, USER_FOLDER)]
    except RuntimeError:
        raise ConversionError(f"the {what} {file} is in the home of a user who is not known here") from None
    if file.is_absolute():
        candidates = [file]
    for candidate in candidates:
        if candidate.is_file():
            return candidate.absolute()
    places = " nor in ".join(str(candidate.parent) for candidate in candidates)
    raise ConversionError(f"the {what} {file.name} is not there: no such file in {places}")


class _SourceOnly(SourceFileLoader):
    """Compiles what the file says now: a cached `.pyc` may belong to the version of a moment ago."""

    def get_code(self, fullname: str) -> CodeType:
        return self.source_to_code(self.get_data(self.get_filename(fullname)), self.path)


def load(reference: str) -> type[Converter]:
    """Import the module and pick the converter. In a worker only.

    Raises ConversionError for what is no converter; what the module itself raises passes through.
    """
    if form := _FILE_FORM.fullmatch(reference):
        return _pick(_import_file(Path(form["file"])), form["name"], form["file"])
    if ":" in reference:
        module_name, _, class_name = reference.partition(":")
        return _pick(importlib.import_module(module_name), class_name, module_name)
    if reference.startswith(f"{__package__}.formats."):
        with extra(reference.rpartition(".")[2]):
            module = importlib.import_module(reference)
        return _pick(module, None, reference)
    module_name, _, class_name = reference.rpartition(".")
    return _pick(importlib.import_module(module_name), class_name, module_name)


def _import_file(file: Path) -> ModuleType:
    name = "user_converter_" + re.sub(r"\W", "_", file.stem)
    loader = _SourceOnly(name, str(file))
    spec = importlib.util.spec_from_file_location(name, file, loader=loader)
    assert spec
    module = importlib.util.module_from_spec(spec)
    # Behind everything else: modules beside the converter are found, and none can stand in for another's.
    sys.path.append(str(file.parent))
    sys.modules[name] = module
    loader.exec_module(module)
    return module


def _pick(module: ModuleType, class_name: str | None, place: str) -> type[Converter]:
    if class_name is not None:
        chosen = getattr(module, class_name, None)
        if chosen is None:
            raise ConversionError(f"{place} has no class {class_name}")
        if not (isinstance(chosen, type) and issubclass(chosen, Converter)):
            raise ConversionError(f"{class_name} in {place} is not derived from Converter")
        return _complete(chosen, place)
    classes = [
        value
        for name, value in vars(module).items()
        if isinstance(value, type)
        and issubclass(value, Converter)
        and value.__module__ == module.__name__
        and not name.startswith("_")
    ]
    if not classes:
        raise ConversionError(f"{place} has no class that is derived from Converter")
    if len(classes) > 1:
        names = ", ".join(chosen.__name__ for chosen in classes)
        raise ConversionError(f"{place} has several converters ({names}): say which, as {place}:{classes[0].__name__}")
    return _complete(classes[0], place)


def _complete(chosen: type[Converter], place: str) -> type[Converter]:
    if inspect.isabstract(chosen):
        raise ConversionError(f"{chosen.__name__} in {place} has no method convert")
    if not (isinstance(chosen.Arguments, type) and issubclass(chosen.Arguments, BaseModel)):
        raise ConversionError(f"{chosen.__name__}.Arguments in {place} is not a pydantic model")
    return chosen


def check_arguments(converter: type[Converter], arguments: Mapping[str, Any]) -> BaseModel:
    """The settings as an instance of the converter's `Arguments`. Raises ConversionError naming each bad one."""
    fields = converter.Arguments.model_fields
    known = {name for key, field in fields.items() for name in (key, field.alias) if name}
    faults = (
        []
        if converter.Arguments.model_config.get("extra") == "allow"
        else [_unknown(name, known) for name in arguments if name not in known]
    )
    try:
        checked = converter.Arguments.model_validate(dict(arguments))
    except ValidationError as invalid:
        faults += [
            f"argument {'.'.join(map(str, fault['loc'])) or '(all)'}: {fault['msg']}"
            + (f", found {fault['input']!r:.80}" if fault["type"] != "missing" else "")
            for fault in invalid.errors(include_url=False)
            if fault["type"] != "extra_forbidden" or len(fault["loc"]) > 1
        ]
    if faults:
        raise ConversionError("\n".join(faults))
    return checked


def _unknown(name: str, known: set[str]) -> str:
    near = difflib.get_close_matches(name, known, n=1)
    hint = f"did you mean {near[0]}?" if near else f"known are {', '.join(sorted(known)) or 'none'}"
    return f"argument {name}: there is none of that name; {hint}"
