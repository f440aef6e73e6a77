# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""YAML whose complaints name their place: file:line:column: field: sentence."""
import re

import yaml

DURATION = re.compile(r"^(\d+(?:\.\d+)?)(us|ms|s|min)$")
UNITS = {"us": 1e-6, "ms": 1e-3, "s": 1.0, "min": 60.0}


class BadExperiment(Exception):
    """All complaints about a file, one a line."""


class Field:
    """A value with its place. The reading functions note a complaint and return a default, so that one pass finds all
    mistakes."""

    def __init__(self, node, path, file, complaints):
        self._node, self.path, self._file, self._complaints = node, path, file, complaints
        self.used = set()

    @classmethod
    def load(cls, file, complaints):
        with open(file, encoding="utf-8") as text:
            try:
                node = yaml.compose(text, Loader=yaml.SafeLoader)
            except yaml.MarkedYAMLError as error:
                mark = error.problem_mark
                raise BadExperiment(f"{file}:{mark.line + 1}:{mark.column + 1}: {error.problem}") from error
        if node is None:
            raise BadExperiment(f"{file}:1:1: the file is empty")
        return cls(node, "", file, complaints)

    def complain(self, text):
        mark = self._node.start_mark
        where = f"{self.path}: " if self.path else ""
        self._complaints.append(f"{self._file}:{mark.line + 1}:{mark.column + 1}: {where}{text}")

    def _child(self, node, path):
        return Field(node, path, self._file, self._complaints)

    def get(self, key, required=False):
        """The field of this key, or None."""
        if not isinstance(self._node, yaml.MappingNode):
            if not self.used:
                self.complain("has to be a mapping")
            self.used.add(key)
            return None
        self.used.add(key)
        for name, value in self._node.value:
            if name.value == key:
                return self._child(value, f"{self.path}.{key}" if self.path else key)
        if required:
            self.complain(f"{key} is missing")
        return None

    def keys(self):
        return [name.value for name, _ in self._node.value] if isinstance(self._node, yaml.MappingNode) else []

    def items(self):
        if not isinstance(self._node, yaml.SequenceNode):
            self.complain("has to be a list")
            return []
        return [self._child(node, f"{self.path}[{n}]") for n, node in enumerate(self._node.value)]

    def refuse_unused(self):
        """Complains about keys that nobody has asked for."""
        if not isinstance(self._node, yaml.MappingNode):
            return
        seen = set()
        for name, _ in self._node.value:
            if name.value not in self.used:
                self._child(name, self.path).complain(f"unknown key {name.value}")
            if name.value in seen:
                self._child(name, self.path).complain(f"{name.value} is given twice")
            seen.add(name.value)

    def plain(self):
        """The value as YAML has it."""
        return yaml.SafeLoader.construct_document(_Constructor(), self._node)

    def text(self, default=""):
        if not isinstance(self._node, yaml.ScalarNode) or not self._node.value:
            self.complain("has to be a text")
            return default
        return self._node.value

    def number(self, low, high, default=0, whole=False):
        value = self.plain()
        if isinstance(value, bool) or not isinstance(value, int if whole else (int, float)):
            self.complain("has to be a whole number" if whole else "has to be a number")
            return default
        if not low <= value <= high:
            self.complain(f"{value} is not between {low} and {high}")
            return default
        return value

    def truth(self, default=False):
        value = self.plain()
        if not isinstance(value, bool):
            self.complain("has to be true or false")
            return default
        return value

    def seconds(self, low=0.0, high=3600.0, default=0.0):
        """A duration with its unit: 100us, 1.5ms, 2s, 1min."""
        match = DURATION.match(self._node.value) if isinstance(self._node, yaml.ScalarNode) else None
        if not match:
            self.complain("has to be a duration with its unit, such as 500ms or 2s")
            return default
        value = float(match[1]) * UNITS[match[2]]
        if not low <= value <= high:
            self.complain(f"has to be between {low:g} s and {high:g} s")
            return default
        return value

    def choice(self, choices):
        value = self.text()
        if value and value not in choices:
            self.complain(f"unknown: {value}; there are {', '.join(choices)}")
            return ""
        return value

    def texts(self):
        return [item.text() for item in self.items()]


class _Constructor(yaml.SafeLoader):
    def __init__(self):  # pylint: disable=super-init-not-called
        yaml.constructor.SafeConstructor.__init__(self)
