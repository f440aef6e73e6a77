// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The entries that lead to an adjacency: gateways that the FIB uses, and this node's SIDs.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "detector/core/desired.hpp"
#include "detector/core/stale_routes.hpp"
#include "detector/maps/length_list.hpp"
#include "detector/maps/maps.hpp"
#include "detector/maps/policy_table.hpp"
#include "detector/maps/session_table.hpp"

namespace sidestep {

/// The adjacencies by interface and gateway, with their bypasses (ss_adjacencies).
class AdjacencyTable {
  public:
    AdjacencyTable(Maps& maps, SessionTable& sessions, const PolicyTable& policies)
        : maps_(maps), sessions_(sessions), policies_(policies) {}

    /// Sets the adjacencies; update() writes them.
    void set(std::vector<AdjacencyKey> adjacencies) { adjacencies_ = std::move(adjacencies); }
    /// Notes the MAC address of a host on a link: whatever has the neighbor's is the neighbor. True if that is new.
    bool note_resolved(int ifindex, const Address& address, const MacAddress& mac);
    /// Writes the differences to the last time: adjacencies, interfaces, bypasses, or addresses of neighbors.
    Result<void> update();
    /// The bypass for packets that leave by this next hop, as last written; SS_POLICY_EXEMPT if there is none.
    [[nodiscard]] std::uint32_t bypass_at(const RouteHop& hop) const;
    /// The session of the adjacency that this next hop is; nullopt if it is none.
    [[nodiscard]] std::optional<std::uint32_t> session_at(const RouteHop& hop) const;

  private:
    using Entries = std::map<std::string, ss_adjacency>;  ///< by the bytes of an ss_hop

    [[nodiscard]] Entries wanted() const;
    [[nodiscard]] const ss_adjacency* at(const RouteHop& hop) const;
    void add_resolved(const Session& session, const ss_adjacency& value, Entries& entries) const;

    Maps& maps_;
    SessionTable& sessions_;
    const PolicyTable& policies_;
    std::vector<AdjacencyKey> adjacencies_;
    std::map<std::pair<int, Address>, MacAddress> resolved_;  ///< hosts on links of adjacencies, as last heard
    Entries written_;
};

/// The SIDs of this node (ss_sids).
class SidTable {
  public:
    SidTable(Maps& maps, SessionTable& sessions, const PolicyTable& policies);

    /// Writes these SIDs, and removes the others.
    Result<void> update(const std::vector<SidConfig>& wanted);
    /// Writes the prefixes of the SR domain, at most SS_MAX_DOMAIN. A prefix that stays is in force all the time.
    void set_domain(const std::vector<Prefix>& domain);
    [[nodiscard]] const std::vector<SidConfig>& all() const { return sids_; }

  private:
    Result<void> make_windows(const std::vector<SidConfig>& wanted);
    [[nodiscard]] ss_sid encode(const SidConfig& sid) const;

    Maps& maps_;
    SessionTable& sessions_;
    const PolicyTable& policies_;
    LengthList lengths_;
    std::vector<SidConfig> sids_;
};

}  // namespace sidestep
