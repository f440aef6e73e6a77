// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Which of many sessions or policies a client wants to see, so that who looks at forty of four thousand costs as little.
#pragma once

#include <array>
#include <cstddef>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

#include "detector/engine/engine.hpp"

namespace sidestep {

/// The orders of sessions, each with the most remarkable first; by name, the alphabet.
inline constexpr std::array<std::string_view, 5> kSessionOrders{"state", "rtt", "loss", "downs", "name"};

struct ListQuery {
    std::string sort;    ///< one of kSessionOrders; empty: as configured
    std::string filter;  ///< part of the name
    std::size_t limit = std::numeric_limits<std::size_t>::max();
    bool rerouting = false;  ///< only policies whose first candidate is not the one that packets take
};

template <typename T>
struct Selected {
    std::vector<const T*> items;
    std::size_t matching = 0;  ///< those within the limit, and beyond
};

Selected<Session> select_sessions(const Engine& engine, const ListQuery& query);
Selected<Policy> select_policies(const Engine& engine, const ListQuery& query);

/// Where a policy is, to find it again in a later turn of the loop.
struct PolicyPlace {
    std::size_t at = 0;
    std::string key;
};
PolicyPlace place_of(const Engine& engine, const Policy& policy);
/// Null if another set is in force since, and the policy has another place in it, or none.
const Policy* policy_at(const Engine& engine, const PolicyPlace& place);

}  // namespace sidestep
