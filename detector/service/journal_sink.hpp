// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Log lines as entries of systemd's journal, with their fields (common/log_fields.hpp), by its native protocol. The loop
// never waits for the journal: what it does not take is dropped, and the number of such lines is logged later.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include <spdlog/sinks/sink.h>

#include "common/error.hpp"

namespace sidestep {

inline constexpr auto kJournalSocket = "/run/systemd/journal/socket";

/// True if standard error is the journal: JOURNAL_STREAM names its device and inode.
bool logs_to_journal();

/// One field of an entry. Values with a newline are preceded by their length.
void append_journal_field(std::string& entry, std::string_view name, std::string_view value);

/// A sink for spdlog that sends to the journal's socket.
Result<std::shared_ptr<spdlog::sinks::sink>> make_journal_sink(std::string_view identifier,
                                                               std::string_view socket = kJournalSocket);

}  // namespace sidestep
