"""The README's pictures are of the dashboard as it is, and ask no other host for anything."""

import re
from pathlib import Path
from xml.etree import ElementTree

import pytest
from pictures import FOLDER, SHOWN, pictures

README = (Path(__file__).parents[2] / "README.md").read_text("utf-8")
BAR = re.compile("[▁-▏]+")
NAMESPACE = "http://www.w3.org/2000/svg"


def texts(svg: str) -> list[str]:
    """But for the ends of bars, which come and go."""
    found = (each.text or "" for each in ElementTree.fromstring(svg).iter(f"{{{NAMESPACE}}}text"))
    return [text for text in found if text.strip() and not BAR.fullmatch(text)]


@pytest.mark.parametrize("name", SHOWN)
def test_a_picture_holds_no_link_and_is_in_the_readme(name: str) -> None:
    svg = (FOLDER / name).read_text("utf-8")
    assert (
        re.findall(r"https?://\S+?(?=[\"'<\s])", svg.replace(NAMESPACE, "").replace("https://acme.wats.com", "")) == []
    )
    assert "url(http" not in svg
    assert f"](examples/pictures/{name})" in README


def test_the_pictures_say_what_the_dashboard_says_now() -> None:
    for name, svg in pictures():
        assert texts(svg) == texts((FOLDER / name).read_text("utf-8")), f"{name} is old: make pictures"
