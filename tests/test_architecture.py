"""What holds the parts together: few places catch everything, and imports stand at the top."""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pywats_client

PACKAGE = Path(pywats_client.__file__).parent

BULKHEADS = {
    "service/keep_up.py: keep_up",
    "service/pending_queue.py: _attempt",
    "service/converter_pool.py: _convert_or_set_aside",
    "converters/worker.py: main",
    "converters/failures.py: describe",
    "emulator/serve.py: _listen",
    "ipc/connection.py: _answer",
    "ipc/server.py: _serve_stream",
    "rest/answers.py: answer",
    "rest/server.py: serve",
}
"""One upload, one source, one call in a worker (and what a stranger's exception says of itself), a part; one command,
one connection; and the emulator's web server, which dies of a malformed header."""

LATE = {
    "ipc/client.py: open: websockets.sync.client",  # tens of milliseconds that a missing service does not cost
    "ipc/async_client.py: _greeted: websockets.asyncio.client",
    "ipc/unix_socket.py: _group_id: grp",  # POSIX alone has it
    "service/http_face.py: _load: pywats_client.rest.server",  # of packages that may be missing; costs memory
    "config/token.py: _machine_id: winreg",
    "converters/reading/tdms_content.py: _library: nptdms",  # an extra, and heavy
    "converters/reading/tdms_channels.py: _pieces: numpy",
    "converters/reading/robot_output.py: read: robot.api",  # of an extra, and slow to import
    "converters/reading/robot_output.py: read: robot.errors",
}


def modules() -> Iterator[tuple[str, ast.Module]]:
    for file in sorted(PACKAGE.rglob("*.py")):
        yield file.relative_to(PACKAGE).as_posix(), ast.parse(file.read_text("utf-8"))


def functions(tree: ast.AST, name: str = "") -> Iterator[tuple[str, ast.AST]]:
    """Every node, with the name of the innermost function around it."""
    for node in ast.iter_child_nodes(tree):
        inner = node.name if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) else name
        yield name, node
        yield from functions(node, inner)


def is_broad(handler: ast.ExceptHandler) -> bool:
    """Whether it catches what it did not expect, and does not raise it again at its end."""
    named = (
        {node.id for node in ast.walk(handler.type) if isinstance(node, ast.Name)} if handler.type else {"Exception"}
    )
    raises = isinstance(handler.body[-1], ast.Raise) and handler.body[-1].exc is None
    return bool(named & {"Exception", "BaseException"}) and not raises


def test_only_the_bulkheads_catch_what_they_did_not_expect() -> None:
    found = {
        f"{file}: {name}"
        for file, tree in modules()
        for name, node in functions(tree)
        if isinstance(node, ast.ExceptHandler) and is_broad(node)
    }
    assert found == BULKHEADS


def test_nobody_suppresses_everything() -> None:
    found = [
        f"{file}:{node.lineno}"
        for file, tree in modules()
        for _, node in functions(tree)
        if isinstance(node, ast.Call)
        and ast.unparse(node.func).endswith("suppress")
        and {"Exception", "BaseException"} & {ast.unparse(argument) for argument in node.args}
    ]
    assert found == []


def may_import_late(file: str) -> bool:
    return file.startswith(("cli/", "converters/worker")) or file.endswith("__init__.py") or file == "__main__.py"


def test_imports_stand_at_the_top_but_where_importing_is_the_task() -> None:
    found = {
        f"{file}: {name}: {imported(node)}"
        for file, tree in modules()
        for name, node in functions(tree)
        if name and isinstance(node, ast.Import | ast.ImportFrom) and not may_import_late(file)
    }
    assert found == LATE


def imported(node: ast.Import | ast.ImportFrom) -> str:
    return node.module or "" if isinstance(node, ast.ImportFrom) else node.names[0].name


def test_trio_is_the_only_event_loop_of_ours() -> None:
    found = {
        f"{file}: {imported(node)}"
        for file, tree in modules()
        for _, node in functions(tree)
        if isinstance(node, ast.Import | ast.ImportFrom) and imported(node).split(".")[0] == "asyncio"
    }
    assert found == {"ipc/async_client.py: asyncio"}  # for programs of others


def test_importing_the_package_imports_nothing_heavy() -> None:
    import subprocess

    code = "import sys, pywats_client; print(*sorted(sys.modules))"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert {"trio", "httpx", "pydantic", "textual", "typer"} & set(loaded) == set()
