"""Public docstrings say what a function does, what it takes and what it gives; read from the source alone."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[1]
ROOMS = ("detectors", "aois", "flows/records")
ROOMS_OF_FIRST_LINES = ("flows/ledger", "flows/pipeline", "flows/evidence")
VERBS = """
Note
Add Average Begin Bring Build Change Check Choose Claim Close Collect Compare Complete Compute Confirm Connect Convert
Copy Count Create Crop Decide Delete Draw Drop End Estimate Express Fetch Find Fit Grow Hold Import Issue Keep List Load
Log Make Mark Mask Measure Merge Move Name Open Parse Pick Predict Put Read Record Reduce Refuse Replace Replay Retract
Return Round Send Set Split Take Tell Thin Turn Wait Watch Word Work Write
"""
Function = ast.FunctionDef | ast.AsyncFunctionDef
NO_VALUE = (None, "None", "NoReturn", "Never")


def public(body: list[ast.stmt], *kinds: type) -> Iterator[Any]:
    found: list[Any] = [node for node in body if isinstance(node, kinds)]
    return (node for node in found if not node.name.startswith("_"))


def classes_of(body: list[ast.stmt]) -> Iterator[ast.ClassDef]:
    for node in public(body, ast.ClassDef):
        yield node
        yield from classes_of(node.body)


def sections(docstring: str) -> dict[str, list[str]]:
    """The names that stand at the margin of each section, several on a line told apart by commas."""
    parts = re.split(r"^(\w+)\n-+$", docstring, flags=re.MULTILINE)
    return {
        title: [name.strip() for line in text.splitlines() if line[:1].strip() for name in line.split(",")]
        for title, text in zip(parts[1::2], parts[2::2], strict=True)
    }


def parameters(function: Function) -> list[str]:
    a = function.args
    named = [*a.posonlyargs, *a.args, *([a.vararg] if a.vararg else []), *a.kwonlyargs, *([a.kwarg] if a.kwarg else [])]
    return [each.arg for each in named if each.arg not in ("self", "cls")]


def raised(function: Function) -> set[str]:
    """The errors that the function itself makes and raises; what it calls may raise more."""
    return {
        node.exc.func.id
        for node in ast.walk(function)
        if isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call) and isinstance(node.exc.func, ast.Name)
        if node.exc.func.id[0].isupper()
    }


def fields(node: ast.ClassDef) -> list[str]:
    return [
        each.target.id for each in node.body if isinstance(each, ast.AnnAssign) and isinstance(each.target, ast.Name)
    ]


def opening_problems(docstring: str, *, begins_with_verb: bool) -> Iterator[str]:
    first, *rest = docstring.splitlines() or [""]
    if not first.endswith("."):
        yield "the first line is not one sentence that ends with a full stop"
    if rest and rest[0]:
        yield "no blank line follows the first"
    if begins_with_verb and first.partition(" ")[0] not in VERBS.split():
        yield f"`{first.partition(' ')[0]}` is none of the verbs that a first line begins with; reword it, or add it"


def section_problems(function: Function, docstring: str) -> Iterator[str]:
    found = sections(docstring)
    if found.get("Parameters", []) != parameters(function):
        yield f"Parameters are {found.get('Parameters')}, not {parameters(function)}"
    gives = (ast.unparse(function.returns) if function.returns else None) not in NO_VALUE
    if gives != bool(found.keys() & {"Returns", "Yields"}):
        yield "Returns is missing" if gives else "Returns where nothing is returned"
    if silent := raised(function) - {*found.get("Raises", [])}:
        yield f"Raises does not name {sorted(silent)}"


def problems_of(source: str, *, has_sections: bool = True) -> list[str]:
    """What is wrong with the docstrings of a module, a line each; `has_sections` where sections are asked for."""
    body = ast.parse(source).body
    found = []
    for function in public(body, ast.FunctionDef, ast.AsyncFunctionDef):
        docstring = ast.get_docstring(function) or ""
        problems = [*opening_problems(docstring, begins_with_verb=True)]
        problems += section_problems(function, docstring) if has_sections else []
        found += [f"{function.name}: {problem}" for problem in problems]
    for node in classes_of(body):
        docstring = ast.get_docstring(node) or ""
        found += [f"{node.name}: {problem}" for problem in opening_problems(docstring, begins_with_verb=False)]
        if (named := sections(docstring).get("Attributes")) not in (None, fields(node)):
            found.append(f"{node.name}: Attributes are {named}, not {fields(node)}")
        for method in public(node.body, ast.FunctionDef, ast.AsyncFunctionDef):
            said = opening_problems(ast.get_docstring(method) or "", begins_with_verb=True)
            found += [f"{node.name}.{method.name}: {problem}" for problem in said]
    return found


def modules(room: str) -> list[Path]:
    return sorted(path for path in (ROOT / room).rglob("*.py"))


@pytest.mark.parametrize("room", [*ROOMS, *ROOMS_OF_FIRST_LINES])
def test_public_docstrings_of_a_room_say_what_a_reader_needs(room):
    paths = modules(room)
    assert len(paths) > 5
    found = [
        f"{path.relative_to(ROOT)}: {problem}"
        for path in paths
        for problem in problems_of(path.read_text("utf-8"), has_sections=room in ROOMS)
    ]
    assert not found, "\n".join(found)


WHOLE = '''
def width(mask, *, pixel_m) -> float:
    """Measure the width of a patch.

    Parameters
    ----------
    mask
        bool (y, x), True on the patch.
    pixel_m
        Side of a pixel, metres, over 0.

    Returns
    -------
    float, metres.

    Raises
    ------
    ValueError
        For a pixel without a side.
    """
    if pixel_m <= 0:
        raise ValueError(pixel_m)
    return mask.sum() * pixel_m
'''


def test_a_whole_docstring_passes():
    assert problems_of(WHOLE) == []


@pytest.mark.parametrize(
    ("was", "becomes", "problem"),
    [
        ("Measure the width", "The width", "`The` is none of the verbs"),
        ("of a patch.", "of a patch", "full stop"),
        ("of a patch.\n", "of a patch.\n    Its mean.\n", "blank line"),
        ("mask\n        bool", "masks\n        bool", "Parameters are"),
        ("    pixel_m\n        Side of a pixel, metres, over 0.\n", "", "Parameters are"),
        ("    Returns\n    -------\n", "", "Returns is missing"),
        ("-> float", "-> None", "nothing is returned"),
        ("    ValueError\n", "    KeyError\n", "Raises does not name"),
    ],
)
def test_what_is_wrong_with_a_docstring_is_told(was, becomes, problem):
    assert was in WHOLE
    found = problems_of(WHOLE.replace(was, becomes, 1))
    assert any(problem in each for each in found), found


SPOT = '''
class Spot:
    """A place.

    Attributes
    ----------
    x, y
        Metres.
    """

    x: int
    y: int
'''


def test_attributes_are_the_fields_of_their_class():
    assert problems_of(SPOT) == []
    assert problems_of(SPOT.replace("y: int", "z: int")) == ["Spot: Attributes are ['x', 'y'], not ['x', 'z']"]
