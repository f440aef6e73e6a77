// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Recognizes our BPF programs among those of others: their names begin with "ss_".
#pragma once

#include <cstdint>
#include <string>

#include "common/fd.hpp"

namespace sidestep {

/// The loaded program with this ID; none if it is not ours, or gone.
Fd own_program(std::uint32_t id);
/// The ID of a loaded program; 0 if there is none.
std::uint32_t program_id(int program_fd);
/// The name of the loaded program with this ID, whoever owns it; "?" if it cannot be read.
std::string program_name(std::uint32_t id);

}  // namespace sidestep
