"""How values of the configuration are shown: secrets never, numbers as people write them."""

import re
from collections.abc import Mapping
from typing import Any

SECRET = re.compile(r"token|password|secret|api_?key|credential", re.IGNORECASE)
"""Names of keys whose values are never shown."""

MASK = "********"
_LOGIN_IN_ADDRESS = re.compile(r"(?<=://)[^/@\s]+(?=@)")


def shown(values: Mapping[str, Any]) -> dict[str, Any]:
    """A copy in which tokens, passwords and the like are `********`."""
    return {name: shown_value(name, value) for name, value in values.items()}


def shown_value(name: str, value: Any) -> Any:
    """The value of one key, as it may be shown."""
    match value:
        case Mapping():
            return shown(value)
        case list() | tuple():
            return [shown_value(name, item) for item in value]
        case str() if value:
            return MASK if SECRET.search(name) else _LOGIN_IN_ADDRESS.sub(MASK, value)
        case float() if value.is_integer():
            return int(value)
        case _:
            return value
