"""The status word in letters three rows high, to be read from across a hall."""

from textual.widgets import Static

from pywats_tui.picture import Word

LETTERS = {
    "A": ("▄▀▄", "█▀█", "▀ ▀"),
    "E": ("█▀▀", "█▀ ", "▀▀▀"),
    "F": ("█▀▀", "█▀ ", "▀  "),
    "I": ("█", "█", "▀"),
    "L": ("█  ", "█  ", "▀▀▀"),
    "N": ("█▄ █", "█ ▀█", "▀  ▀"),
    "O": ("█▀█", "█ █", "▀▀▀"),
    "P": ("█▀█", "█▀▀", "▀  "),
    "R": ("█▀█", "█▀▄", "▀ ▀"),
    "S": ("█▀▀", "▀▀█", "▀▀▀"),
    "T": ("▀█▀", " █ ", " ▀ "),
    "U": ("█ █", "█ █", "▀▀▀"),
    "W": ("█   █", "█ █ █", "▀▀ ▀▀"),
}
SIGNS = {Word.RUN: "►", Word.WAIT: "▬", Word.OFFLINE: "○", Word.STOP: "■"}
"""Beside the word; the console of Linux has these, too."""
CLASSES = {Word.RUN: "good", Word.WAIT: "doubtful", Word.OFFLINE: "doubtful", Word.STOP: "bad"}


def letters(word: str) -> str:
    """The word, three rows."""
    return "\n".join(" ".join(LETTERS[letter][row] for letter in word) for row in range(3))


class BigWord(Static):
    """One status word."""

    def tell(self, word: Word) -> None:
        """Show it, in its colour."""
        self.set_classes(CLASSES[word])
        sign = SIGNS[word]
        self.update("\n".join(f"{sign} {row}" for row in letters(word).splitlines()))
