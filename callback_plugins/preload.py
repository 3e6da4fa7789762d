# SPDX-License-Identifier: Apache-2.0
"""What each task would do anew, done once."""

from __future__ import annotations

DOCUMENTATION = r"""
name: preload
type: notification
short_description: Load filters and compile templates once, not in each task
description:
  - Each task is a forked copy of the process that runs the playbook. This loads all filters and tests before the first
    of them, which each would otherwise load anew, and keeps the garbage collector from looking through all that is
    there.
  - A variable that is a template is compiled each time that something names it, which is most of the time that a task
    takes before its module runs. Here each is compiled once, those of the play's roles before the first task. Ansible
    has no public way to that; a version that does it in another place than the locked ones goes without.
version_added: "1.0.0"
author: ["Reachable contributors (@reachable)"]
requirements:
  - enabled in configuration
"""

import contextlib
import functools
import gc
from typing import TYPE_CHECKING, Any

from ansible.plugins.callback import CallbackBase
from ansible.plugins.loader import filter_loader, test_loader
from jinja2 import TemplateError

try:
    from ansible._internal._templating._engine import TemplateEngine
    from ansible._internal._templating._jinja_bits import AnsibleEnvironment, _TemplateCompileContext
except ImportError:
    AnsibleEnvironment = None

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import CodeType


def once(compile_template: Callable[..., CodeType]) -> Callable[..., CodeType]:
    """Return Jinja's ``Environment.compile``, which then compiles a text once, but for templates with own settings."""
    known: dict[tuple[str, bool], CodeType] = {}

    @functools.wraps(compile_template)
    def compile_once(environment: Any, source: Any, *others: Any, **more: Any) -> CodeType:
        if others or more or environment.overlayed or not isinstance(source, str):
            return compile_template(environment, source, *others, **more)
        context = _TemplateCompileContext.current(optional=True)
        key = str(source), bool(context and context.escape_backslashes)
        if key not in known:
            known[key] = compile_template(environment, source)
        return known[key]

    return compile_once


if AnsibleEnvironment:
    AnsibleEnvironment.compile = once(AnsibleEnvironment.compile)


def templates(value: Any) -> Iterator[str]:
    """Yield the texts of a variable, however deep, that may be templates."""
    if isinstance(value, str):
        if "{" in value:
            yield value
    elif isinstance(value, (dict, list)):
        for each in value.values() if isinstance(value, dict) else value:
            yield from templates(each)


def compile_variables(play: Any) -> None:
    """Compile what the variables of a play's roles are made of."""
    variables = play.get_variable_manager().get_vars(play=play, include_hostvars=False)
    environment = TemplateEngine().environment
    with _TemplateCompileContext(escape_backslashes=True):
        for template in templates(variables):
            with contextlib.suppress(TemplateError):  # it may never be used
                environment.compile(template)


class CallbackModule(CallbackBase):  # type: ignore[misc]  # Ansible has no types
    """Load what is the same in all tasks."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "notification"
    CALLBACK_NAME = "preload"
    CALLBACK_NEEDS_ENABLED = True

    def v2_playbook_on_play_start(self, play: Any) -> None:
        """Load all filters and tests: to ask for any of them does. Compile the variables."""
        for loader in (filter_loader, test_loader):
            loader.get("ansible.builtin.version")
        if AnsibleEnvironment:
            compile_variables(play)
        gc.freeze()
