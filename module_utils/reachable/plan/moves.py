# SPDX-License-Identifier: Apache-2.0
"""What lies elsewhere than it is to be, or belongs to another user than the one as whom Jupyter is to run."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from . import receipts

if TYPE_CHECKING:
    from .situation import Situation

# Under supervisord, and under launchd.
RUNTIME_FOLDERS = ("reachable-jupyter", "jupyter")


@dataclass(frozen=True)
class Moves:
    """What is moved and handed over before Jupyter runs.

    ``notebooks`` are the folders from which notebooks come, ``hand_over`` those that get another owner, in this order,
    and ``users`` as whom notebooks of before ran, as far as the accounts are ours. ``owners`` says of what was found
    below those folders to whom it belongs afterwards. ``removed`` is what goes meanwhile and has to come back.
    """

    notebooks: list[str]
    arrive: bool
    hand_over: list[str]
    users: list[str]
    owners: dict[str, dict[str, str]] = field(default_factory=dict)
    is_needed: bool = False
    removed: list[str] = field(default_factory=list)

    def hand_over_the_way_to(self, path: str) -> bool:
        """Tell whether something lies in a folder that gets another owner."""
        return any(path.startswith(f"{folder}/") for folder in self.hand_over)


def moves_of(there: Situation) -> Moves:
    """Return what is to be moved on a host."""
    rooms = there.moves["paths"]
    coming = [folder for folder in there.notebooks_before if folder in rooms and not rooms[folder]["empty"]]
    hand_over = folders_to_hand_over(there, coming)
    is_needed = bool(there.former or hand_over or there.notebooks_before)
    return Moves(
        notebooks=there.notebooks_before,
        arrive=bool(coming),
        hand_over=hand_over,
        users=users_made(there),
        owners=owners_afterwards(there, hand_over),
        is_needed=is_needed,
        removed=left_by_the_server(there) if is_needed else [],
    )


def left_by_the_server(there: Situation) -> list[str]:
    """Return the folders that a server leaves when it ends, unless its manager removes them. They come back with it."""
    return (
        [] if there.manager.has_runtime_folders else [f"{there.layout.runtime_dir}/{name}" for name in RUNTIME_FOLDERS]
    )


def folders_to_hand_over(there: Situation, coming: list[str]) -> list[str]:
    """Return the folders that get another owner. Notebooks come before the home, for they may be on another disk."""
    home, folder = there.layout.jupyter_home, there.notebook_dir
    home_is_anothers = is_anothers(there, there.file(home))
    is_apart = home_is_anothers or not folder.startswith(f"{home}/")
    return [
        *([folder] if there.notebooks_are_ours and is_apart and is_anothers(there, there.file(folder)) else []),
        *(path for path in coming if there.moves["files"][path]["owner"] != there.wanted.jupyter_user),
        *([home] if home_is_anothers else []),
    ]


def is_anothers(there: Situation, found: Any) -> bool:
    """Tell whether a folder is there and belongs to another user."""
    return bool(found["state"] == "directory" and found["owner"] != there.wanted.jupyter_user)


def users_made(there: Situation) -> list[str]:
    """Return as whom notebooks ran. What else a person's account runs is that person's."""
    of_root = there.former.receipt if there.former and there.former.scope == "system" else there.receipt
    now = [there.account.name] if there.account.is_ours and there.scope == "system" else []
    return receipts.notebook_users(dict.fromkeys([*of_root.get("users", []), *now]))


def owners_afterwards(there: Situation, hand_over: list[str]) -> dict[str, dict[str, str]]:
    """Return to whom what was found belongs once the folders are handed over."""
    owner = {"owner": there.account.name, "group": there.account.group}
    below = tuple(f"{folder}/" for folder in hand_over)
    return {path: owner for path in there.facts["files"] if f"{path}/".startswith(below)} if below else {}
