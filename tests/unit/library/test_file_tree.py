"""Files and folders come to be as they should, and a user's links lead root nowhere."""

from __future__ import annotations

import base64
import grp
import os
import pwd
import stat
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import file_tree
import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from conftest import RunModule

ME = pwd.getpwuid(os.geteuid()).pw_name
MINE = grp.getgrgid(os.getegid()).gr_name
NOBODY = pwd.getpwnam("nobody")
THEIRS = grp.getgrgid(NOBODY.pw_gid).gr_name
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")


@pytest.fixture
def place() -> Iterator[Path]:
    """A folder that other users can enter too, unlike pytest's own."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


def nothing(path: Path) -> None:
    assert not path.exists()


def another_file(path: Path) -> None:
    path.write_text("old\n")


def open_file(path: Path) -> None:
    path.write_text("new\n")
    path.chmod(0o666)


def given_away(path: Path) -> None:
    path.write_text("new\n")
    os.chown(path, NOBODY.pw_uid, NOBODY.pw_gid)


def link_to_the_same(path: Path) -> None:
    path.with_name("target").write_text("new\n")
    path.symlink_to("target")


def pipe(path: Path) -> None:
    os.mkfifo(path)


def folder(path: Path) -> None:
    path.mkdir(mode=0o755)


def full_folder(path: Path) -> None:
    folder(path)
    (path / "mine").touch()


def open_folder(path: Path) -> None:
    path.mkdir()
    path.chmod(0o777)


def link_to_open_folder(path: Path) -> None:
    open_folder(path.with_name("target"))
    path.symlink_to("target")


FILE = {"content": "new\n"}
FOLDER = {"state": "directory"}
NEW = f"file {ME}:{MINE} 0644\nnew\n"
NEW_FOLDER = f"directory {ME}:{MINE} 0755\n"
LINK = f"other {ME}:{MINE} 0777\n"
NOBODYS = {"owner": "nobody", "mode": "0700"}


def without_access(found: os.stat_result) -> list[float]:
    """Return what is known of a file, but for when somebody read it."""
    return [value for place, value in enumerate(found) if place != stat.ST_ATIME]


@pytest.mark.parametrize(
    ("found", "options", "before", "after"),
    [
        (nothing, FILE, "", NEW),
        (nothing, {}, "", f"file {ME}:{MINE} 0644\n"),
        (nothing, {**FILE, "mode": "0600"}, "", f"file {ME}:{MINE} 0600\nnew\n"),
        (another_file, FILE, f"file {ME}:{MINE} 0644\nold\n", NEW),
        (open_file, FILE, f"file {ME}:{MINE} 0666\nnew\n", NEW),
        (link_to_the_same, FILE, LINK, NEW),
        (pipe, FILE, f"other {ME}:{MINE} 0644\n", NEW),
        (nothing, FOLDER, "", NEW_FOLDER),
        (open_folder, FOLDER, f"directory {ME}:{MINE} 0777\n", NEW_FOLDER),
        (link_to_open_folder, FOLDER, f"directory {ME}:{MINE} 0777\n", NEW_FOLDER),
        (another_file, {"state": "absent"}, f"file {ME}:{MINE} 0644\nold\n", ""),
        (link_to_the_same, {"state": "absent"}, LINK, ""),
        pytest.param(given_away, FILE, f"file nobody:{THEIRS} 0644\nnew\n", NEW, marks=needs_root),
        pytest.param(nothing, {**FILE, **NOBODYS}, "", f"file nobody:{THEIRS} 0700\nnew\n", marks=needs_root),
        pytest.param(nothing, {**FOLDER, **NOBODYS}, "", f"directory nobody:{THEIRS} 0700\n", marks=needs_root),
        pytest.param(
            nothing, {**FILE, "owner": "nobody", "group": MINE}, "", f"file nobody:{MINE} 0644\nnew\n", marks=needs_root
        ),
    ],
)
def test_check_run_check_run(
    *,
    found: Callable[[Path], None],
    options: dict[str, str],
    before: str,
    after: str,
    place: Path,
    run_module: RunModule,
) -> None:
    path = place / "it"
    found(path)
    entries = [{"path": str(path), **options}]

    def state() -> list[tuple[str, list[float]]]:
        # Reading where a link leads may count as an access, which is no change.
        return [(name, without_access(os.lstat(place / name))) for name in sorted(os.listdir(place))]

    untouched = state()
    predicted = run_module(file_tree, check=True, entries=entries)
    assert state() == untouched
    done = run_module(file_tree, entries=entries)
    names = set(os.listdir(place))
    again = [run_module(file_tree, check=check, entries=entries) for check in (True, False)]

    header = {"before_header": str(path), "after_header": str(path)}
    for result in (predicted, done):
        assert result["changed"]
        assert result["paths"] == [str(path)]
        assert result["diff"] == [{**header, "before": before, "after": after}]
    assert [(result["changed"], result["paths"], result["diff"]) for result in again] == [(False, [], [])] * 2
    assert names <= {"it", "target"}
    if options.get("state", "file") == "file":
        assert path.read_text() == options.get("content", "")
    if (place / "target").is_file():
        assert (place / "target").read_text() == "new\n"


def test_a_tree_in_one_run(place: Path, run_module: RunModule) -> None:
    entries = [
        {"path": str(place / "a"), "state": "directory"},
        {"path": str(place / "a/b"), "state": "directory", "mode": "0700"},
        {"path": str(place / "a/b/c"), "content": "ü\n"},
        {"path": str(place / "a/none"), "state": "absent"},
    ]
    paths = [str(place / name) for name in ("a", "a/b", "a/b/c")]
    assert run_module(file_tree, check=True, entries=entries)["paths"] == paths
    assert not (place / "a").exists()
    assert run_module(file_tree, entries=entries)["paths"] == paths
    assert (place / "a/b/c").read_text(encoding="utf-8") == "ü\n"
    (place / "a/b/c").unlink()
    assert run_module(file_tree, entries=entries)["paths"] == paths[2:]


def test_check_mode_before_the_owner_exists(place: Path, run_module: RunModule) -> None:
    entries = [{"path": str(place / "it"), "owner": "still-to-come"}]
    result = run_module(file_tree, check=True, entries=entries)
    assert result["diff"][0]["after"] == "file still-to-come:still-to-come 0644\n"


@pytest.mark.parametrize(
    ("found", "options", "message"),
    [
        (full_folder, FILE, "{path} should be a file, but a folder is there: move it away."),
        (another_file, FOLDER, "{path} should be a folder, but something else is there: move it away."),
        (link_to_the_same, FOLDER, "{path} should be a folder, but something else is there: move it away."),
        (folder, {"state": "absent"}, "{path} should be absent, but a folder is there: move it away."),
        (
            nothing,
            {"owner": "no-such-user"},
            "{path} should belong to no-such-user:no-such-user, which does not exist.",
        ),
        (nothing, {"mode": "420"}, 'mode of {path}: 420 has not four octal digits; write it as "0644".'),
        (nothing, {"mode": "u=rw"}, 'mode of {path}: u=rw has not four octal digits; write it as "0644".'),
    ],
)
def test_refusals(
    found: Callable[[Path], None], options: dict[str, str], message: str, place: Path, run_module: RunModule
) -> None:
    path = place / "it"
    found(path)
    before = sorted(os.listdir(place))
    assert run_module(file_tree, entries=[{"path": str(path), **options}])["msg"] == message.format(path=path)
    assert sorted(os.listdir(place)) == before


@pytest.fixture
def home(place: Path) -> Path:
    """A folder of nobody's beside one of root's, which has a file that nobody but root may read."""
    (place / "home").mkdir()
    os.chown(place / "home", NOBODY.pw_uid, NOBODY.pw_gid)
    (place / "etc").mkdir()
    (place / "etc/shadow").write_text("classified\n")
    (place / "etc/shadow").chmod(0o600)
    return place / "home"


@needs_root
@pytest.mark.parametrize(
    ("links", "entry"),
    [
        # through a link in the user's folder to a file, old and new, and to a folder, old and new
        ({"home/x": "etc"}, {"path": "home/x/shadow", "content": "theirs\n"}),
        ({"home/x": "etc"}, {"path": "home/x/shadow", "owner": "nobody"}),
        ({"home/x": "etc"}, {"path": "home/x/shadow", "state": "absent"}),
        ({"home/x": "etc"}, {"path": "home/x/new", "owner": "nobody"}),
        ({"home/x": "etc"}, {"path": "home/x/new", "state": "directory", "owner": "nobody"}),
        # a link where the folder itself should be
        ({"home/x": "etc"}, {"path": "home/x", "state": "directory", "owner": "nobody"}),
        ({"home/x": "etc"}, {"path": "home/x", "state": "directory", "mode": "0777"}),
        # further down, and through a link of root's that leads into the user's folder
        ({"home/x": ""}, {"path": "home/x/etc/new"}),
        ({"home/x": "etc", "ours": "home/x"}, {"path": "ours/new"}),
        ({"home/x": "etc", "ours": "home/x"}, {"path": "ours", "state": "directory", "owner": "nobody"}),
    ],
)
def test_a_users_links_lead_root_nowhere(
    links: dict[str, str], entry: dict[str, str], home: Path, run_module: RunModule
) -> None:
    place = home.parent
    for link, target in links.items():
        (place / link).symlink_to(place / target)
    before = [os.lstat(path) for path in (place / "etc", place / "etc/shadow")]

    result = run_module(file_tree, entries=[{**entry, "path": str(place / entry["path"])}])

    assert result["failed"]
    assert "not permitted" in result["msg"] or "Permission denied" in result["msg"]
    assert "classified" not in str(result)
    assert [os.lstat(path) for path in (place / "etc", place / "etc/shadow")] == before
    assert os.listdir(place / "etc") == ["shadow"]


@needs_root
@pytest.mark.parametrize("check", [True, False])
def test_nothing_is_read_through_a_users_link(check: bool, home: Path, run_module: RunModule) -> None:
    (home / "x").symlink_to(home.parent / "etc")
    path = str(home / "x/shadow")
    result = run_module(file_tree, check=check, entries=[{"path": path, "content": "theirs\n"}])
    assert result["msg"] == f"[Errno 13] Permission denied: '{path}'"
    assert "classified" not in str(result)


@needs_root
def test_a_link_that_a_user_put_into_a_folder_open_to_all(home: Path, run_module: RunModule) -> None:
    shared = home.parent / "tmp"
    shared.mkdir()
    shared.chmod(0o1777)
    (shared / "x").symlink_to(home.parent / "etc")
    os.lchown(shared / "x", NOBODY.pw_uid, NOBODY.pw_gid)

    for entry in ({"path": "x", "state": "directory", "owner": "nobody"}, {"path": "x/new"}):
        assert run_module(file_tree, entries=[{**entry, "path": str(shared / entry["path"])}])["failed"]

    assert os.listdir(home.parent / "etc") == ["shadow"]
    assert (home.parent / "etc").stat().st_uid == 0


@needs_root
def test_a_link_where_a_users_file_should_be_is_replaced(home: Path, run_module: RunModule) -> None:
    (home / "file").symlink_to(home.parent / "etc/shadow")
    result = run_module(file_tree, entries=[{"path": str(home / "file"), "content": "new\n", "owner": "nobody"}])
    assert result["changed"]
    assert not (home / "file").is_symlink()
    assert (home / "file").read_text() == "new\n"
    assert (home.parent / "etc/shadow").read_text() == "classified\n"


@needs_root
def test_inside_a_users_folder_the_user_acts(home: Path, run_module: RunModule) -> None:
    entries = [
        {"path": str(home / "a"), "state": "directory", "owner": "nobody", "mode": "0700"},
        {"path": str(home / "a/b"), "content": "b\n", "owner": "nobody", "mode": "0600"},
    ]
    matrix = [run_module(file_tree, check=check, entries=entries)["changed"] for check in (True, False, True, False)]
    assert matrix == [True, True, False, False]
    assert {os.stat(home / name).st_uid for name in ("a", "a/b")} == {NOBODY.pw_uid}
    assert run_module(file_tree, entries=[{"path": str(home / "roots"), "owner": "root"}])["failed"]
    assert os.geteuid() == 0


def test_a_secret_is_hidden_wherever_it_could_be_seen(run_module: RunModule, place: Path) -> None:
    path = place / "token"
    entry = {"path": str(path), "secret": "token: kXf82-opqjz\n", "mode": "0600"}
    mine = f"file {ME}:{MINE}"

    first = run_module(file_tree, entries=[entry])
    assert path.read_text() == "token: kXf82-opqjz\n"
    assert first["diff"][0]["after"] == f"{mine} 0600\n(new content, hidden)\n"

    path.write_text("token: old-2gh\n")
    second = run_module(file_tree, entries=[entry])
    assert second["diff"][0]["before"] == f"{mine} 0600\n(old content, hidden)\n"

    path.chmod(0o644)
    third = run_module(file_tree, entries=[entry])
    assert third["diff"][0]["before"] == f"{mine} 0644\n(same content, hidden)\n"
    assert third["diff"][0]["after"] == f"{mine} 0600\n(same content, hidden)\n"
    assert "kXf82" not in f"{first}{second}{third}"
    assert "2gh" not in f"{first}{second}{third}"


def test_a_file_takes_its_place_only_when_its_program_approves(run_module: RunModule, place: Path) -> None:
    path = place / "settings"
    path.write_text("good\n")
    check = ["grep", "--quiet", "good", "{path}"]
    entry = {"path": str(path), "content": "better than good\n", "validate": check}
    assert run_module(file_tree, entries=[entry])["changed"]
    assert path.read_text() == "better than good\n"

    bad = {**entry, "content": "bad\n", "validate": ["sh", "-c", 'echo "$0: no"; exit 3', "{path}"]}
    assert run_module(file_tree, entries=[bad], check=True)["changed"]
    result = run_module(file_tree, entries=[bad])
    assert result["msg"] == f"{path} is refused by sh, and stays as it was: {path}: no"
    assert path.read_text() == "better than good\n"
    assert [file.name for file in place.iterdir()] == ["settings"]


def test_what_is_no_text_is_kept_and_not_shown(run_module: RunModule, place: Path) -> None:
    path, picture = place / "icon.png", b"\x89PNG\r\n\x1a\n\x00\xff"
    entry = {"path": str(path), "base64": base64.b64encode(picture).decode()}
    made = run_module(file_tree, entries=[entry])
    assert path.read_bytes() == picture
    assert "(new content, no text)" in made["diff"][0]["after"]
    assert not run_module(file_tree, entries=[entry])["changed"]
    path.write_bytes(picture + b"\xff")
    changed = run_module(file_tree, entries=[entry])
    assert "(old content, no text)" in changed["diff"][0]["before"]
    assert path.read_bytes() == picture
