"""What both ends agree on beside the frames. No models here: clients that only ask load this and no more."""

from enum import StrEnum

PROTOCOL_VERSION = "2.0"
LEAST_VERSION = (2, 0)
"""A request without a version counts as 1.0 and is refused, as by the older service."""

MAX_IN, MAX_OUT = 1 << 20, 16 << 20
"""Bytes of one message to the service, and from it."""


class Code(StrEnum):
    """Why a command failed, for programs."""

    INVALID = "invalid"
    """the frame or an argument is not what it should be; nothing was done"""
    UNKNOWN_COMMAND = "unknown_command"
    VERSION = "version"
    """the client speaks a version of the protocol that the service does not"""
    FORBIDDEN = "forbidden"
    """the scope of this client does not allow it"""
    NOT_FOUND = "not_found"
    CONFIG = "config"
    """the configuration cannot be used, as it is or as it would be; the one in force stays"""
    CONFLICT = "conflict"
    """not in this state: a report is being uploaded, a converter is not configured"""
    TEMPORARY = "temporary"
    """a passing fault: trying again helps"""
    TOO_LARGE = "too_large"
    """the answer would not fit into a message; ask for less"""
    FAILED = "failed"


class Scope(StrEnum):
    """What a client may do; each includes the ones before it."""

    VIEW = "view"
    OPERATE = "operate"
    ADMIN = "admin"

    def includes(self, other: "Scope") -> bool:
        """Whether who has this scope may do what needs the other."""
        order = list(Scope)
        return order.index(self) >= order.index(other)
