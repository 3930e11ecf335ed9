"""Files written whole for their owner, text fit to print, and what a child process may read."""

import pytest

from flows.config.child_environment import child_environment
from flows.files import SHARED_FILE, atomic_write, private_folder
from flows.printable import printable


def mode(path):
    return path.stat().st_mode & 0o777


def test_a_file_is_its_owners_alone_whatever_it_was_before(tmp_path):
    path = tmp_path / "events.geojson"
    path.write_text("old")
    path.chmod(0o644)

    atomic_write(path, "new")

    assert (path.read_text(), mode(path)) == ("new", 0o600)
    assert list(tmp_path.iterdir()) == [path]


def test_a_shared_file_can_be_read_by_others(tmp_path):
    atomic_write(tmp_path / "page", b"x", mode=SHARED_FILE)

    assert mode(tmp_path / "page") == 0o644


def test_a_file_that_cannot_be_written_is_as_it_was(tmp_path):
    path = tmp_path / "page"
    path.write_text("old")

    with pytest.raises(UnicodeEncodeError):
        atomic_write(path, "half \ud800 character")

    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_private_folder_that_was_open_is_closed(tmp_path):
    (tmp_path / "areas").mkdir(mode=0o755)

    private_folder(tmp_path / "areas")
    private_folder(tmp_path / "archive" / "deep")

    assert mode(tmp_path / "areas") == mode(tmp_path / "archive" / "deep") == 0o700


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("plain nâme ខ្មែរ", "plain nâme ខ្មែរ"),
        ("\x1b]0;title\x07x", "�]0;title�x"),
        ("ក\u200bខ\u200d", "ក\u200bខ\u200d"),
        ("two\nlines\tand", "two lines and"),
        ("\u202eabc\ud800", "�abc�"),
        ("x" * 400, "x" * 299 + "…"),
    ],
)
def test_nothing_printed_can_steer_a_terminal(given, shown):
    assert printable(given) == shown


def test_a_child_gets_what_it_needs_and_no_secret():
    given = {"PATH": "/bin", "SH_CLIENT_SECRET": "s", "PREFECT_HOME": "h", "LC_ALL": "C", "SITEWATCH_LEDGER_URL": "u"}

    got = child_environment("PREFECT_", added={"A": "1"}, environment=given)

    assert got == {"PATH": "/bin", "PREFECT_HOME": "h", "LC_ALL": "C", "A": "1"}
