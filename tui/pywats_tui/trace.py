"""The life of a file or report, as text."""

from datetime import datetime

from pywats_client.ipc.commands.sources import GetTrace
from pywats_client.logs import show_name


def trace_text(found: GetTrace.Result, key: str) -> str:
    """Each life with its steps, and how long each took."""
    if not found.lives:
        return f"the journal knows no file, serial number or report {show_name(key)!r}"
    return "\n\n".join(_life(life) for life in found.lives)


def _life(life: GetTrace.Life) -> str:
    title = show_name(life.source) or "put into the queue by hand"
    lines = [f"{title}  ({show_name(life.converter)})" if life.converter else title]
    for entry in life.entries:
        when = datetime.fromisoformat(entry.time).astimezone().strftime("%Y-%m-%d %H:%M:%S")
        after = "" if entry.seconds is None else f"+{entry.seconds:.3f} s"
        lines.append(f"  {when} {after:>11}  {entry.event:<11} {show_name(entry.detail)}".rstrip())
    return "\n".join(lines)
