# SPDX-License-Identifier: Apache-2.0
"""The action report: writes the card and hands what people are told to the last page; see plan/say.py."""

from __future__ import annotations

import functools
import sys
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import jinja2
from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "module_utils"))
from reachable import file_trees, files, given
from reachable.plan import endpoint, entries, profiles, say, texts
from reachable.qr_codes import qr_svg

KEPT_SPEC = {
    "values": {"type": "dict", "required": True},
    "file": {"type": "str"},
    "place": {"type": "str", "default": ""},
    "is_taken_up": {"type": "bool", "default": False},
}
SWITCH_SPEC = {
    "done": {"type": "str", "required": True},
    "idle": {"type": "str", "required": True},
    "is_changed": {"type": "bool", "required": True},
    "is_switched": {"type": "bool", "required": True},
    "packages": {"type": "list", "elements": "dict", "required": True},
}
ARGUMENT_SPEC = {
    "verb": {"type": "str", "choices": ["up", "status", "doctor", "password", "switch", "back"], "required": True},
    "plan": {"type": "dict", "required": True},
    "here": {"type": "list", "elements": "dict"},
    "there": {"type": "list", "elements": "dict"},
    "agent": {"type": "list", "elements": "dict", "default": []},
    "last_words": {"type": "list", "elements": "str", "default": []},
    "kernels": {"type": "list", "elements": "dict", "default": []},
    "cards": {"type": "str", "required": True},
    "password_file": {"type": "str", "required": True},
    "is_held": {"type": "bool", "required": True},
    "is_known": {"type": "bool", "required": True},
    "kept": {"type": "dict", "options": KEPT_SPEC, "required": True},
    "warnings": {"type": "list", "elements": "str", "default": []},
    "hints": {"type": "list", "elements": "str", "default": []},
    "history": {"type": "bool", "default": False},
    "serve": {"type": "bool", "default": False},
    "proof": {"type": "dict"},
    "switch": {"type": "dict", "options": SWITCH_SPEC},
}


class ActionModule(ActionBase):  # type: ignore[misc]  # Ansible has no types
    """Say what was found, and where to connect."""

    _requires_connection = False

    def run(self, tmp: None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Run the action."""
        result: dict[str, Any] = super().run(tmp, task_vars)
        _, options = self.validate_argument_spec(ARGUMENT_SPEC)
        seen = seen_of((task_vars or {})["inventory_hostname"], options, self._task.check_mode)
        folder = Path(options["cards"]) / seen.host
        has_card = options["verb"] not in {"status", "doctor"}
        is_guess = seen.plan["only_looks"] and has_card and not options["is_known"] and not seen.is_reached
        if is_guess and options["verb"] == "up":
            raise AnsibleActionFail(seen.plan["no_card"])
        if has_card and not is_guess and not seen.plan["is_pulled"]:
            result.update(written(folder, seen))
        result |= {"problem": seen.card["problem"] if has_card else "", "unpublished": unpublished(seen)}
        if options["verb"] == "back":
            return result
        report = reported(seen, folder, options)
        return {
            **result,
            "ansible_stats": {"per_host": True, "aggregate": False, "data": {"reachable_report": report}},
        }


def seen_of(host: str, options: dict[str, Any], check_mode: bool) -> say.Seen:
    """Bring together what was planned and what was found."""
    plan, file = options["plan"], options["password_file"]
    is_new = check_mode and not plan["only_looks"] and plan["service"]["state"] == "absent"
    return say.Seen(
        host=host,
        plan=plan,
        here=options["here"],
        there=options["there"],
        now=datetime.now(timezone.utc).isoformat(timespec="seconds"),
        agent=options["agent"],
        last_words=options["last_words"],
        check_mode=check_mode,
        is_held=options["is_held"],
        password=say.password_place(plan["password_variable"], file, Path(file).is_file(), is_new),
    )


def written(folder: Path, seen: say.Seen) -> dict[str, Any]:
    """Write the card, or foretell what that changes."""
    profile = {"content": seen.profile.text} if seen.profile else {"state": "absent"}
    wanted = [
        entries.folder(str(folder.parent)),
        entries.folder(str(folder)),
        {"path": str(folder / "card.html"), "content": rendered("card.html.j2", folder, seen)},
        {"path": str(folder / "card.txt"), "content": rendered("card.txt.j2", folder, seen)},
        {"path": str(folder / "card.json"), "content": texts.json_text(seen.card)},
        {"path": str(folder / profiles.FILE), **profile},
    ]
    try:
        return file_trees.keep([file_trees.completed(entry) for entry in wanted], seen.check_mode)
    except (files.FilesError, OSError) as error:
        raise AnsibleActionFail(str(error)) from error


def rendered(template: str, folder: Path, seen: say.Seen) -> str:
    """Return the card as one of its templates has it."""
    return templates().get_template(template).render(**seen.page, card_file=str(folder / "card.html"))


@functools.cache
def templates() -> jinja2.Environment:
    """Return where templates are, which are compiled once. They say themselves what is no markup."""
    environment = jinja2.Environment(  # noqa: S701 - see above
        loader=jinja2.FileSystemLoader(ROOT / "roles/endpoint/templates"),
        trim_blocks=True,
        keep_trailing_newline=True,
        undefined=jinja2.StrictUndefined,
    )
    environment.filters["qr_svg"] = qr_svg
    return environment


def unpublished(seen: say.Seen) -> list[entries.Entry]:
    """Return what is still to be published on the host, where no watcher does so."""
    return endpoint.unpublished(seen.plan, seen.card["endpoints"]) if not seen.plan["only_looks"] else []


def reported(seen: say.Seen, folder: Path, options: dict[str, Any]) -> say.Report:
    """Return what is told by a verb."""
    busy = next((each["busy_kernels"] for each in options["kernels"]), None)
    reports = {
        "up": lambda: up(seen, folder, options),
        "status": lambda: say.status_report(seen, options["kept"], options["history"]),
        "doctor": lambda: say.doctor_report(seen),
        "password": lambda: say.password_report(seen, options["proof"], options["password_file"]),
        "switch": lambda: say.switch_report(seen, options["switch"], busy),
    }
    return reports[options["verb"]]()


def served(seen: say.Seen, folder: Path) -> dict[str, str]:
    """Return what an iPad is to get, and what is compared there."""
    page = {"page": str(folder / "card.html")}
    if not seen.profile:
        return page
    return {**page, "profile": str(folder / profiles.FILE), "fingerprint": seen.profile.fingerprint}


def up(seen: say.Seen, folder: Path, options: dict[str, Any]) -> say.Report:
    """Return the card. What a verb that only looks was not asked for, it does not say."""
    file, kept = folder / "card.html", options["kept"]
    is_quiet = seen.plan["only_looks"] or seen.plan["is_pulled"]
    has_text = not (seen.check_mode or seen.plan["is_pulled"])
    return say.up_report(
        seen,
        card_file=str(file),
        text=rendered("card.txt.j2", folder, seen) if has_text else "",
        is_written=file.is_file(),
        **(served(seen, folder) if options["serve"] and not seen.check_mode else {}),
        notes=[] if is_quiet else say.kept_note(kept, seen.check_mode),
        warnings=given.with_place(options["warnings"], kept["values"], kept["file"] or ""),
        hints=[] if is_quiet else options["hints"],
    )
