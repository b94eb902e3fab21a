import sys
from pathlib import Path

import pytest

from pywats_client.converters import Converter
from pywats_client.converters.registry import built_in_names, check_arguments, load, resolve
from pywats_client.errors import ConversionError

CODE = """
from pywats_client.converters import *
class Mine(FileConverter):
    class Arguments(FileConverter.Arguments):
        count: int
        nested: dict[str, int] = {}
    def convert(self, source, context): return None
"""


FORMATS = [
    *("atml", "csv", "gr228x", "i3070", "junit", "klippel", "listen", "openhtf", "robot", "saki", "seica_xml"),
    *("sigmaquest", "spea", "spectrum", "stdf", "takaya", "tdms", "testexec_sl", "teststand_xml"),
    *("wats_json", "wats_text", "wats_xml", "xjtag"),
]


def test_built_in_formats_are_found_by_name() -> None:
    assert built_in_names() == FORMATS
    for name in built_in_names():
        reference, stamp = resolve(name, Path("/nowhere"))
        assert load(reference).name == name
        assert stamp == ()


def test_a_relative_file_is_looked_for_in_the_converters_folder_then_in_the_users(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    users = tmp_path / "home" / ".pywats" / "converters"
    users.mkdir(parents=True)
    (users / "x.py").write_text(CODE)
    assert resolve("x.py", tmp_path)[0] == str(users / "x.py")
    assert resolve("~/.pywats/converters/x.py", tmp_path)[0] == str(users / "x.py")
    (tmp_path / "x.py").write_text(CODE)
    assert resolve("x.py:Mine", tmp_path)[0] == f"{tmp_path / 'x.py'}:Mine"


def test_the_stamp_changes_with_the_file(tmp_path: Path) -> None:
    file = tmp_path / "x.py"
    file.write_text(CODE)
    _, before = resolve(str(file), tmp_path)
    file.write_text(CODE + "\n")
    assert resolve(str(file), tmp_path)[1] != before


def test_resolving_imports_nothing_of_the_user(tmp_path: Path) -> None:
    (tmp_path / "x.py").write_text("raise SystemExit('imported')")
    assert resolve("x.py", tmp_path)[0] == str(tmp_path / "x.py")
    assert resolve("x.py:Any", tmp_path)[0] == f"{tmp_path / 'x.py'}:Any"
    assert resolve("not_there.anywhere:Any", tmp_path)[0] == "not_there.anywhere:Any"
    assert resolve("not_there.anywhere.Any", tmp_path)[0] == "not_there.anywhere.Any"


@pytest.mark.parametrize(
    ("module_path", "words"),
    [
        ("gone.py", r"the converter gone\.py is not there: no such file in .* nor in .*\.pywats"),
        ("/gone/x.py", r"no such file in /gone$"),
        ("C:/TestData/x.py", r"the converter x\.py is not there"),
        ("~nobody-of-that-name/x.py", "home of a user who is not known"),
        ("cvs", "did you mean 'csv'"),
        ("", "there is no converter ''"),
    ],
)
def test_what_cannot_be_found_is_told(tmp_path: Path, module_path: str, words: str) -> None:
    with pytest.raises(ConversionError, match=words):
        resolve(module_path, tmp_path)


def test_a_plug_in_is_found_by_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "acme_1-1.0.dist-info"
    package.mkdir()
    (package / "METADATA").write_text("Metadata-Version: 2.1\nName: acme-1\nVersion: 1.0\n")
    (package / "entry_points.txt").write_text("[pywats_client.converters]\nacme = acme_one.boards:Mine\n")
    (tmp_path / "acme_one").mkdir()
    (tmp_path / "acme_one" / "boards.py").write_text(CODE)
    monkeypatch.syspath_prepend(str(tmp_path))
    reference, _ = resolve("acme", tmp_path)
    assert reference == "acme_one.boards:Mine"
    try:
        assert load(reference).__name__ == "Mine"
        assert load("acme_one.boards.Mine").__name__ == "Mine"
        with pytest.raises(ConversionError, match=r"acme_one\.boards has no class Other"):
            load("acme_one.boards:Other")
        with pytest.raises(ConversionError, match=r"Converter in .* has no method convert"):
            load("acme_one.boards:Converter")
    finally:
        for name in [name for name in sys.modules if name.startswith("acme_one")]:
            del sys.modules[name]


def test_a_class_that_is_no_converter_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConversionError, match="Path in pathlib is not derived from Converter"):
        load("pathlib:Path")


def test_a_module_beside_the_converter_can_be_imported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", list(sys.path))
    (tmp_path / "beside_x.py").write_text("NAME = 'from beside'")
    (tmp_path / "x.py").write_text("import beside_x\n" + CODE + "    name = beside_x.NAME\n")
    (tmp_path / "csv.py").write_text("raise AssertionError('stands in for the library')")
    assert load(str(tmp_path / "x.py")).name == "from beside"


def mine(tmp_path: Path, code: str = CODE) -> type[Converter]:
    (tmp_path / "x.py").write_text(code)
    return load(str(tmp_path / "x.py"))


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({}, "argument count: Field required"),
        ({"count": "many"}, "argument count: Input should be a valid integer"),
        ({"count": 1, "nested": {"a": "x"}}, "argument nested.a: Input should be a valid integer"),
        ({"count": 1, "cuont": 2}, "argument cuont: there is none of that name; did you mean count?"),
        ({"count": 1, "zzz": 2}, "argument zzz: there is none of that name; known are count, nested"),
    ],
)
def test_a_bad_argument_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: dict[str, object], sentence: str
) -> None:
    monkeypatch.setattr(sys, "path", list(sys.path))
    with pytest.raises(ConversionError) as caught:
        check_arguments(mine(tmp_path), arguments)
    assert str(caught.value).startswith(sentence)


def test_unknown_arguments_are_refused_even_where_the_model_would_ignore_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "path", list(sys.path))
    lax = CODE.replace("FileConverter.Arguments", "BaseModel")
    converter = mine(tmp_path, "from pydantic import BaseModel\n" + lax)
    with pytest.raises(ConversionError, match="argument other: there is none"):
        check_arguments(converter, {"count": 1, "other": 2})
