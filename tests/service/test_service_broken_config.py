"""The configuration is broken in many ways while the service runs: the old one stays in force, and it is told."""

import json
import random
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import trio
from service_parts import directly
from whole_service import Life, life

from pywats_client.config.file import load
from pywats_client.errors import ConfigError
from pywats_client.ipc.events import ConfigChanged, ConfigRejected
from pywats_client.paths import Instance
from pywats_client.service.hub import Hub
from pywats_client.service.settings import Settings
from tests.evidence.plugin import Evidence

SECTIONS: dict[str, Any] = {
    "version": "2.0",
    "instance_id": "default",
    "server": {"url": "http://wats.test", "timeout_seconds": 60},
    "station": {"name": "first", "location": "Lab", "purpose": "Test"},
    "service": {"settle_seconds": 1, "max_concurrent_uploads": 5, "log_level": "INFO"},
    "converters": [{"name": "a", "module_path": "csv", "watch_folder": "/in", "file_patterns": ["*.csv"]}],
}
WRONG: tuple[Any, ...] = ([[]], {"a": {}}, -1e300, {"": None})
"""What is no value of any key."""
PARTS = 60


def good() -> bytes:
    return json.dumps(SECTIONS, indent=1).encode()


def half_written() -> Iterator[bytes]:
    whole = good()
    for cut in range(1, PARTS):
        yield whole[: len(whole) * cut // PARTS]


def not_utf8() -> Iterator[bytes]:
    whole, source = good(), random.Random(1)
    for _ in range(PARTS):
        place = source.randrange(len(whole))
        yield whole[:place] + source.choice((b"\xff", b"\xc3(", b"\x80", b"\xed\xa0\x80")) + whole[place:]


def unknown_keys() -> Iterator[bytes]:
    for section, value in SECTIONS.items():
        for key in ("", "nmae", "ping_intervall", section):
            if isinstance(value, dict):
                yield json.dumps({**SECTIONS, section: {**value, f"{key}x": 1}}, indent=1).encode()
    for key in ("sever", "converter", "", "Server"):
        yield json.dumps({**SECTIONS, key: {}}, indent=1).encode()


def wrong_types() -> Iterator[bytes]:
    for wrong in WRONG:
        for section, value in SECTIONS.items():
            yield json.dumps({**SECTIONS, section: wrong}, indent=1).encode()
            for key in value if isinstance(value, dict) else ():
                yield json.dumps({**SECTIONS, section: {**value, key: wrong}}, indent=1).encode()


def odd_files() -> Iterator[bytes]:
    yield from (b"", b"\n", b"null", b"[]", b"\0" * 4096, b"[" * 100_000, b"{" * 100_000, good() * 2)
    yield good().replace(b'"version"', b'"version": "2.0", "version"')
    yield good().decode().encode("utf-16")


VARIANTS = {
    "half written": half_written,
    "not UTF-8": not_utf8,
    "an unknown key": unknown_keys,
    "a wrong type": wrong_types,
    "no configuration at all": odd_files,
}


@pytest.mark.parametrize(
    "kind",
    [
        pytest.param(
            kind,
            marks=pytest.mark.case(
                "F37",
                f"configuration {kind}, during a run",
                injected="generated variants",
                promised="the old one stays in force, the event says why and where",
            ),
        )
        for kind in VARIANTS
    ],
)
def test_a_broken_file_changes_nothing_and_is_told_with_its_place(
    tmp_path: Path, kind: str, evidence: Evidence
) -> None:
    variants = [content for content in dict.fromkeys(VARIANTS[kind]()) if content != good()]
    rejected = trio.run(reload_each, tmp_path, variants)
    assert [why for why in rejected if not re.search(r"config\S*\.json", why)] == []
    with_line = sum(re.search(r"\.json:\d+", why) is not None for why in rejected)
    assert with_line == len(variants) or kind == "no configuration at all", rejected
    evidence(runs=len(variants), figure=f"{len(rejected)} of {len(variants)} refused, {with_line} with the line")


async def reload_each(home: Path, variants: list[bytes]) -> list[str]:
    """What is said of each; afterwards the good one is taken again."""
    instance, hub, said = Instance.find(home=home, environ={}), Hub(), []
    instance.config.write_bytes(good())
    settings = Settings(load(instance, {}), lambda: load(instance, {}), (instance.config,))
    before = settings.config
    with hub.subscribed(len(variants) + 1) as events:
        for content in variants:
            instance.config.write_bytes(content)
            with pytest.raises(ConfigError):
                await settings.reload(hub, directly)
            event = await events.__anext__()
            assert isinstance(event, ConfigRejected), content
            assert settings.config is before
            assert instance.config.read_bytes() == content, "a broken file is left as it is"
            said.append(event.why)
        instance.config.write_bytes(good())
        await settings.reload(hub, directly)
        assert isinstance(await events.__anext__(), ConfigChanged)
    return said


@pytest.mark.case(
    "F37",
    "the configuration is removed, a folder, a loop of links",
    injected="by hand, during a run under load",
    promised="the old one stays in force, work goes on",
)
def test_a_configuration_that_is_no_file_any_more_stops_nothing() -> None:
    with life() as lived:
        (config,) = lived.world.home.rglob("config*.json")
        ways: tuple[Callable[[], None], ...] = (lambda: None, config.mkdir, lambda: config.symlink_to(config))
        for spoil in ways:
            config.unlink()
            spoil()
            lived.drop()
            lived.world.pump(10.0)
            assert lived.is_converted()
            assert told_of_the_fault(lived)
            if config.is_dir():
                config.rmdir()
            lived.world.configure()
            lived.go_on(10.0)
        lived.seconds_until()
        lived.promises.check_end()


def told_of_the_fault(lived: Life) -> bool:
    """Whether it was said that the old configuration stays in force, and nothing else is wrong."""
    said = list(lived.world.errors.lines)
    lived.world.errors.lines.clear()
    return len(said) == 1 and "the old one stays in force" in said[0]
