// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The clock does what bpf/tc/tick.bpf.c does: it visits sessions in turn, evenly over the interval, and suspects at each tick.
#include "tests/unit/simulation/simulated_sessions.hpp"

#include <algorithm>

#include "bpf/lib/answer.h"
#include "bpf/lib/judge.h"
#include "bpf/lib/session_state.h"
#include "detector/core/detection.hpp"

namespace sidestep {
namespace {

constexpr std::int64_t kTicksPerInterval = 64;

std::uint64_t ns(Nanoseconds time) {
    return static_cast<std::uint64_t>(time.count());
}

}  // namespace

SimulatedSessions::SimulatedSessions(const routing::Graph& graph, const ProbeSettings& probe,
                                     const SimulatedNetwork& network, std::uint32_t seed)
    : probe_(probe),
      network_(network),
      tick_(probe.interval / kTicksPerInterval),
      sessions_(2 * graph.link_count()),
      broken_(sessions_.size()),
      random_(seed) {
    std::uniform_int_distribution<std::int64_t> latency(network.shortest_latency.count(),
                                                        network.longest_latency.count());
    for (std::size_t arc = 0; arc < sessions_.size(); ++arc) {
        auto& one = sessions_[arc];
        one.latency = arc % 2 == 0 ? Nanoseconds(latency(random_)) : sessions_[arc - 1].latency;
        auto& conf = one.session.conf;
        conf.multiplier = static_cast<__u16>(probe.multiplier);
        conf.up_count = static_cast<__u16>(probe.up_count);
        conf.interval_ns = ns(probe.interval);
        conf.allowance_ns = ns(allowance_of(probe));
        conf.loss_limit = SS_NO_LOSS_LIMIT;
        one.session.tx.proof_from = 1;
        one.state = {.rank = SS_DOWN, .protects = 1};
    }
    repair_.active = static_cast<__u32>(sessions_.size());
}

void SimulatedSessions::run_until(Nanoseconds until) {
    while (now_ + tick_ <= until) {
        now_ += tick_;
        look_at_suspects();
        run_timers();
        // As many as the elapsed time asks for.
        const auto wanted = ns(now_) / ns(tick_) * sessions_.size() / kTicksPerInterval;
        if (due_ == 0) due_ = wanted;
        for (; due_ < wanted; ++due_) visit(static_cast<routing::ArcId>(due_ % sessions_.size()));
    }
}

bool SimulatedSessions::passes(routing::ArcId arc) {
    return !broken_[arc] && std::uniform_real_distribution<double>()(random_) >= network_.loss;
}

void SimulatedSessions::send(routing::ArcId arc, Simulated& one) {
    const auto sequence = ++one.session.tx.sequence;
    one.session.tx.sent_at_ns[sequence % SS_SENT_RING] = ns(now_);
    ++probes_;
    if (!passes(arc) || !passes(routing::reverse(arc))) return;
    const auto jitter = 1 + network_.jitter * std::uniform_real_distribution<double>()(random_);
    const auto back = std::chrono::duration_cast<Nanoseconds>(2 * one.latency * jitter);
    one.on_the_way.push_back({.at = now_ + back, .sequence = sequence, .sent = now_});
}

void SimulatedSessions::visit(routing::ArcId arc) {
    auto& one = sessions_[arc];
    judge(one);
    send(arc, one);
    if (judge(one) && std::ranges::find(suspects_, arc) == suspects_.end()) suspects_.push_back(arc);
}

/// As the tick program does. What has come back until now was recorded when it came.
bool SimulatedSessions::judge(Simulated& one) {
    while (!one.on_the_way.empty() && one.on_the_way.front().at <= now_) {
        const auto& answer = one.on_the_way.front();
        ss_record_answer(&one.session, static_cast<__u32>(answer.sequence), ns(answer.at), ns(answer.sent));
        one.on_the_way.pop_front();
    }
    auto& tx = one.session.tx;
    if (tx.epoch != one.session.conf.epoch) {
        tx.epoch = one.session.conf.epoch;
        tx.verdict = SS_UNPROVEN;
        tx.proof_from = tx.sequence + 1;
    }
    const auto judgement = ss_judge(&one.session, ns(now_));
    if (judgement.verdict != tx.verdict) {
        tx.verdict = judgement.verdict;
        tx.verdict_ns = ns(now_);
        if (judgement.verdict == SS_DEAD) {
            ss_state_lower(&one.state, &repair_, SS_DOWN);
            tx.proof_from = tx.sequence + 1;
        }
        tell(one, judgement.verdict == SS_DEAD ? SessionEvent::dead : SessionEvent::alive);
    }
    return judgement.revisit_ns != 0;
}

/// What the engine makes of the state machine's actions (SessionTable::apply).
void SimulatedSessions::tell(Simulated& one, SessionEvent event) {
    const auto actions = step(one.fsm, event, now_, {.wait_to_restore = probe_.wait_to_restore});
    if (actions.ask_proof) ++one.session.conf.epoch;
    if (actions.lower) ss_state_lower(&one.state, &repair_, SS_DOWN);
    if (actions.raise) ss_state_raise(&one.state, &repair_, one.state.rank, SS_UP);
    if (actions.wait) ss_state_raise(&one.state, &repair_, SS_DOWN, is_unstable(one.fsm) ? SS_UNSTABLE : SS_WAITING);
    if (actions.timer) {
        one.timer = *actions.timer;
    } else if (actions.changed) {
        one.timer = Nanoseconds::zero();
    }
}

void SimulatedSessions::look_at_suspects() {
    std::erase_if(suspects_, [&](routing::ArcId arc) { return !judge(sessions_[arc]); });
}

void SimulatedSessions::run_timers() {
    if (repair_.active == 0) return;  // who waits is not up
    for (auto& one : sessions_) {
        if (one.timer == Nanoseconds::zero() || one.timer > now_) continue;
        one.timer = Nanoseconds::zero();
        tell(one, SessionEvent::timer);
    }
}

std::size_t SimulatedSessions::not_up() const {
    return static_cast<std::size_t>(
        std::ranges::count_if(sessions_, [](const Simulated& one) { return one.state.rank != SS_UP; }));
}

Nanoseconds SimulatedSessions::detection(routing::ArcId arc) const {
    const auto allowance = Nanoseconds(static_cast<std::int64_t>(ss_allowance(&sessions_[arc].session)));
    return probe_.interval * probe_.multiplier + allowance + tick_;
}

}  // namespace sidestep
