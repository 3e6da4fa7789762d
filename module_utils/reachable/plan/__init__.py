# SPDX-License-Identifier: Apache-2.0
"""The thinking: what is wanted on a host, what of it is missing, and what is refused.

It runs on the controller, and is pure: nothing here reads, writes or asks. The action ``plan`` brings it together with
Ansible.
"""
