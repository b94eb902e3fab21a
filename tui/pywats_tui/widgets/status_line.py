"""The first row of every screen: how the station is, and which it is."""

from textual.widgets import Static

from pywats_client.logs import show_name
from pywats_tui.picture import Link, Picture
from pywats_tui.widgets.big_word import CLASSES, SIGNS
from pywats_tui.words import clock_time, now


class StatusLine(Static):
    """Status word, instance, server, connection; or since when all of it is stale."""

    def tell(self, picture: Picture, instance_id: str) -> None:
        """Show it."""
        word = picture.word
        self.set_classes(CLASSES[word])
        parts = [f"{SIGNS[word]} {word}", show_name(instance_id)]
        if picture.link is Link.LIVE:
            server = picture.facts.get("server_url") or "no server configured"
            parts += [server.removeprefix("https://").removeprefix("http://"), str(picture.snapshot.connection)]
        else:
            parts.append(f"stale since {clock_time(picture.since)}")
        left = "  ".join(parts)
        right = now().astimezone().strftime("%H:%M:%S")
        room = self.size.width - len(left) - len(right) - 2
        self.update(f"{left}{' ' * room}{right}" if room > 0 else left[: max(0, self.size.width)], layout=False)
