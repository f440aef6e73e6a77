// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The configuration of sidestepd for one router of a lab that protects traffic over a link by a detour.
#pragma once

#include <string>
#include <vector>

#include "topo/lab.hpp"

namespace sidestep::topo {

/// `node` sends what is for `destination` over `link`, and while that is down over `backup_link` and the routers `via`,
/// the last of which is where the detour meets the usual path again and takes the encapsulation off.
struct Protection {
    std::string node{};
    std::string link{};
    std::string backup_link{};
    std::vector<std::string> via;
    std::string destination;
    std::string interval = "1ms";
    int multiplier = 3;
    std::string wait_to_restore = "200ms";
};

/// The parts that such configurations are made of: node and clock; one item of `adjacencies`, without its end; the
/// detour as a candidate path.
std::string head_yaml(const Lab& lab, const Protection& protection);
std::string adjacency_yaml(const Lab& lab, const Protection& protection, const std::string& link);
std::string detour_yaml(const Lab& lab, const Protection& protection);
/// All interfaces of the node, as `ingress`.
std::string ingress_yaml(const Lab& lab, const Protection& protection);

/// The YAML that `sidestepd --config` reads.
std::string protection_config(const Lab& lab, const Protection& protection);

}  // namespace sidestep::topo
