"""Commands about the sources that could not be converted."""

from collections.abc import Callable, Iterable
from operator import attrgetter

from pywats_client.errors import CommandFailed
from pywats_client.ipc.commands.queue import Untouched
from pywats_client.ipc.commands.sources import (
    DiscardSources,
    FailedSource,
    GetFailedSources,
    GetSource,
    RetrySources,
)
from pywats_client.ipc.protocol import Code
from pywats_client.logs import show_text
from pywats_client.service.failed_sources import CannotMove, Failed
from pywats_client.service.handlers.converters import configured
from pywats_client.service.handlers.registry import handlers
from pywats_client.service.parts import Parts


@handlers.handles(GetFailedSources)
async def get_failed_sources(command: GetFailedSources, parts: Parts) -> GetFailedSources.Result:
    """Look into the error folders."""
    found = await _of_converter(parts, command.converter)
    sources: list[FailedSource] = await parts.in_thread(_listed, found, command.search)
    window = sources[command.offset : command.offset + command.limit]
    return GetFailedSources.Result(sources=window, total=len(sources))


async def _of_converter(parts: Parts, name: str) -> list[Failed]:
    """Its failed sources, or all without a name. Raises CommandFailed."""
    if name:
        configured(parts, name)
    return [source for source in await parts.failed_sources.look() if name in ("", source.converter.name)]


def _listed(found: Iterable[Failed], search: str) -> list[FailedSource]:
    """Those that hold the text, newest first."""
    wanted = search.casefold()
    listed = []
    for source in found:
        try:
            facts = source.facts()
        except OSError:  # gone meanwhile
            continue
        if wanted in f"{facts.id}\n{facts.reason}".casefold():
            listed.append(facts)
    return sorted(listed, key=attrgetter("failed"), reverse=True)


@handlers.handles(GetSource)
async def get_source(command: GetSource, parts: Parts) -> GetSource.Result:
    """Read the beginning of it."""
    found = {source.id: source for source in await parts.failed_sources.look()}
    if command.id not in found:
        raise CommandFailed(Code.NOT_FOUND, _not_found(command.id))
    source = found[command.id]
    try:
        facts = await parts.in_thread(source.facts)
        head, is_whole = await parts.in_thread(source.head)
    except FileNotFoundError:
        raise CommandFailed(Code.NOT_FOUND, _not_found(command.id)) from None
    return GetSource.Result(source=facts, reason=show_text(source.reason), head=head, is_whole=is_whole)


def _not_found(source_id: str) -> str:
    return f"no error folder holds {source_id[:300]!r}"


@handlers.handles(RetrySources)
async def retry_sources(command: RetrySources, parts: Parts) -> RetrySources.Result:
    """Move them into their watched folders, and look there."""
    if not command.ids and not command.converter:
        raise CommandFailed(Code.INVALID, "name sources by `ids`, or all of a `converter`")
    found = await _of_converter(parts, command.converter)
    ids = command.ids or [source.id for source in found]
    retried, untouched = await _move_all(parts, found, ids, lambda source: source.retry(parts.disk))
    parts.pool.look_soon()
    parts.failed_sources.look_soon()
    return RetrySources.Result(retried=retried, untouched=untouched)


@handlers.handles(DiscardSources)
async def discard_sources(command: DiscardSources, parts: Parts) -> DiscardSources.Result:
    """Set them aside."""
    found = await parts.failed_sources.look()
    discarded, untouched = await _move_all(parts, found, command.ids, lambda source: source.discard(parts.disk))
    parts.failed_sources.look_soon()
    return DiscardSources.Result(discarded=discarded, untouched=untouched)


async def _move_all(
    parts: Parts, found: Iterable[Failed], ids: Iterable[str], move: Callable[[Failed], None]
) -> tuple[list[str], list[Untouched]]:
    """Move each in a thread: one that fails does not keep the others."""
    sources = {source.id: source for source in found}
    moved: list[str] = []
    untouched: list[Untouched] = []
    for source_id in dict.fromkeys(ids):
        if source_id not in sources:
            untouched.append(Untouched(id=source_id, why="no error folder holds it", code=Code.NOT_FOUND))
            continue
        try:
            await parts.in_thread(move, sources[source_id])
            moved.append(source_id)
        except (CannotMove, OSError) as error:
            untouched.append(Untouched(id=source_id, why=str(error), code=Code.TEMPORARY))
    return moved, untouched
