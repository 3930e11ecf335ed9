"""Names that a reader looks for lead to one place: no public class twice, no file name in many rooms."""

import ast
from collections import defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = ("aois", "detectors", "flows")
MOST_FILES = 2  # a command and the job it starts, a room and the records it keeps
OF_EVERY_ROOM = {"__init__.py", "errors.py"}


def modules(root: Path) -> list[Path]:
    return sorted(path for package in PACKAGES for path in (root / package).rglob("*.py"))


def public_classes(paths: Iterable[Path]) -> dict[str, list[Path]]:
    """Find every class that is not inside a function and has no leading underscore, by its name."""
    found = defaultdict(list)
    for path in paths:
        bodies = [ast.parse(path.read_text(encoding="utf-8")).body]
        while bodies:
            for node in bodies.pop():
                if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                    found[node.name].append(path)
                if isinstance(node, ast.ClassDef | ast.If | ast.Try):
                    bodies.append(node.body)
    return found


def file_names(paths: Iterable[Path]) -> dict[str, list[Path]]:
    found = defaultdict(list)
    for path in paths:
        if path.name not in OF_EVERY_ROOM:
            found[path.name].append(path)
    return found


def beyond(most: int, found: Mapping[str, list[Path]], root: Path) -> dict[str, list[str]]:
    return {name: [str(p.relative_to(root)) for p in paths] for name, paths in found.items() if len(paths) > most}


def test_no_public_class_name_stands_for_two_things():
    assert beyond(1, public_classes(modules(ROOT)), ROOT) == {}


def test_no_file_name_stands_in_more_than_two_rooms():
    assert beyond(MOST_FILES, file_names(modules(ROOT)), ROOT) == {}


@pytest.mark.parametrize(
    ("files", "classes", "names"),
    [
        ({"aois/a.py": "class Place: ...", "flows/x/b.py": "class Place: ..."}, ["Place"], []),
        ({"aois/a.py": "class Place: ...\nif True:\n    class Place: ..."}, ["Place"], []),
        ({"aois/a.py": "class _Row: ...", "flows/b.py": "class _Row: ..."}, [], []),
        ({f"flows/{room}/page.py": "" for room in "abc"}, [], ["page.py"]),
        ({f"flows/{room}/page.py": "" for room in "ab"}, [], []),
        ({f"flows/{room}/errors.py": "" for room in "abc"}, [], []),
    ],
)
def test_the_rules_find_what_breaks_them(tmp_path, files, classes, names):
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    paths = modules(tmp_path)
    assert list(beyond(1, public_classes(paths), tmp_path)) == classes
    assert list(beyond(MOST_FILES, file_names(paths), tmp_path)) == names
