"""Commands about what has happened: the journal, and the log."""

from dataclasses import asdict
from datetime import UTC, datetime

from pywats_client.errors import CommandFailed
from pywats_client.ipc.commands.sources import GetLog, GetTrace, GetYield
from pywats_client.ipc.protocol import Code
from pywats_client.service.handlers.registry import handlers
from pywats_client.service.log_tail import log_tail
from pywats_client.service.parts import Parts
from pywats_client.service.statistics import Yield, shift_start


@handlers.handles(GetTrace)
async def get_trace(command: GetTrace, parts: Parts) -> GetTrace.Result:
    """What the journal remembers."""
    return GetTrace.Result(lives=parts.journal.lives(command.key))


@handlers.handles(GetYield)
async def get_yield(command: GetYield, parts: Parts) -> GetYield.Result:
    """Of the last units, and of the shift: the one that is asked for, or the present one of the station."""
    now = parts.clock.now()
    since = _moment(command.shift_start) if command.shift_start else None
    since = since or shift_start(now, parts.settings.config.station.shift_starts)
    statistics = parts.journal.statistics
    yields = statistics.yields(command.units, since.timestamp())
    conversions, uploads = statistics.rates(now.timestamp())
    return GetYield.Result(
        last_units=_shown(yields.last),
        shift=_shown(yields.shift),
        shift_start=since.isoformat(timespec="seconds"),
        failing_steps=[GetYield.FailingStep(step=step, count=count) for step, count in yields.failing_steps],
        conversions_a_minute=conversions,
        uploads_a_minute=uploads,
        is_loaded=parts.journal.is_loaded,
    )


def _moment(text: str) -> datetime:
    """A time without an offset is the station's local time. Raises CommandFailed."""
    try:
        return datetime.fromisoformat(text).astimezone()
    except (ValueError, OverflowError) as error:
        expected = datetime.now(UTC).astimezone().isoformat(timespec="seconds")
        raise CommandFailed(
            Code.INVALID, f"shift_start: expected a moment such as {expected}; found {text[:100]!r}"
        ) from error


def _shown(found: Yield) -> GetYield.Yield:
    return GetYield.Yield(**asdict(found), percent=found.percent)


@handlers.handles(GetLog)
async def get_log(command: GetLog, parts: Parts) -> GetLog.Result:
    """Read the files, in a thread: they may be large."""
    lines = await parts.in_thread(log_tail, parts.instance.log, command.level, command.search, command.limit)
    return GetLog.Result(lines=lines, file=str(parts.instance.log))
