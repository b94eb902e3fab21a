"""The frames of the protocol: each is one websocket text message that holds one JSON object.

They are those of the GUI protocol 2.0 of the older clients, completed by `code` in a failed response and by events.
The first frame of a connection is the service's Hello; then one Response for each Request, and events between them
for those who subscribed. Responses come in any order; `request_id` says which request they answer.
"""

from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from pywats_client.ipc.protocol import PROTOCOL_VERSION, Code


class Frame(BaseModel):
    """Unknown keys are ignored: newer programs may send more."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class Hello(Frame):
    """What the service says first."""

    protocol_version: str = PROTOCOL_VERSION
    server_version: str
    instance_id: str
    requires_auth: bool
    """whether `auth` with a key must come before any other command"""
    capabilities: tuple[str, ...]


class Request(Frame):
    """A command. `request_id` is the client's own choice, and comes back in the response."""

    command: str
    request_id: str = ""
    protocol_version: str = "1.0"
    args: Any = Field(default_factory=dict)
    """an object; looked at with the command, so that the response to another thing has the request's id"""


class Response(Frame):
    """The one answer to a request."""

    success: bool
    data: Any = None
    error: str | None = None
    """the sentence a person reads, where it failed"""
    code: Code | None = None
    request_id: str = ""
    protocol_version: str = PROTOCOL_VERSION


class EventFrame(Frame):
    """Something happened. `seq` counts by one for each event of this subscription, without a gap."""

    event: str
    seq: int
    data: dict[str, Any]
