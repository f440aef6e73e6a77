// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "topo/cut.hpp"

#include <bpf/libbpf.h>

#include <algorithm>
#include <array>

#include "topo/clock.hpp"
#include "topo/cut.h"
#include "topo/cut.skel.h"
#include "topo/filter.hpp"

namespace sidestep::topo {
namespace {

struct DestroySkeleton {
    void operator()(cut_bpf* skeleton) const { cut_bpf::destroy(skeleton); }
};

/// Of one direction.
std::size_t index_of(Direction direction) {
    return direction == Direction::backward ? 1 : 0;
}

}  // namespace

struct Cut::State {
    std::unique_ptr<cut_bpf, DestroySkeleton> skeleton;
    std::array<Filter, 2> filters;
    std::array<LinkEnd, 2> ends;

    /// The word that the programs read per packet.
    [[nodiscard]] volatile std::uint32_t& word() const { return skeleton->bss->topo_cut; }
};

Cut::Cut(std::unique_ptr<State> state) : state_(std::move(state)) {}
Cut::Cut(Cut&&) noexcept = default;
Cut& Cut::operator=(Cut&&) noexcept = default;
Cut::~Cut() = default;

Result<Cut> Cut::install(const LinkEnd& first, const LinkEnd& second) {
    auto state = std::make_unique<State>();
    state->skeleton.reset(cut_bpf::open_and_load());
    if (!state->skeleton) return fail_errno("cannot load the cut program");
    state->ends = {first, second};
    auto attached = state->filters[0].attach(first, BPF_TC_EGRESS, bpf_program__fd(state->skeleton->progs.cut_forward));
    if (!attached) return std::unexpected(attached.error());
    attached = state->filters[1].attach(second, BPF_TC_EGRESS, bpf_program__fd(state->skeleton->progs.cut_backward));
    if (!attached) return std::unexpected(attached.error());
    return Cut(std::move(state));
}

std::int64_t Cut::cut(Direction direction) {
    const auto bits = static_cast<std::uint32_t>(direction);
    for (std::uint32_t i = 0; i < 2; ++i) {
        const bool begins = (bits & ~state_->word() & (1U << i)) != 0;
        if (begins) state_->skeleton->bss->topo_cut_directions[i] = {};
    }
    const auto now = now_ns();
    state_->word() = state_->word() | bits;
    return now;
}

void Cut::thin(std::uint32_t every) {
    volatile auto& word = state_->skeleton->bss->topo_cut_every;
    word = every;
}

void Cut::lose(double share, Direction direction, std::uint32_t seed) {
    constexpr double kAll = 4294967295.0;  // 2^32 - 1
    volatile auto* shares = state_->skeleton->bss->topo_cut_share;
    volatile auto& seed_word = state_->skeleton->bss->topo_cut_seed;
    seed_word = seed;
    for (std::uint32_t i = 0; i < 2; ++i) {
        if ((static_cast<std::uint32_t>(direction) & (1U << i)) == 0) continue;
        state_->skeleton->bss->topo_cut_passed[i] = 0;
        shares[i] = static_cast<std::uint32_t>(std::clamp(share, 0.0, 1.0) * kAll);
    }
}

void Cut::lose_above(std::uint32_t bytes, Direction direction) {
    volatile auto* limits = state_->skeleton->bss->topo_cut_above;
    for (std::uint32_t i = 0; i < 2; ++i) {
        if ((static_cast<std::uint32_t>(direction) & (1U << i)) != 0) limits[i] = bytes;
    }
}

std::int64_t Cut::restore() {
    state_->word() = 0;
    return now_ns();
}

bool Cut::is_cut() const {
    return state_->word() != 0;
}

void Cut::divert(Direction direction, int ifindex) {
    volatile auto& line = state_->skeleton->bss->topo_cut_line[index_of(direction)];
    line = static_cast<std::uint32_t>(ifindex);
}

const LinkEnd& Cut::sender(Direction direction) const {
    return state_->ends[index_of(direction)];
}

Cut::Seen Cut::seen(Direction direction) const {
    const volatile auto& seen = state_->skeleton->bss->topo_cut_directions[index_of(direction)];
    const std::uint64_t first = seen.first_drop_ns;
    return {.dropped = seen.dropped,
            .first_drop_ns = first == 0 ? std::nullopt : std::optional(static_cast<std::int64_t>(first))};
}

}  // namespace sidestep::topo
