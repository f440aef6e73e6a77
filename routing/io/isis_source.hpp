// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Follows the link-state database of FRR's isisd through vtysh. After an error the last good state stays.
#pragma once

#include <chrono>
#include <optional>
#include <string>

#include "common/error.hpp"
#include "routing/core/isis_database.hpp"
#include "routing/core/isis_graph.hpp"

namespace sidestep::routing {

struct IsisSourceOptions {
    std::string vtysh = "vtysh";
    std::string socket_directory = {};  ///< where isisd.vty is, if not in FRR's usual place
    std::chrono::milliseconds timeout{2000};
    IsisScope scope = {};
    int attempts = 3;  ///< reads until two commands agree on the network
};

/// Reads the database once, again if it changed meanwhile. Errors: vtysh missing, isisd not running, IS-IS not
/// configured, no answer in time, a database that kept changing.
Result<IsisDatabase> read_isis(const IsisSourceOptions& options);

/// The identities of the LSPs in the output of "show isis database", with or without "detail": IDs, sequence numbers,
/// checksums and whether they are purged, but not their lifetimes. Equal lists mean equal databases (ISO 10589,
/// 7.3.16), and the list costs isisd a line per LSP.
std::string list_of_lsps(const std::string& text);

/// Keeps the last good graph.
class IsisSource {
  public:
    IsisSource(IsisSourceOptions options, LocatorPlan plan) : options_(std::move(options)), plan_(plan) {}

    /// Reads the database (blocks) if its list of LSPs changed since the last call; true if the network changed.
    /// After an error current() is unchanged.
    Result<bool> refresh();
    /// The last good state; nullptr before the first one.
    [[nodiscard]] const IsisGraph* current() const { return current_ ? &*current_ : nullptr; }

  private:
    IsisSourceOptions options_;
    LocatorPlan plan_;
    std::string list_;  ///< of LSPs, when database_ was read
    IsisDatabase database_;
    std::optional<IsisGraph> current_;
};

}  // namespace sidestep::routing
