"""The service's status, for scripts: `status.pending_count`, `status["converters"]`, `print(status)`."""

from typing import Any


class Status(dict[str, Any]):
    """The data of `get_status`, also by attribute."""

    def __getattr__(self, name: str) -> Any:
        try:
            return self[name]
        except KeyError:
            raise AttributeError(f"the status has no {name!r}; it has {', '.join(self)}") from None

    @property
    def pending_count(self) -> int:
        """Undelivered reports that will be sent."""
        return int(self["queue_size"])

    def __str__(self) -> str:
        converters = ", ".join(f"{item['name']} {item['state']}" for item in self["converters"]) or "none"
        return (
            f"{self['instance_id']}: {self['status']}, server {self['api_status']}, "
            f"{self['queue_size']} waiting; converters: {converters}"
        )
