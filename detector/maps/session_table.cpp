// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Adds, removes and finds sessions, and sets their first state.
#include "detector/maps/session_table.hpp"

#include <algorithm>
#include <cstring>
#include <iterator>

#include "bpf/lib/session_state.h"

namespace sidestep {
namespace {

std::string name_of(const ss_saved_state& saved) {
    return {saved.name, strnlen(saved.name, sizeof saved.name)};
}

FsmState restore(const ss_saved_state& saved) {
    FsmState memory;
    memory.state = saved.state < kSessionStates ? static_cast<SessionState>(saved.state) : SessionState::init;
    memory.reason = static_cast<Reason>(saved.reason);
    if (memory.state == SessionState::degraded) memory.poor = memory.reason;
    memory.downs = saved.downs;
    memory.wait_until = Nanoseconds(saved.wait_until_ns);
    memory.damping = {.penalty = static_cast<double>(saved.penalty),
                      .reckoned = Nanoseconds(saved.penalty_ns),
                      .suppressed = saved.suppressed != 0};
    return memory;
}

void write_name(ss_saved_state& saved, const std::string& name) {
    std::ranges::fill(saved.name, 0);
    std::memcpy(saved.name, name.data(), std::min<std::size_t>(name.size(), SS_NAME_MAX - 1));
}

void write_identity(ss_saved_state& saved, const SessionConfig& config) {
    write_name(saved, config.name);
    std::ranges::copy(bfd_peer(config).bytes, std::begin(saved.neighbor));
}

bool is_bfd(const ss_session_conf& conf) {
    return conf.bfd.packet.my_discriminator != 0;
}

/// Whether the session that a predecessor left is one with the same other end.
bool is_same(const ss_session_conf& left, const SessionConfig& config) {
    const auto kind = config.bfd ? static_cast<std::uint8_t>(config.bfd->kind) : std::uint8_t{SS_BFD_LINK};
    return std::ranges::equal(left.saved.neighbor, bfd_peer(config).bytes) && is_bfd(left) == config.bfd.has_value() &&
           left.bfd.kind == kind;
}

}  // namespace

bool expects(const Session& session, int ifindex, const Address& source) {
    const auto& config = session.config;
    const bool known_by_link = !config.bfd || config.bfd->kind == BfdKind::link;
    if (ifindex == kByDiscriminator) return config.bfd && source == discriminator_key(session.bfd.discriminator);
    if (ifindex == kByPair || !known_by_link) {
        return ifindex == kByPair && !known_by_link && session.local_address &&
               source == pair_key(bfd_peer(config), *session.local_address);
    }
    const bool same = config.bfd ? bfd_peer(config) == source : config.passive_source == source;
    if (!same || !session.link_seen) return same;
    return ifindex == (config.bfd ? bfd_key(session.ifindex) : session.ifindex);
}

std::optional<LinkAddresses> Session::link() const {
    if (!own_mac || !neighbor_mac) return std::nullopt;
    return LinkAddresses{.own = *own_mac, .neighbor = *neighbor_mac};
}

SessionTable::SessionTable(Maps& maps, SavedSessions saved) : maps_(maps), saved_(std::move(saved)) {
    for (std::size_t i = 0; i < maps_.sessions.size(); ++i) {
        const auto index = static_cast<std::uint16_t>(i);
        const auto name = name_of(maps_.sessions[i].conf.saved);
        if (name.empty() || !leftovers_.emplace(name, index).second) free_.insert(index);
    }
}

Session* SessionTable::add(const SessionConfig& config) {
    const auto left = leftovers_.find(config.name);
    if (left == leftovers_.end() && free_.empty()) return nullptr;
    auto& session = sessions_.emplace_back();
    session.config = config;
    if (left != leftovers_.end()) {
        session.index = left->second;
        leftovers_.erase(left);
        take_leftover(session);
    } else {
        session.index = *free_.begin();
        free_.erase(free_.begin());
        start_fresh(session);
    }
    index(session);
    return &session;
}

void SessionTable::remove(Session& session) {
    forget(session);
    clear(session.index);
    free_.insert(session.index);
    sessions_.remove_if([&](const Session& other) { return &other == &session; });
}

void SessionTable::reconfigure(Session& session, const SessionConfig& config) {
    forget(session);
    if (session.config.name != config.name) write_name(shared(session).conf.saved, config.name);
    const bool starts_otherwise = session.config.probe.start != config.probe.start;
    session.config = config;
    if (starts_otherwise) count_by_start(session);
    index(session);
}

/// What a session counts as before its first answer.
void SessionTable::count_by_start(const Session& session) {
    if (session.fsm.state != SessionState::init) return;
    const bool trusted = session.config.probe.start == Start::trusted;
    apply(session, {.lower = !trusted, .raise = trusted});
}

void SessionTable::restart(Session& session, const SessionConfig& config) {
    forget(session);
    const bool protects = maps_.states[session.index].protects != 0;
    clear(session.index);
    session = {.config = config, .index = session.index};
    start_fresh(session);
    ss_state_set_protects(&maps_.states[session.index], &maps_.repair(), protects ? 1 : 0);
    index(session);
}

void SessionTable::drop_leftovers() {
    for (const auto& [name, index] : leftovers_) {
        clear(index);
        free_.insert(index);
    }
    leftovers_.clear();
    maps_.prune_passives([this](int ifindex, const Address& source, std::uint32_t index) {
        const auto* session = find(static_cast<std::uint16_t>(index));
        return session != nullptr && expects(*session, ifindex, source);
    });
}

void SessionTable::index(Session& session) {
    by_name_[session.config.name] = &session;
    by_index_[session.index] = &session;
    for (const auto& name : {session.config.interface, session.config.returns_on})
        by_interface_.emplace(name, session.index);
    for (const int ifindex : {session.ifindex, session.return_ifindex}) by_ifindex_.emplace(ifindex, session.index);
    if (!session.config.verifies) leaving_by_[session.ifindex].push_back(session.index);
    by_neighbor_.emplace(std::pair(session.ifindex, session.config.neighbor), session.index);
}

void SessionTable::forget(const Session& session) {
    by_name_.erase(session.config.name);
    by_index_.erase(session.index);
    for (const auto& name : {session.config.interface, session.config.returns_on})
        by_interface_.erase({name, session.index});
    std::erase(leaving_by_[session.ifindex], session.index);
    for (const int ifindex : {session.ifindex, session.return_ifindex}) by_ifindex_.erase({ifindex, session.index});
    by_neighbor_.erase({{session.ifindex, session.config.neighbor}, session.index});
}

void SessionTable::set_ifindex(Session& session, int ifindex) {
    if (session.ifindex == ifindex) return;
    forget(session);
    session.ifindex = ifindex;
    index(session);
}

void SessionTable::set_return_ifindex(Session& session, int ifindex) {
    if (session.return_ifindex == ifindex) return;
    forget(session);
    session.return_ifindex = ifindex;
    index(session);
}

void SessionTable::take_leftover(Session& session) {
    const auto& conf = shared(session).conf;
    if (is_same(conf, session.config)) return adopt(session);
    ss_state_set_protects(&maps_.states[session.index], &maps_.repair(), 0);
    start_fresh(session);
}

void SessionTable::adopt(Session& session) {
    const auto& conf = shared(session).conf;
    session.adopted = true;
    session.fsm = restore(conf.saved);
    count_by_start(session);
    session.distrusted = session.config.verifies && rank(session) != SS_UP;
    // The neighbor table may have lost the address meanwhile; the probes still contain it.
    if (session.config.bfd) {
        session.bfd = read_bfd(conf.bfd);
        session.bfd.finals = SS_READ(shared(session).rx.bfd.finals);
        // It goes on speaking from there until the addresses of this node are known.
        if (conf.flags != 0) std::ranges::copy(conf.return_address, session.local_address.emplace().bytes.begin());
    }
    if ((conf.flags & SS_SESSION_ACTIVE) != 0 && (conf.flags & SS_SESSION_PASSIVE) == 0) {
        std::copy_n(std::begin(conf.template_bytes), session.neighbor_mac.emplace().size(),
                    session.neighbor_mac->begin());
        session.mac_ifindex = static_cast<int>(conf.ifindex);
    }
}

void SessionTable::start_fresh(Session& session) {
    auto& fresh = shared(session);
    // Sequence numbers continue if another session used the slot, so that its old probes stay old.
    const auto sequence = fresh.tx.sequence;
    const auto spoke = fresh.conf.bfd;
    const auto signed_last = fresh.tx.bfd.sequence;
    fresh = {};
    fresh.tx.bfd.sequence = signed_last;
    if (session.config.bfd) start_bfd(session, spoke);
    fresh.tx.sequence = fresh.rx.newest = sequence;
    fresh.tx.proof_from = sequence + 1;
    write_identity(fresh.conf.saved, session.config);
    const bool trusted = session.config.probe.start == Start::trusted;
    maps_.states[session.index] = {.rank = trusted ? SS_UP : SS_DOWN, .protects = 0};
    const auto known = saved_.find(session.config.name);
    if (known == saved_.end() || session.config.verifies) return;
    const auto [state, reason] = known->second;
    saved_.erase(known);
    // It was proven a moment ago.
    if (state == SessionState::up || state == SessionState::degraded) maps_.states[session.index].rank = SS_UP;
    const bool admin = state == SessionState::admin_down;
    if (!admin && state != SessionState::down && state != SessionState::wait) return;
    session.fsm.state = admin ? SessionState::admin_down : SessionState::down;
    session.fsm.reason = reason;
    maps_.states[session.index].rank = SS_DOWN;
}

/// After this, the tick skips the session, and nothing waits for it.
void SessionTable::clear(std::uint16_t index) {
    auto& conf = maps_.sessions[index].conf;
    SS_WRITE(conf.flags, 0U);
    // The index may become another BFD session's, and the neighbor may go on.
    if (is_bfd(conf)) maps_.prune_passives([&](int, const Address&, std::uint32_t owner) { return owner != index; });
    conf.saved = {};
    ss_state_set_protects(&maps_.states[index], &maps_.repair(), 0);
}

Session* SessionTable::find(const std::string& name) {
    const auto found = by_name_.find(name);
    return found == by_name_.end() ? nullptr : found->second;
}

const Session* SessionTable::find(const std::string& name) const {
    const auto found = by_name_.find(name);
    return found == by_name_.end() ? nullptr : found->second;
}

Session* SessionTable::find(std::uint16_t index) {
    const auto found = by_index_.find(index);
    return found == by_index_.end() ? nullptr : found->second;
}

const Session* SessionTable::find(std::uint16_t index) const {
    const auto found = by_index_.find(index);
    return found == by_index_.end() ? nullptr : found->second;
}

template <typename Key>
void SessionTable::collect(std::set<std::uint16_t>& to, const IndexBy<Key>& from, const Key& key) {
    for (auto entry = from.lower_bound({key, 0}); entry != from.end() && entry->first == key; ++entry)
        to.insert(to.end(), entry->second);
}

std::vector<Session*> SessionTable::with(const std::set<std::uint16_t>& indices) {
    std::vector<Session*> result;
    result.reserve(indices.size());
    for (const auto index : indices) result.push_back(by_index_.at(index));
    return result;
}

std::vector<Session*> SessionTable::at_link(const std::string& name, int ifindex) {
    std::set<std::uint16_t> indices;
    collect(indices, by_interface_, name);
    collect(indices, by_ifindex_, ifindex);
    return with(indices);
}

std::vector<Session*> SessionTable::at_neighbor(int ifindex, const Address& neighbor) {
    std::set<std::uint16_t> indices;
    collect(indices, by_neighbor_, {ifindex, neighbor});
    return with(indices);
}

}  // namespace sidestep
