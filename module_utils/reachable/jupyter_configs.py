# SPDX-License-Identifier: Apache-2.0
"""Read the configuration that a Jupyter server finds besides Reachable's own, without running any of it.

Jupyter runs its ``.py`` files. Here they are only parsed: a value that is computed there counts as different from ours.
The folders ``jupyter_server_config.d`` are left out, because Jupyter takes nothing but extensions from there.
"""

from __future__ import annotations

import ast
import json
import os
import warnings
from typing import TYPE_CHECKING, Any, NamedTuple

from . import files
from .run_as import run_as

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

# The files that jupyter_server 2.21 reads in each folder, with JupyterLab, Notebook and nbclassic beside it, the
# stronger ones first (measured). The first two are the server's own, the others belong to its extensions.
SERVER_FILES = ("jupyter_server_config", "jupyter_config")
EXTENSION_FILES = ("jupyter_lab_config", "jupyter_notebook_config")
FORMATS = (".json", ".py")  # in one folder the first beats the second
LARGEST_BYTES = 1_000_000
DEEPEST = 10  # files that load each other

# The classes whose settings reach the server: its own class with its base classes, and those of the extensions, which
# hand on settings that they do not know themselves.
OWN_CLASSES = ("ServerApp", "JupyterApp", "Application")
HANDING_CLASSES = ("JupyterNotebookApp", "LabApp", "NotebookApp")
IDENTITY_CLASSES = ("PasswordIdentityProvider", "IdentityProvider", "LegacyIdentityProvider")
KERNEL_CLASSES = ("ConnectionFileMixin", "KernelManager")
KERNEL_SUBCLASSES = ("AsyncKernelManager", "AsyncIOLoopKernelManager", "ServerKernelManager")

# The settings that the extensions' classes keep for themselves, or hand on under a name that loses to ours (measured).
KEPT = {"default_url", "open_browser", "notebook_dir", "password", "token"}
KEPT_BY_NOTEBOOK_APP = KEPT | {"quit_button"}
# Older names of settings, with the names in the server's own configuration.
SAME_AS = {
    "notebook_dir": ("ServerApp", "root_dir"),
    "password": ("PasswordIdentityProvider", "hashed_password"),
    "token": ("PasswordIdentityProvider", "token"),
}
# Values that Jupyter has by default, where we set nothing.
HARMLESS = ("", "/", False, None)
# The values with which people let a server listen on all addresses. Ours is *, which includes IPv6.
EVERYWHERE = ("", "*", "0.0.0.0", "::")  # noqa: S104 - what is written, not what is bound
# The settings that name what a server imports at its start, and without which it does not start.
IMPORTED = ("_class", "_hook")
SECRETS = {"cookie_secret", "hashed_password", "password", "token"}

Settings = list[dict[str, Any]]
Own = dict[str, dict[str, Any]]
"""Our own settings, class to trait to value."""


class Setting(NamedTuple):
    """One setting in a file. ``section`` is a class, or several with dots between; ``value`` may be COMPUTED.

    ``origin`` is the name of the file that Jupyter reads, which may have loaded ``file``.
    """

    file: str
    line: int
    section: str
    trait: str
    value: Any
    origin: str


class Problem(NamedTuple):
    """A file that cannot be read completely; ``line`` is 0 if the problem concerns the whole file."""

    file: str
    line: int
    problem: str


COMPUTED = object()
"""The value of what is worked out only when Jupyter runs the file."""


class Reading:
    """The settings in files, and the problems of the files."""

    def __init__(self) -> None:
        """Start without any."""
        self.settings: list[Setting] = []
        self.problems: list[Problem] = []
        # Files that say themselves where modules lie.
        self.with_modules: set[str] = set()

    def read(self, path: str, origin: str, depth: int = 0) -> None:
        """Read one file, if it exists."""
        try:
            text = content(path)
        except FileNotFoundError:
            return
        except OSError as error:
            self.problems.append(Problem(path, 0, f"it cannot be read, {error.strerror}"))
            return
        except ValueError as error:
            self.problems.append(Problem(path, 0, str(error)))
            return
        take = self.take_json if path.endswith(".json") else self.take_python
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # the parser warns about other people's style
                take(path, text, origin, depth)
        except SyntaxError as error:  # of Python, or of JSON
            self.problems.append(
                Problem(path, error.lineno or 0, f"it is malformed ({error.msg}), so Jupyter skips it")
            )
        except (ValueError, RecursionError, MemoryError):
            self.problems.append(Problem(path, 0, "it is malformed, so Jupyter skips it"))

    def take_json(self, path: str, text: str, origin: str, _depth: int) -> None:
        """Take the settings of a JSON file. Raises SyntaxError."""
        try:
            found = json.loads(text)
        except json.JSONDecodeError as error:
            raise SyntaxError(error.msg, (path, error.lineno, error.colno, "")) from error
        if not isinstance(found, dict):
            self.problems.append(Problem(path, 0, "it holds no JSON object, at which Jupyter does not start"))
            return
        # JSON is also an expression of Python, whose parser knows the lines.
        tree = ast.parse(f"({text}\n)", mode="eval")
        self.settings += [
            Setting(path, line, section, trait, value, origin)
            for line, section, trait, value in entries(tree.body, found, "")
        ]

    def take_python(self, path: str, text: str, origin: str, depth: int) -> None:
        """Take the settings of a Python file and of the files that it loads. Raises SyntaxError and ValueError."""
        script = Script(path, origin)
        if "sys.path" in text:
            self.with_modules.add(path)
        for node in in_order(ast.parse(text)):
            for found in script.take(node):
                if isinstance(found, Setting):
                    self.settings.append(found)
                elif isinstance(found, Problem):
                    self.problems.append(found)
                elif depth < DEEPEST:
                    self.read(found, origin, depth + 1)


def content(path: str) -> str:
    """Return the text of a small regular file. Raises OSError, and ValueError with the problem."""
    found: bytes = files.read_regular(path, LARGEST_BYTES, follow_links=True)
    try:
        return found.decode().removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        raise ValueError("it is not in UTF-8, so Jupyter skips it") from error


# JSON


def entries(node: ast.AST, found: Any, section: str) -> Iterator[tuple[int, str, str, Any]]:
    """Yield line, section, trait and value of each setting in an object, including its objects that are sections."""
    if not isinstance(node, ast.Dict):
        return
    for key, inner in zip(node.keys, node.values):
        name = ast.literal_eval(key) if key else ""
        value = found.get(name)
        if is_class(name):
            if isinstance(value, dict):
                yield from entries(inner, value, f"{section}.{name}".lstrip("."))
        elif section and key:
            yield key.lineno, section, name, value


# Python


def in_order(tree: ast.AST) -> Iterator[ast.AST]:
    """Yield all nodes of a tree in the order of their lines."""
    for child in ast.iter_child_nodes(tree):
        yield child
        yield from in_order(child)


class Script:
    """A Python file with settings on ``c``, also under other names of it."""

    def __init__(self, path: str, origin: str) -> None:
        """Start with the name that Jupyter gives the configuration."""
        self.path = path
        self.origin = origin
        self.names: dict[str, tuple[str, ...]] = {"c": ()}

    def take(self, node: ast.AST) -> Iterator[Setting | Problem | str]:
        """Yield the settings and problems of one node, and the paths of files that it loads."""
        if isinstance(node, ast.Assign):
            for target in node.targets:
                yield from self.assign(target, node.value)
        elif isinstance(node, ast.AnnAssign) and node.value:
            yield from self.assign(node.target, node.value)
        elif isinstance(node, ast.AugAssign):
            yield from self.set(node, self.place(node.target), COMPUTED)
        elif isinstance(node, ast.Call):
            yield from self.call(node)

    def place(self, node: ast.AST) -> tuple[str, ...] | None:
        """Return the place in the configuration that an expression means; None if it means something else."""
        if isinstance(node, ast.Name):
            return self.names.get(node.id)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "get_config":
            return ()
        if isinstance(node, ast.Attribute):
            outer, name = self.place(node.value), node.attr
        elif isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Constant):
            outer, name = self.place(node.value), str(node.slice.value)
        else:
            return None
        return None if outer is None else (*outer, name)

    def assign(self, target: ast.AST, value: ast.AST) -> Iterator[Setting]:
        """Yield the settings of an assignment, and remember new names of sections."""
        if isinstance(target, (ast.Tuple, ast.List)):
            values = value.elts if isinstance(value, (ast.Tuple, ast.List)) else []
            for index, each in enumerate(target.elts):
                yield from self.assign(each, values[index] if len(values) == len(target.elts) else value)
            return
        if isinstance(target, ast.Name):
            place = self.place(value)
            if place is None:
                self.names.pop(target.id, None)
            else:
                self.names[target.id] = place
            return
        yield from self.set(target, self.place(target), literal(value))

    def set(self, node: ast.AST, place: tuple[str, ...] | None, value: Any) -> Iterator[Setting]:
        """Yield the setting at a place, if it is one of a trait."""
        if place and len(place) > 1 and not is_class(place[-1]):
            yield Setting(self.path, getattr(node, "lineno", 0), ".".join(place[:-1]), place[-1], value, self.origin)

    def call(self, node: ast.Call) -> Iterator[Setting | Problem | str]:
        """Yield the settings of a call, and the file that it loads."""
        if isinstance(node.func, ast.Name):
            if node.func.id == "load_subconfig":
                yield self.loaded(node)
            elif node.func.id == "setattr" and len(node.args) == 3:  # noqa: PLR2004 - what, which, value
                outer, name = self.place(node.args[0]), literal(node.args[1])
                if outer is not None and isinstance(name, str):
                    yield from self.set(node, (*outer, name), literal(node.args[2]))
        elif isinstance(node.func, ast.Attribute):
            place = self.place(node.func.value)
            if place and is_class(place[-1]) and node.func.attr == "update":
                for name, value in updates(node):
                    yield from self.set(node, (*place, name), literal(value))
            else:  # such as append()
                yield from self.set(node, place, COMPUTED)

    def loaded(self, node: ast.Call) -> Problem | str:
        """Return the path of the file that load_subconfig loads."""
        given = {str(keyword.arg): literal(keyword.value) for keyword in node.keywords}
        given.update(zip(("fname", "path"), map(literal, node.args)))
        name, folder = given.get("fname"), given.get("path") or os.path.dirname(self.path)
        if not isinstance(name, str) or not isinstance(folder, str):
            return Problem(self.path, node.lineno, "it loads a file whose name is known only when Jupyter runs it")
        return os.path.join(folder, f"{os.path.splitext(name)[0]}.py")  # Jupyter replaces any other suffix, too


def updates(node: ast.Call) -> Iterator[tuple[str, ast.AST]]:
    """Yield names and values of a call of update()."""
    for keyword in node.keywords:
        if keyword.arg:
            yield keyword.arg, keyword.value
    for given in node.args:
        if isinstance(given, ast.Dict):
            for key, value in zip(given.keys, given.values):
                if isinstance(key, ast.Constant):
                    yield str(key.value), value


def literal(node: ast.AST) -> Any:
    """Return the literal value of a node; COMPUTED if it has none that JSON knows."""
    try:
        value = ast.literal_eval(node)
        json.dumps(value)
    except (ValueError, TypeError, RecursionError, MemoryError, SyntaxError):
        return COMPUTED
    return value


def is_class(name: str) -> bool:
    """Tell whether traitlets takes a name for a class rather than a setting."""
    return bool(name) and name[0].isupper()


# All that a server reads


def read(folders: Collection[str], traits: Collection[str]) -> dict[str, Any]:
    """Read the files in the folders, of which an earlier one beats a later one.

    Return ``traits`` only, and those that name what a server imports from where it always looks; no secrets.
    The one secret is under ``password``: the hash that a server uses without Reachable, or null.
    """
    reading = Reading()
    for name in SERVER_FILES + EXTENSION_FILES:
        for folder in folders:
            for form in FORMATS:
                reading.read(os.path.join(os.path.expanduser(folder), name + form), name)
    return {
        "settings": [
            shown(each)
            for each in reading.settings
            if each.trait in traits or (each.trait.endswith(IMPORTED) and each.file not in reading.with_modules)
        ],
        "problems": [problem._asdict() for problem in sorted(set(reading.problems))],
        "password": password(reading.settings),
    }


def read_as(user: str, folders: Collection[str], traits: Collection[str]) -> dict[str, Any]:
    """Read with the rights of the server's user, so that a link in a home leads no further than that user may go."""

    def work() -> dict[str, Any]:
        return read(folders, traits)

    if os.geteuid() != 0:
        return work()
    try:
        found: dict[str, Any] = run_as(user, work)
    except KeyError:
        found = run_as("nobody", work)  # a user who is still to be created has no home yet
    return found


def shown(setting: Setting) -> dict[str, Any]:
    """Return a setting as plain data, without the value of a secret."""
    computed = setting.value is COMPUTED
    secret = setting.trait in SECRETS and setting.value != ""
    return {
        "file": setting.file,
        "line": setting.line,
        "class": setting.section,
        "trait": setting.trait,
        "origin": setting.origin,
        "value": None if computed or secret else setting.value,
        "known": not (computed or secret),
    }


def password(settings: Collection[Setting]) -> dict[str, Any] | None:
    """Return the hash of the password that a server uses, and the place of that setting; None without one."""
    files = list(dict.fromkeys(each.file for each in settings))
    ranked = [(*rank, -files.index(each.file), each.line, each) for each in settings if (rank := password_rank(each))]
    if not ranked:
        return None
    found = max(ranked, key=lambda entry: entry[:4])[4]
    text = found.value if isinstance(found.value, str) else ""
    return {"file": found.file, "line": found.line, "class": found.section, "trait": found.trait, "hash": text}


def password_rank(setting: Setting) -> tuple[int, int] | None:
    """Return the rank of a setting among those of a password; None if it is not one of them, or empty."""
    if not setting.value:
        return None
    if setting.trait == "hashed_password" and setting.section in IDENTITY_CLASSES[:2]:
        return (2 if setting.section == IDENTITY_CLASSES[0] else 0), 0
    if setting.trait == "password" and setting.section in ("ServerApp", *HANDING_CLASSES):
        return 1, -("ServerApp", *HANDING_CLASSES).index(setting.section)
    return None


# What becomes of it


def conflicts(settings: Settings, own: Own, remedies: Mapping[str, str]) -> Settings:
    """Return the settings that differ from our own or that the server must not have, with their effect.

    ``effect`` is ``loses`` or ``wins``. ``instead`` is what to do about it, from ``remedies`` by trait.
    """
    found = []
    for each in settings:
        effect = effect_of(each, own, remedies)
        if effect:
            about = {key: each[key] for key in ("file", "line", "class", "trait")}
            found.append({**about, "effect": effect, "instead": remedies.get(each["trait"], "use jupyter_settings")})
    unique = {(each["file"], each["line"], each["class"], each["trait"]): each for each in found}
    return [unique[key] for key in sorted(unique)]


def effect_of(setting: Mapping[str, Any], own: Own, remedies: Collection[str]) -> str | None:
    """Return the effect of a setting beside our own ones; None if it concerns none of them, or says the same."""
    section, trait = setting["class"], setting["trait"]
    outer, _, inner = section.rpartition(".")
    where = meant(inner, trait)
    ours = own.get(where[0], {})
    if where[1] in ours:
        if setting["known"] and says_the_same(where[1], setting["value"], ours[where[1]]):
            return None
        return "wins" if is_stronger(setting, outer, inner) else "loses"
    if outer or trait not in remedies or where[0] != "ServerApp" or comes_too_late(setting):
        return None
    return None if setting["known"] and setting["value"] in HARMLESS else "wins"


def imported(settings: Settings, own: Own) -> Settings:
    """Return the settings by which a server imports something at its start.

    Of several for the same it is the one that counts, and none where our own configuration has it.
    """
    counting: dict[tuple[str, str], dict[str, Any]] = {}
    for each in settings:
        where = meant(each["class"].rpartition(".")[2], each["trait"])
        is_name = each["known"] and isinstance(each["value"], str) and "." in each["value"]
        if not each["trait"].endswith(IMPORTED) or not is_name or where[1] in own.get(where[0], {}):
            continue
        # Of files the first counts, of lines in a file the last.
        if counting.setdefault(where, each)["file"] == each["file"]:
            counting[where] = each
    return [*counting.values()]


def says_the_same(trait: str, value: Any, own: Any) -> bool:
    """Tell whether a value means the same as our own one."""
    return bool(value == own or (trait == "ip" and value in EVERYWHERE and own in EVERYWHERE))


def meant(section: str, trait: str) -> tuple[str, str]:
    """Return the class and the trait that a setting has in our own configuration."""
    if section in OWN_CLASSES + HANDING_CLASSES:
        return SAME_AS.get(trait, ("ServerApp", trait))
    if section in IDENTITY_CLASSES:
        return "PasswordIdentityProvider", trait
    if section in KERNEL_CLASSES + KERNEL_SUBCLASSES:
        return "KernelManager", trait
    return section, trait


def is_stronger(setting: Mapping[str, Any], outer: str, inner: str) -> bool:
    """Tell whether a setting wins over the same one of ours (measured)."""
    if outer:
        return outer == "ServerApp" and inner in IDENTITY_CLASSES
    if inner in KERNEL_SUBCLASSES:
        return True
    if inner not in HANDING_CLASSES:
        return False
    if setting["trait"] in (KEPT_BY_NOTEBOOK_APP if inner == "NotebookApp" else KEPT):
        return False
    # An extension's own file is read before ours, which beats it, except for the class of the extension loaded last.
    return setting["origin"] not in EXTENSION_FILES or inner == "JupyterNotebookApp"


def comes_too_late(setting: Mapping[str, Any]) -> bool:
    """Tell whether a setting is read too late to matter: JupyterLab is loaded before Notebook."""
    return bool(setting["class"] == "LabApp" and setting["origin"] == "jupyter_notebook_config")
