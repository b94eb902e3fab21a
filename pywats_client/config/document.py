"""A JSON file of the configuration: its content, and on which line each key stands."""

import json
from dataclasses import dataclass, field
from json import JSONDecodeError, JSONDecoder
from pathlib import Path
from typing import Any, Self, TypeAlias

from pywats_client.config.fault import Fault
from pywats_client.errors import ConfigError

KeyPath: TypeAlias = tuple[str | int, ...]

_HINTS = {
    "Invalid \\escape": "in a Windows path write `/`, or each `\\` twice",
    "Expecting property name": "a comma before `}` is one too many; keys stand in double quotes",
    "Expecting ',' delimiter": "a comma or a bracket is missing before this",
    "Expecting value": "a value is missing, or a comma is one too many",
    "Extra data": "something follows after the end",
}


@dataclass(frozen=True)
class Document:
    """One file as it is on disk; `data` keeps the order of its keys."""

    file: Path
    data: Any
    content: bytes = b""
    lines: dict[KeyPath, int] = field(default_factory=dict)
    """The line of each key and list item, counted from 1."""

    @classmethod
    def read(cls, file: Path) -> Self | None:
        """The file's content, None where there is no file; ConfigError where it is no JSON in UTF-8 or unreadable."""
        try:
            content = file.read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise ConfigError("", f"cannot be read: {error.strerror}", file=file) from error
        return cls.parse(file, content)

    @classmethod
    def parse(cls, file: Path, content: bytes) -> Self:
        """The same from content at hand; `file` is what messages name."""
        try:
            text = content.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            line = content.count(b"\n", 0, error.start) + 1
            raise ConfigError("", "is not UTF-8 text; save it as UTF-8", file=file, line=line) from error
        if not text.strip():
            raise ConfigError("", f"is empty{_backup_hint(file)}", file=file)
        try:
            data = json.loads(text)
        except JSONDecodeError as error:
            raise ConfigError("", _explain(error) + _backup_hint(file), file=file, line=error.lineno) from error
        except (ValueError, RecursionError) as error:
            raise ConfigError("", f"is no JSON that can be used: {error}", file=file) from error
        places = _Places(text)
        if places.twice:
            raise ConfigError(*_given_twice(places), file=file, line=places.twice[0][1])
        return cls(file, data, content, places.lines)

    def line(self, path: KeyPath) -> int | None:
        """The line of a key; where it is missing, that of what should hold it."""
        while path and path not in self.lines:
            path = path[:-1]
        return self.lines.get(path)

    def fault(self, path: KeyPath, why: str) -> Fault:
        """What is wrong with one key of this file."""
        return Fault(self.file, self.line(path), show_path(path), why)


def show_path(path: KeyPath) -> str:
    """`("converters", 1, "priority")` as `converters[1].priority`."""
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path).removeprefix(".")


class _Places:
    """Walks a JSON text that is known to be right, and notes on which line keys and items begin."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.lines: dict[KeyPath, int] = {}
        self.twice: list[tuple[KeyPath, int]] = []
        self._decoder = JSONDecoder()
        self._at, self._line = 0, 1
        self._value(())

    def _next(self) -> str:
        """Skip white space; the character that follows."""
        while (char := self.text[self._at]) in " \t\r\n":
            self._line += char == "\n"
            self._at += 1
        return char

    def _scalar(self) -> Any:
        value, self._at = self._decoder.raw_decode(self.text, self._at)
        return value

    def _value(self, path: KeyPath) -> None:
        opening = self._next()
        self.lines.setdefault(path, self._line)
        if opening not in "{[":
            self._scalar()
            return
        self._at += 1
        index = 0
        while (char := self._next()) not in "}]":
            if char == ",":
                self._at += 1
            elif opening == "{":
                self._member(path)
            else:
                self._value((*path, index))
                index += 1
        self._at += 1

    def _member(self, path: KeyPath) -> None:
        line = self._line
        key = (*path, self._scalar())
        if key in self.lines:
            self.twice.append((key, line))
        self.lines.setdefault(key, line)
        self._next()
        self._at += 1  # the colon
        self._value(key)


def _given_twice(places: _Places) -> tuple[str, str]:
    path, _ = places.twice[0]
    return show_path(path), f"is given twice; the first is on line {places.lines[path]}"


def _explain(error: JSONDecodeError) -> str:
    hint = next((f"; {hint}" for start, hint in _HINTS.items() if error.msg.startswith(start)), "")
    # Nothing of the text itself: a password may stand there, and everybody may read this.
    return f"column {error.colno}: is no JSON here: {error.msg}{hint}"


def _backup_hint(file: Path) -> str:
    backup = file.with_name(file.name + ".bak")
    return f"; what was there before the last change is in {backup.name}" if backup.exists() else ""
