# SPDX-License-Identifier: Apache-2.0
"""What modules, plugins and the programs on hosts share.

Modules find it as ``ansible.module_utils.reachable``, all others as ``reachable``; within it imports are relative.
"""
