// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Shared base of the tests with a running sidestepd: the lab of the demo with a link to cut, a sidestepd on A and on B
// that protects traffic over it by the detour through C, and questions that wait for their answer.
//
//     S --- A ======= B --- D      A-B: the protected link
//            \       /             A-C-B: the detour
//             `- C -'              traffic: S -> D and D -> S
//
// Every question returns an AssertionResult that says what was seen instead.
#pragma once

#include <chrono>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "detector/kernel/tc_hook.hpp"
#include "topo/clock.hpp"
#include "topo/daemon.hpp"
#include "topo/lab.hpp"
#include "topo/wait.hpp"

namespace sidestep::topo {

using namespace std::chrono_literals;
using nlohmann::json;

/// Machines are noisy; anything that takes longer than this will never happen.
inline constexpr std::chrono::seconds kPatience{15};
/// A loss window of a protected link lasts a few milliseconds, but there is no guarantee while other tests run.
inline constexpr std::chrono::milliseconds kLongestLoss{200};

/// `text` with the first `from` replaced by `to`; `from` must occur.
std::string with(std::string text, std::string_view from, std::string_view to);
/// The configuration with a second between a failure and the verdict by probes, so that netlink reports first.
std::string with_slow_probes(std::string config);

/// Numbered packets, by default in both directions: 0 is S -> D, 1 is D -> S.
class Flows {
  public:
    static Result<Flows> start(const Lab& lab, double rate = 2000);
    /// Adds packets from one node to another.
    Result<void> add(const Lab& lab, const std::string& from, const std::string& to, TrafficSpec spec);
    /// The same over IPv4.
    Result<void> add_v4(const Lab& lab, const std::string& from, const std::string& to, TrafficSpec spec);
    /// Waits until `packets` more have arrived in each flow.
    [[nodiscard]] testing::AssertionResult pass(std::uint64_t packets = 200);
    std::vector<FlowReport> stop();

  private:
    std::vector<Traffic> all_;
};

testing::AssertionResult lossless(std::span<const FlowReport> reports);
/// Only packets sent at `since_ns` or later were lost, and each loss ended within kLongestLoss.
testing::AssertionResult healed(std::span<const FlowReport> reports, std::int64_t since_ns);

class ProtectedLab : public testing::Test {
  protected:
    void SetUp() override;
    void TearDown() override;
    /// Builds the lab, with a cut for A-B.
    void build();
    /// The file of the topology; SetUp() needs the nodes and links above.
    [[nodiscard]] virtual std::string topology() const { return SIDESTEP_TOPOLOGIES "/demo.yaml"; }
    /// The link that cut() cuts, and the host that S must reach before a test begins.
    [[nodiscard]] virtual std::string cut_link() const { return "A-B"; }
    [[nodiscard]] virtual std::string far_end() const { return "D"; }

    [[nodiscard]] const Lab& lab() const { return *lab_; }
    [[nodiscard]] Cut& cut() { return *cut_; }
    /// The directory of sidestepd's socket and pins on a node.
    [[nodiscard]] std::string run_directory(const std::string& node) const { return lab_->directory() + "/" + node; }
    /// The configuration of A or B.
    [[nodiscard]] std::string config(const std::string& node) const;
    /// Starts sidestepd on A or B and waits until its sessions are up.
    testing::AssertionResult start(const std::string& node, const std::string& config);
    testing::AssertionResult start(const std::string& node) { return start(node, config(node)); }
    testing::AssertionResult start_both();
    /// Starts it without waiting for anything.
    testing::AssertionResult launch(const std::string& node, const std::string& config);
    testing::AssertionResult stop(const std::string& node);
    /// kill -9
    testing::AssertionResult kill(const std::string& node);
    [[nodiscard]] Daemon& daemon(const std::string& node) { return daemons_.at(node); }
    /// Runs sidestepd by hand to its end, at most kPatience; returns its exit code and output. `before` precedes its
    /// name, `after` follows its other options.
    struct Ended {
        std::optional<int> code;
        std::string output;
    };
    Ended run_sidestepd(const std::string& node, const std::string& config, std::vector<std::string> before = {},
                        const std::string& run_directory = "", const std::vector<std::string>& after = {});

    /// The answer to a command; an empty object if there is none. The same is true for the functions below.
    json ask(const std::string& node, const std::string& command);
    json session(const std::string& node, const std::string& link = "A-B");
    /// The newest event of a session that entered `state`.
    json event(const std::string& node, const std::string& state, const std::string& link = "A-B");
    /// Packets that the backup of the node's policy has taken.
    std::uint64_t rerouted(const std::string& node);
    std::uint64_t rejected(const std::string& node, const std::string& reason);

    /// Waits until the session is in `state` (and for this reason).
    testing::AssertionResult becomes(const std::string& node, const std::string& state, const std::string& reason = "",
                                     const std::string& link = "A-B");
    /// Waits until the policy of the node uses its first candidate (0) or its backup (1).
    testing::AssertionResult takes(const std::string& node, int candidate);
    /// Waits until the output of a shell command in the node contains `text`.
    testing::AssertionResult says(const std::string& node, const std::string& command, const std::string& text);
    /// True if a program of ours is attached to the ingress of an interface of the node.
    [[nodiscard]] bool hooked(const std::string& node, const std::string& interface) const;
    /// Runs the command line `sidestep` in the node, for its daemon; returns the output of both streams.
    std::string cli(const std::string& node, const std::string& arguments);
    /// Runs a shell command in the node; returns the output of both streams.
    std::string shell(const std::string& node, const std::string& command);

  private:
    std::unique_ptr<Lab> lab_;
    std::unique_ptr<Cut> cut_;
    std::map<std::string, Daemon> daemons_;
};

}  // namespace sidestep::topo
