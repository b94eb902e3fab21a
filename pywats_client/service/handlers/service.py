"""Commands about the service as a whole."""

from pywats_client.config.file import load
from pywats_client.config.model import Config
from pywats_client.ipc.commands.service import GetStatus, Pause, Restart, Resume, Stop, SyncNow, What
from pywats_client.service.control import WORKS, Work
from pywats_client.service.handlers.registry import handlers
from pywats_client.service.parts import Parts
from pywats_client.service.startable import require_local_queue, require_own_folders
from pywats_client.service.status import status


@handlers.handles(GetStatus)
async def get_status(command: GetStatus, parts: Parts) -> GetStatus.Result:
    """How everything is."""
    return status(parts)


@handlers.handles(SyncNow)
async def sync_now(command: SyncNow, parts: Parts) -> SyncNow.Result:
    """Wake whoever waits for the next time to look."""
    parts.pool.look_soon()
    parts.hints.ring_all()
    parts.connection.ask_again()
    parts.settings.hurry()
    return SyncNow.Result()


@handlers.handles(Pause)
async def pause(command: Pause, parts: Parts) -> Pause.Result:
    """Begin no more of it; what has begun is finished."""
    return Pause.Result(paused=list(await parts.control.pause(*_works(command.what))))


@handlers.handles(Resume)
async def resume(command: Resume, parts: Parts) -> Resume.Result:
    """Go on."""
    return Resume.Result(paused=list(await parts.control.resume(*_works(command.what))))


def _works(what: What) -> tuple[Work, ...]:
    return WORKS if what == "all" else (what,)


@handlers.handles(Stop)
async def stop(command: Stop, parts: Parts) -> Stop.Result:
    """Leave the tree. The answer is sent before the control plane ends."""
    parts.control.end(restart=False)
    return Stop.Result()


@handlers.handles(Restart)
async def restart(command: Restart, parts: Parts) -> Restart.Result:
    """Leave the tree, and begin anew: not with what a start would refuse, or the service would be gone."""
    instance = parts.instance
    async with parts.settings.changing:
        config: Config = await parts.in_thread(load, instance, parts.environ, parts.disk)
    await parts.in_thread(require_local_queue, config, instance)
    require_own_folders(config, instance, parts.intake.locks)
    parts.control.end(restart=True)
    return Restart.Result()
