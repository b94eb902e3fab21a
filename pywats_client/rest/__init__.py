"""The HTTP face, off unless `http.enabled`: the commands as REST, events on a websocket, health and metrics."""
