# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Failover experiments on emulated networks: docs/lab.md. Needs root, /usr/bin/python3 and Debian's mininet."""
from .plan import LabError, Plan

__all__ = ["LabError", "LabNet", "Plan", "RouterNode"]


def __getattr__(name):
    """What needs mininet is imported when it is used: plans and reports do without."""
    if name == "LabNet":
        from .net import LabNet
        return LabNet
    if name == "RouterNode":
        from .node import RouterNode
        return RouterNode
    raise AttributeError(name)
