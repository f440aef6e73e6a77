// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// What leads to an adjacency, as the data plane sees it: gateways that the FIB names, and this node's SIDs.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "detector/core/config.hpp"
#include "detector/core/stale_routes.hpp"
#include "detector/maps/dataplane.hpp"
#include "detector/maps/length_list.hpp"
#include "detector/maps/policy_table.hpp"
#include "detector/maps/session_table.hpp"

namespace sidestep {

/// The adjacencies behind interfaces and gateways, with their bypasses (ss_adjacencies).
class AdjacencyTable {
  public:
    AdjacencyTable(Dataplane& dataplane, SessionTable& sessions, const PolicyTable& policies, const Config& config)
        : dataplane_(dataplane), sessions_(sessions), policies_(policies), config_(config) {}

    /// Writes what has changed: interfaces, or bypasses.
    Result<void> update();
    /// The bypass of what leaves by this next hop, as last written; SS_POLICY_EXEMPT if there is none.
    [[nodiscard]] std::uint32_t bypass_at(const RouteHop& hop) const;

  private:
    using Entries = std::map<std::string, ss_adjacency>;  ///< by the bytes of an ss_hop

    [[nodiscard]] Entries wanted() const;

    Dataplane& dataplane_;
    SessionTable& sessions_;
    const PolicyTable& policies_;
    const Config& config_;
    Entries written_;
};

/// The SIDs of this node (ss_sids).
class SidTable {
  public:
    SidTable(Dataplane& dataplane, SessionTable& sessions, const PolicyTable& policies, const Config& config);

    /// Writes the SIDs of the file and those that routing computed. An adjacency keeps its SID while its link is
    /// missing from the network: neighbors may learn of its return, and use the SID, before we do.
    Result<void> update(const std::vector<SidConfig>& computed);
    /// All of them.
    [[nodiscard]] const std::vector<SidConfig>& all() const { return sids_; }

  private:
    [[nodiscard]] ss_sid encode(const SidConfig& sid) const;

    Dataplane& dataplane_;
    SessionTable& sessions_;
    const PolicyTable& policies_;
    const Config& config_;
    LengthList lengths_;
    std::vector<SidConfig> sids_;
};

}  // namespace sidestep
