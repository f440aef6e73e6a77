// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "detector/engine/engine_input.hpp"

#include "detector/engine/engine.hpp"

namespace sidestep {
namespace {

/// One overload for each kind of input.
struct Teller {
    Engine& engine;
    Nanoseconds now;

    void operator()(const NamedVerdict& verdict) const {
        const auto* session = engine.sessions().find(verdict.session);
        if (session == nullptr) return;
        auto event = verdict.event;
        event.session = session->index;
        engine.on_kernel_event(event, now);
    }
    void operator()(const LinkChange& change) const { (void)engine.on_link(change, now); }
    void operator()(const NeighborChange& change) const { engine.on_neighbor(change, now); }
    void operator()(const AddressChange& change) const { engine.on_address(change); }
    void operator()(const LinksKnown& /*known*/) const { engine.on_links_known(now); }
    void operator()(const ChangesSettled& /*settled*/) const { engine.settle(); }
    void operator()(const AdminCommand& command) const {
        if (auto* session = engine.sessions().find(command.session)) engine.on_admin(*session, command.up, now);
    }
    void operator()(const Rehearsal& rehearsal) const {
        if (auto* session = engine.sessions().find(rehearsal.session))
            engine.rehearse_failure(*session, rehearsal.end, now);
    }
    void operator()(const TimersDue& /*due*/) const { engine.run_timers(now); }
    void operator()(const Comparison& /*comparison*/) const { engine.reconcile(now); }
};

}  // namespace

void tell(Engine& engine, const EngineInput& input, Nanoseconds now) {
    std::visit(Teller{.engine = engine, .now = now}, input);
}

}  // namespace sidestep
