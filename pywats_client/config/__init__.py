"""The configuration of an instance: its model, its files, and the server token."""
