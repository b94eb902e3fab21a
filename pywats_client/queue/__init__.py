"""The durable part: reports wait here as files, and a file's name says where it is."""
