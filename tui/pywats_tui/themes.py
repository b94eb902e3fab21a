"""How it is painted: dark, light, and for bright halls. Colours only repeat what words and signs say."""

from textual.theme import Theme

DARK = Theme(
    name="dark",
    primary="#5fafff",
    secondary="#87afd7",
    accent="#ffaf5f",
    foreground="#d7d7d7",
    background="#101418",
    surface="#181d23",
    panel="#242b33",
    success="#5fd787",
    warning="#ffd75f",
    error="#ff6b6b",
    dark=True,
)
LIGHT = Theme(
    name="light",
    primary="#005f9f",
    secondary="#3f6f9f",
    accent="#9f5f00",
    foreground="#202428",
    background="#fbfbf8",
    surface="#f1f1ec",
    panel="#dfdfd8",
    success="#1f7a3f",
    warning="#8a6100",
    error="#b3261e",
    dark=False,
)
CONTRAST = Theme(
    name="contrast",
    primary="#ffffff",
    secondary="#ffffff",
    accent="#ffff00",
    foreground="#ffffff",
    background="#000000",
    surface="#000000",
    panel="#303030",
    success="#00ff00",
    warning="#ffff00",
    error="#ff5555",
    dark=True,
)
THEMES = (DARK, LIGHT, CONTRAST)
