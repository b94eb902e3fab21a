"""The built-in formats: one file a format, each with one converter; the file's name is the format's name."""
