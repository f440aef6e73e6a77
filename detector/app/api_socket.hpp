// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The API's listening socket: only its owner may connect to it, from its first moment on.
#pragma once

#include <string>

#include "common/error.hpp"
#include "common/fd.hpp"

namespace sidestep {

/// Listens at `path` with mode 0600; the socket does not block. A socket that a dead process left there is replaced. An
/// error if a process answers there, if the file is no socket, or if the path is too long for an address (unix(7)).
Result<Fd> listen_privately(const std::string& path);

/// Lets the members of a group connect to the socket that this process made at `path`, too (mode 0660).
Result<void> open_to_group(const std::string& path, const std::string& group);

/// Whether a process listens at the socket at `path`. An error if that cannot be told: there may be no socket.
Result<bool> somebody_listens(const std::string& path);

}  // namespace sidestep
