// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The BFD daemons of the distribution as subjects: at A and at B, multiplier 3, in their own lab, with control sockets
// and process id files of their own. What they log at A says what they saw and when; they have no better clock.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "tests/bench/subject.hpp"
#include "topo/process.hpp"

namespace sidestep::bench {

struct BfdSpec {
    std::string name;  ///< of the subject
    std::string interval;
    int sessions = 1;  ///< on the one link, each between addresses of its own
};

class BfdPeer : public Subject {
  public:
    bool wait_up(std::chrono::milliseconds patience) override;
    std::vector<std::int64_t> downs() override;
    /// Processor time of all its processes at A, in nanoseconds.
    std::int64_t cpu_ns();

  protected:
    /// The two addresses of a session, as seen from one node.
    struct Ends {
        std::string own;
        std::string other;
    };
    /// What one line of the log says, if it is about a session.
    struct Change {
        std::string session;
        std::int64_t wall_ns = 0;
        bool up = false;
        bool down = false;  ///< from up
    };

    BfdPeer(const BfdSpec& spec, std::chrono::milliseconds settling);
    [[nodiscard]] virtual std::optional<Change> parse(const std::string& line) const = 0;

    [[nodiscard]] std::vector<Ends> sessions_of(const std::string& node) const;
    /// A directory of the node, for all users to pass.
    [[nodiscard]] std::string directory(const std::string& node) const;
    /// Starts a daemon that was configured to log to log_file(node); its standard output goes to <name>.out.
    void launch(const std::string& node, const std::string& name, const std::vector<std::string>& argv);
    [[nodiscard]] std::string log_file(const std::string& node) const { return directory(node) + "/bfd.log"; }

    const BfdSpec spec_;

  private:
    void read_log();

    std::chrono::milliseconds settling_;
    std::map<std::string, std::vector<topo::Process>> processes_;
    std::size_t log_offset_ = 0;
    std::map<std::string, bool> up_;
    std::int64_t last_up_ns_ = 0;
    std::vector<std::int64_t> downs_;
};

/// Why it cannot run here; empty if it can.
std::string bird_missing();
std::string frr_missing();
std::unique_ptr<BfdPeer> start_bird(const BfdSpec& spec);
std::unique_ptr<BfdPeer> start_frr(const BfdSpec& spec);

}  // namespace sidestep::bench
