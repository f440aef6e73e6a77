// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The policies of a node in the maps: candidates with their header bytes, policies, protected prefixes, and the
// destinations that are exempt because they are this node itself.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "detector/app/session_table.hpp"
#include "detector/core/config.hpp"
#include "detector/io/dataplane.hpp"

namespace sidestep {

/// One candidate path, and where it stands in the maps.
struct CandidatePath {
    CandidateConfig config;
    std::uint32_t index = 0;              ///< in the map of candidates
    std::uint16_t adjacency = 0;          ///< session of the adjacency it leaves by
    std::vector<std::uint16_t> sessions;  ///< all that it depends on, that one first
};

struct Policy {
    PolicyConfig config;
    std::uint32_t index = 0;
    std::vector<CandidatePath> candidates;
};

class PolicyTable {
  public:
    /// How large the maps must be for this configuration.
    static PolicySizes sizes(const Config& config);
    PolicyTable(Dataplane& dataplane, SessionTable& sessions, const Config& config);

    /// Writes everything. The first failure ends it.
    Result<void> publish();
    /// Writes the candidates that leave by this adjacency again, since its link changed.
    Result<void> refresh(const Session& session);

    /// This node's own addresses are never repaired.
    void exempt(const Address& address, bool add);

    [[nodiscard]] const std::vector<Policy>& all() const { return policies_; }
    [[nodiscard]] std::uint32_t rank(const CandidatePath& candidate) const;
    /// Position in policy.candidates of the path that packets take now; -1 when all are down. Asks the data plane's own
    /// function (bpf/lib/pick.h).
    [[nodiscard]] int active(const Policy& policy) const;

  private:
    Result<void> write(const CandidatePath& candidate);
    [[nodiscard]] ss_candidate encode(const CandidatePath& candidate) const;
    [[nodiscard]] static ss_policy encode(const Policy& policy);

    Dataplane& dataplane_;
    SessionTable& sessions_;
    Address source_;
    std::vector<Policy> policies_;
    std::map<std::uint32_t, ss_candidate> written_;  ///< what the map of candidates holds
};

}  // namespace sidestep
