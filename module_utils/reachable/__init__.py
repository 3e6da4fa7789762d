# SPDX-License-Identifier: Apache-2.0
"""What modules, plugins and the programs on hosts share.

Modules find it as ``ansible.module_utils.reachable``, where Ansible brings it itself, all others as ``reachable``;
within it imports are relative. ``plan/package.py`` brings it to hosts for the programs that run there without Ansible.
"""
