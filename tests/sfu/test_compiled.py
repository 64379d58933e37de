"""Functions that Python cannot enter, and who calls them."""

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]


def decorators(function: ast.FunctionDef) -> set[str]:
    return {ast.unparse(each) for each in function.decorator_list}


def interpreted(tree: ast.Module) -> Iterator[ast.AST]:
    """All nodes that run as Python."""
    for top in tree.body:
        if not isinstance(top, ast.FunctionDef) or "compiled" not in decorators(top):
            yield from ast.walk(top)


def entryless() -> dict[str, set[str]]:
    """By module: the functions that only compiled ones may call."""
    found: dict[str, set[str]] = {}
    for file in (ROOT / "sfu").rglob("*.py"):
        name = ".".join(file.relative_to(ROOT).with_suffix("").parts)
        for node in ast.parse(file.read_text()).body:
            if isinstance(node, ast.FunctionDef) and {
                "compiled_within",
                "compiled_inline",
            } & decorators(node):
                found.setdefault(name, set()).add(node.name)
    return found


def test_python_calls_no_function_without_an_entry() -> None:
    """Such a call would end the process, and only where the plane is compiled."""
    functions = entryless()
    assert "forward" in functions["sfu.plane.forwarding"]
    called = []
    for file in (*(ROOT / "tests").rglob("*.py"), *(ROOT / "benchmarks").rglob("*.py")):
        tree = ast.parse(file.read_text())
        modules: dict[str, set[str]] = {}
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom) and node.module:
                for each in node.names:
                    if each.name in functions.get(node.module, set()):
                        called.append(f"{file.relative_to(ROOT)}: {each.name}")
                    whole = functions.get(f"{node.module}.{each.name}")
                    if whole is not None:
                        modules[each.asname or each.name] = whole
        called += [
            f"{file.relative_to(ROOT)}: {node.value.id}.{node.attr}"
            for node in interpreted(tree)
            if isinstance(node, ast.Attribute)
            and isinstance(node.value, ast.Name)
            and node.attr in modules.get(node.value.id, set())
        ]
    assert called == []
