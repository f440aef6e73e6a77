// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// From text to a YamlTree, over libyaml. Complains of everything that makes a text none that can be read: its syntax,
// two equal keys, a second document, aliases without end.
#pragma once

#include <optional>
#include <string>

#include "common/complaints.hpp"
#include "common/yaml_tree.hpp"

namespace sidestep {

/// The only document in `text`; an empty text is a null at line 0. nullopt, with at least one complaint, if there is
/// anything wrong. An alias is a copy of what it names.
std::optional<YamlTree> parse_yaml(const std::string& text, Complaints& complaints);

}  // namespace sidestep
