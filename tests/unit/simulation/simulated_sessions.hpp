// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The sessions of all routers of a network, in simulated time. What decides is the real thing: the kernel's judge and states
// (bpf/lib/judge.h, bpf/lib/answer.h, bpf/lib/session_state.h) and the detector's state machine. What is simulated are links
// with latency, jitter and loss, the clock that visits sessions, and the time that an event takes to the detector: none.
#pragma once

#include <cstdint>
#include <deque>
#include <random>
#include <vector>

#include "bpf/abi/sidestep.h"
#include "detector/core/config.hpp"
#include "detector/core/session_fsm.hpp"
#include "routing/core/graph.hpp"

namespace sidestep {

struct SimulatedNetwork {
    Nanoseconds shortest_latency = std::chrono::microseconds(50);  ///< of a link, in one direction
    Nanoseconds longest_latency = std::chrono::milliseconds(4);
    double jitter = 0.1;   ///< of the latency, at most
    double loss = 0.0005;  ///< share of the packets of each direction
};

class SimulatedSessions {
  public:
    /// One session for each direction of each link, all with the same settings.
    SimulatedSessions(const routing::Graph& graph, const ProbeSettings& probe, const SimulatedNetwork& network,
                      std::uint32_t seed);

    /// Packets are lost in this direction from now on, or no longer.
    void set_broken(routing::ArcId arc, bool broken) { broken_[arc] = broken; }
    /// Looks at all that is due until then.
    void run_until(Nanoseconds until);
    [[nodiscard]] Nanoseconds now() const { return now_; }
    [[nodiscard]] std::uint32_t rank(routing::ArcId arc) const { return sessions_[arc].state.rank; }
    /// How many are not up.
    [[nodiscard]] std::size_t not_up() const;
    /// From a failure of the link to the verdict, at most.
    [[nodiscard]] Nanoseconds detection(routing::ArcId arc) const;
    [[nodiscard]] std::uint64_t probes() const { return probes_; }

  private:
    struct Answer {
        Nanoseconds at;
        std::uint64_t sequence;
        Nanoseconds sent;
    };
    struct Simulated {
        ss_session session{};
        ss_session_state state{};
        FsmState fsm{};
        Nanoseconds timer{};  ///< 0: none
        Nanoseconds latency{};
        std::deque<Answer> on_the_way{};
    };

    void visit(routing::ArcId arc);
    bool judge(Simulated& one);
    void tell(Simulated& one, SessionEvent event);
    void send(routing::ArcId arc, Simulated& one);
    void look_at_suspects();
    void run_timers();
    [[nodiscard]] bool passes(routing::ArcId arc);

    ProbeSettings probe_;
    SimulatedNetwork network_;
    Nanoseconds tick_;
    std::vector<Simulated> sessions_;  ///< by arc
    std::vector<bool> broken_;         ///< by arc
    std::vector<routing::ArcId> suspects_;
    ss_repair_state repair_{};
    std::mt19937_64 random_;
    Nanoseconds now_{std::chrono::seconds(100)};
    std::uint64_t due_ = 0;  ///< visits so far
    std::uint64_t probes_ = 0;
};

}  // namespace sidestep
