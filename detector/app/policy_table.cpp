// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Policies in the maps.
#include "detector/app/policy_table.hpp"

#include <algorithm>
#include <array>

// How pick.h looks things up in user space.
struct ss_view {
    const sidestep::SharedArray<ss_word>* words;
    const std::map<std::uint32_t, ss_candidate>* candidates;
};

static const ss_word* ss_view_word(const ss_view* view, __u32 index) {
    return index < view->words->size() ? &(*view->words)[index] : nullptr;
}

static const ss_candidate* ss_view_candidate(const ss_view* view, __u32 index) {
    const auto found = view->candidates->find(index);
    return found == view->candidates->end() ? nullptr : &found->second;
}

#include "bpf/lib/pick.h"

namespace sidestep {
namespace {

constexpr std::uint32_t kSpareExemptions = 4096;  // own addresses that may yet appear

}  // namespace

PolicySizes PolicyTable::sizes(const Config& config) {
    PolicySizes sizes{.policies = 1, .candidates = 1, .prefixes = kSpareExemptions};
    for (const auto& policy : config.policies) {
        ++sizes.policies;
        sizes.candidates += static_cast<std::uint32_t>(policy.candidates.size());
        sizes.prefixes += static_cast<std::uint32_t>(policy.prefixes.size());
    }
    return sizes;
}

PolicyTable::PolicyTable(Dataplane& dataplane, SessionTable& sessions, const Config& config)
    : dataplane_(dataplane), sessions_(sessions), source_(config.source) {
    std::uint32_t next_candidate = 0;
    for (const auto& policy_config : config.policies) {
        Policy policy{
            .config = policy_config, .index = static_cast<std::uint32_t>(policies_.size() + 1), .candidates = {}};
        for (const auto& candidate : policy_config.candidates) {
            CandidatePath path{.config = candidate, .index = next_candidate++, .sessions = {}};
            for (const auto& name : sessions_of(candidate)) path.sessions.push_back(sessions_.find(name)->index);
            path.adjacency = path.sessions.front();
            policy.candidates.push_back(std::move(path));
        }
        policies_.push_back(std::move(policy));
    }
}

Result<void> PolicyTable::publish() {
    bool steering = false;
    for (const auto& policy : policies_) {
        for (const auto& candidate : policy.candidates) {
            if (auto written = write(candidate); !written) return written;
        }
        if (auto written = dataplane_.set_policy(policy.index, encode(policy)); !written) return written;
        for (const auto& prefix : policy.config.prefixes) {
            if (auto written = dataplane_.set_prefix(prefix, policy.index); !written) return written;
        }
        steering = steering || policy.candidates.front().config.encap != Encap::plain;
    }
    for (const char* local : {"fe80::/10", "ff00::/8"}) {
        if (auto written = dataplane_.set_prefix(*Prefix::parse(local), SS_POLICY_EXEMPT); !written) return written;
    }
    SS_WRITE(dataplane_.gate().held, steering ? 1U : 0U);
    return {};
}

Result<void> PolicyTable::refresh(const Session& session) {
    for (const auto& policy : policies_) {
        for (const auto& candidate : policy.candidates) {
            if (candidate.adjacency != session.index) continue;
            if (auto written = write(candidate); !written) return written;
        }
    }
    return {};
}

void PolicyTable::exempt(const Address& address, bool add) {
    const Prefix host{.address = address, .length = 128};
    // A prefix that a policy protects stays protected: the operator said so.
    const bool configured = std::ranges::any_of(policies_, [&](const Policy& policy) {
        return std::ranges::find(policy.config.prefixes, host) != policy.config.prefixes.end();
    });
    if (configured) return;
    (void)(add ? dataplane_.set_prefix(host, SS_POLICY_EXEMPT) : dataplane_.remove_prefix(host));
}

Result<void> PolicyTable::write(const CandidatePath& candidate) {
    const auto encoded = encode(candidate);
    written_[candidate.index] = encoded;
    return dataplane_.set_candidate(candidate.index, encoded);
}

ss_candidate PolicyTable::encode(const CandidatePath& candidate) const {
    ss_candidate result{};
    const auto* session = sessions_.find(candidate.adjacency);
    for (const auto index : candidate.sessions) result.session[result.sessions++] = index;
    result.ifindex = static_cast<__u32>(session->ifindex);
    if (candidate.config.encap == Encap::plain) {
        result.mode = SS_MODE_PLAIN;
        return result;
    }
    const auto link = session->link();
    if (!link || session->ifindex == 0) {
        result.mode = SS_MODE_UNUSABLE;
        return result;
    }
    const auto header = make_encaps_header(*link, source_, candidate.config.segments);
    result.mode = SS_MODE_ENCAPS;
    result.header_length = static_cast<__u16>(header.size());
    std::copy(header.begin(), header.end(), std::begin(result.header));
    return result;
}

ss_policy PolicyTable::encode(const Policy& policy) {
    ss_policy result{};
    for (const auto& candidate : policy.candidates) result.candidate[result.count++] = candidate.index;
    return result;
}

std::uint32_t PolicyTable::rank(const CandidatePath& candidate) const {
    const ss_view view{.words = &dataplane_.words, .candidates = &written_};
    const auto found = written_.find(candidate.index);
    return found == written_.end() ? std::uint32_t{SS_DOWN} : ss_candidate_rank(&view, &found->second);
}

int PolicyTable::active(const Policy& policy) const {
    const ss_view view{.words = &dataplane_.words, .candidates = &written_};
    const auto encoded = encode(policy);
    std::uint32_t chosen = 0;
    if (ss_pick(&view, &encoded, &chosen) == nullptr) return -1;
    return static_cast<int>(chosen - policy.candidates.front().index);
}

}  // namespace sidestep
