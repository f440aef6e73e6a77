// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The file of the keys that BFD packets are signed with: a key a line, its number (0 to 255), then the key itself, 1 to 20
// bytes without spaces. Empty lines and those that begin with # are skipped.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "common/error.hpp"
#include "detector/config/reader.hpp"

namespace sidestep {

/// `file` is named in the error, which has no part of a key.
Result<std::vector<BfdKey>> read_bfd_keys(const std::string& text, const std::string& file);

/// Does read_config_file() for the process that will speak BFD: with the keys that the configuration names. A file of keys
/// that is not good is a complaint.
std::optional<Config> read_config_and_keys(const std::string& path, Complaints& complaints);

namespace config_reader {

/// Without Reading::exists, the file is not read.
std::optional<BfdAuth> read_authentication(const Reading& reading, const YamlPlace& place);

}  // namespace config_reader
}  // namespace sidestep
