// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The lab of the hitless tests: A and B send each other's traffic in two copies, by A-B and by C, and merge it.
#pragma once

#include <fstream>
#include <span>
#include <string>

#include <fmt/format.h>

#include "routing/core/sids.hpp"
#include "tests/net/repair_lab.hpp"

namespace sidestep::topo {

class HitlessLab : public RepairLab {
  protected:
    [[nodiscard]] Address merging(const std::string& node) const { return lab().sid(node, 0x0e46); }

    [[nodiscard]] std::string hitless_config(const std::string& node) const {
        const std::string far = node == "A" ? "B" : "A";
        const std::string link = node == "A" ? "A-C" : "C-B";
        auto text = with(base_config(node), "behavior: end.dt46}]",
                         fmt::format("behavior: end.dt46}}, {{sid: \"{}\", behavior: end.dt46, flows: [7]}}]",
                                     merging(node).to_string()));
        text += fmt::format(
            "device: sr0\n"
            "paths:\n"
            "  - name: around\n"
            "    adjacency: {}\n"
            "    segments: [\"{}\", \"{}\"]\n"
            "    probe: {{interval: 1ms, multiplier: 3, wait-to-restore: 100ms, return-address: \"{}\", "
            "return: [\"{}\"]}}\n",
            link, lab().sid("C", routing::kFunctionEnd).to_string(),
            lab().sid(far, routing::kFunctionDecap).to_string(), lab().interface(node, link).address.to_string(),
            lab().adjacency_sid("C", link).to_string());
        return text + fmt::format(
                          "policies:\n"
                          "  - name: far\n"
                          "    prefixes: {}\n"
                          "    protection: hitless\n"
                          "    flow: 7\n"
                          "    candidates:\n"
                          "      - lists:\n"
                          "          - {{adjacency: A-B, encap: h.encaps.red, segments: [\"{}\"]}}\n"
                          "          - {{adjacency: {}, segments: [\"{}\", \"{}\"], sessions: [around]}}\n",
                          far_prefixes(node), merging(far).to_string(), link,
                          lab().sid("C", routing::kFunctionEnd).to_string(), merging(far).to_string());
    }

    json merging_at(const std::string& node) { return ask(node, "policies").value("merging", json::array()); }

    /// Gives a running node another configuration. What it says of that.
    std::string reload(const std::string& node, const std::string& config) {
        std::ofstream(run_directory(node) + "/" + node + ".yaml") << config;
        return cli(node, "reload");
    }

    void start_hitless() { ASSERT_TRUE(start_with(hitless_config("A"), hitless_config("B"))); }
};

/// Nothing is lost, and nothing arrives twice.
inline testing::AssertionResult perfect(std::span<const FlowReport> reports) {
    for (const auto& report : reports) {
        if (!report.lost.empty() || report.duplicates != 0) {
            return testing::AssertionFailure()
                   << report.sent << " sent, " << report.lost.size() << " lost, " << report.duplicates << " twice";
        }
    }
    return testing::AssertionSuccess();
}

}  // namespace sidestep::topo
