// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "tests/bench/arrivals.hpp"

#include <linux/if_link.h>

#include <bpf/bpf.h>

#include <array>

#include "detector/kernel/tcx.hpp"
#include "tests/bench/arrivals.h"
#include "tests/bench/arrivals.skel.h"
#include "topo/filter.hpp"

namespace sidestep::bench {
namespace {

struct DestroySkeleton {
    void operator()(arrivals_bpf* skeleton) const { arrivals_bpf::destroy(skeleton); }
};

}  // namespace

struct Arrivals::State {
    std::unique_ptr<arrivals_bpf, DestroySkeleton> skeleton;
    std::array<topo::Filter, 3> filters;

    Result<void> attach(std::size_t filter, const topo::Lab& lab, const char* node, const char* link,
                        const bpf_program* program) {
        const topo::LinkEnd end{.netns = &lab.netns(node), .ifindex = lab.interface(node, link).ifindex};
        return filters.at(filter).attach(end, BPF_TC_INGRESS, bpf_program__fd(program));
    }

    /// Memory that another core writes.
    [[nodiscard]] volatile bench_arrivals& at(Way way) const {
        return skeleton->bss->bench_arrivals[way == Way::plain ? 0 : 1];
    }
};

Arrivals::Arrivals(std::unique_ptr<State> state) : state_(std::move(state)) {}
Arrivals::Arrivals(Arrivals&&) noexcept = default;
Arrivals& Arrivals::operator=(Arrivals&&) noexcept = default;
Arrivals::~Arrivals() = default;

Result<std::unique_ptr<Arrivals::State>> Arrivals::load() {
    auto state = std::make_unique<State>();
    state->skeleton.reset(arrivals_bpf::open_and_load());
    if (!state->skeleton) return fail_errno("cannot load the counting programs");
    return state;
}

Result<Arrivals> Arrivals::attach(const topo::Lab& lab) {
    auto state = load();
    if (!state) return std::unexpected(state.error());
    const auto& programs = (*state)->skeleton->progs;
    if (auto done = (*state)->attach(0, lab, "B", "A-B", programs.count_link); !done)
        return std::unexpected(done.error());
    if (auto done = (*state)->attach(1, lab, "C", "A-C", programs.count_detour); !done)
        return std::unexpected(done.error());
    return Arrivals(std::move(*state));
}

Result<Arrivals> Arrivals::attach_at_end(const topo::Lab& lab) {
    auto state = load();
    if (!state) return std::unexpected(state.error());
    if (auto done = (*state)->attach(0, lab, "D", "B-D", (*state)->skeleton->progs.count_link); !done)
        return std::unexpected(done.error());
    return Arrivals(std::move(*state));
}

Result<void> Arrivals::attach_idle_program(const topo::Lab& lab) {
    const auto* const program = state_->skeleton->progs.count_nothing;
    if (!tcx_available()) return state_->attach(2, lab, "A", "S-A", program);
    return lab.in(
        "A", [&] { return tcx_attach(lab.interface("A", "S-A").ifindex, TcSide::ingress, bpf_program__fd(program)); });
}

Result<void> Arrivals::attach_answers(const topo::Lab& lab, bool at_xdp) {
    if (at_xdp) {
        const int program = bpf_program__fd(state_->skeleton->progs.count_answer_frames);
        return lab.in("S", [&]() -> Result<void> {
            const int error = bpf_xdp_attach(lab.interface("S", "S-A").ifindex, program, XDP_FLAGS_DRV_MODE, nullptr);
            return error == 0 ? Result<void>() : fail_errno("cannot count answers", error);
        });
    }
    return state_->attach(2, lab, "S", "S-A", state_->skeleton->progs.count_answers);
}

std::uint64_t Arrivals::arrived(Way way) const {
    return way == Way::plain ? state_->at(way).plain : state_->at(way).encapsulated;
}

void Arrivals::expect_repaired() {
    state_->at(Way::repaired).first_encapsulated_ns = 0;
}

std::optional<std::int64_t> Arrivals::first_repaired_ns() const {
    const std::uint64_t time = state_->at(Way::repaired).first_encapsulated_ns;
    return time == 0 ? std::nullopt : std::optional(static_cast<std::int64_t>(time));
}

}  // namespace sidestep::bench
