// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "detector/record/memory.hpp"

#include <cstring>
#include <limits>
#include <vector>

#include <fmt/format.h>

#include "bpf/lib/portable.h"
#include "bpf/lib/session_state.h"

namespace sidestep::record {
namespace {

using nlohmann::json;

constexpr std::uint64_t kOverdue = 8;  // intervals: is_unprobed() takes at least as many
/// When the last probe of a session was sent of which nothing is said: it is not overdue.
constexpr auto kNotOverdue = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max() / 2);

ss_session* named(Maps& maps, const std::string& name) {
    for (auto& session : maps.sessions) {
        if (name == session.conf.saved.name) return &session;
    }
    return nullptr;
}

json entry_of(const std::string& name, const SeenSession& seen) {
    json entry{{"session", name},         {"verdict", seen.verdict},       {"epoch", seen.epoch},
               {"quality", seen.quality}, {"verdict_ns", seen.verdict_ns}, {"rank", seen.rank}};
    if (seen.overdue) entry["overdue"] = {{"sequence", seen.sequence}, {"sent_ns", seen.last_probe_ns}};
    return entry;
}

void apply_entry(Maps& maps, const json& entry) {
    auto* session = named(maps, entry.at("session").get<std::string>());
    if (session == nullptr) return;
    auto& tx = session->tx;
    entry.at("verdict").get_to(tx.verdict);
    entry.at("epoch").get_to(tx.epoch);
    entry.at("quality").get_to(tx.quality);
    tx.verdict_ns = entry.at("verdict_ns").get<std::uint64_t>();
    const auto overdue = entry.value("overdue", json::object());
    tx.sequence = overdue.value("sequence", std::uint64_t{0});
    tx.sent_at_ns[tx.sequence & (SS_SENT_RING - 1)] = overdue.value("sent_ns", kNotOverdue);
    auto& state = maps.states[static_cast<std::size_t>(session - maps.sessions.data())];
    ss_state_lower(&state, &maps.repair(), entry.at("rank").get<std::uint32_t>());  // raising is the engine's
}

template <typename Value>
std::string hex_of(const Value& value) {
    const auto* bytes = reinterpret_cast<const unsigned char*>(&value);
    return fmt::format("{:02x}", fmt::join(bytes, bytes + sizeof value, ""));
}

template <typename Value>
void from_hex(const std::string& text, Value& value) {
    auto* bytes = reinterpret_cast<unsigned char*>(&value);
    for (std::size_t i = 0; i < sizeof value && 2 * i + 1 < text.size(); ++i)
        bytes[i] = static_cast<unsigned char>(std::stoul(text.substr(2 * i, 2), nullptr, 16));
}

}  // namespace

SeenSession MemoryWatch::look(const ss_session& session, std::uint32_t rank) const {
    const auto& tx = session.tx;
    SeenSession seen{.verdict = SS_READ(tx.verdict),
                     .epoch = SS_READ(tx.epoch),
                     .quality = SS_READ(tx.quality),
                     .rank = rank,
                     .verdict_ns = SS_READ(tx.verdict_ns)};
    const auto sequence = SS_READ(tx.sequence);
    const auto sent = SS_READ(tx.sent_at_ns[sequence & (SS_SENT_RING - 1)]);
    const auto last_tick = SS_READ(maps_.clock().last_tick_ns);
    if (last_tick > sent + kOverdue * session.conf.interval_ns) {
        seen.overdue = true;
        seen.sequence = sequence;
        seen.last_probe_ns = sent;
    }
    return seen;
}

json MemoryWatch::changes() {
    json list = json::array();
    bool overdue = false;
    for (std::size_t i = 0; i < maps_.sessions.size(); ++i) {
        const auto& session = maps_.sessions[i];
        if (session.conf.saved.name[0] == '\0') continue;
        const auto seen = look(session, SS_READ(maps_.states[i].rank));
        overdue = overdue || seen.overdue;
        auto& known = seen_[session.conf.saved.name];
        if (known == seen) continue;
        known = seen;
        list.push_back(entry_of(session.conf.saved.name, seen));
    }
    if (list.empty() && !overdue) return nullptr;
    return {{"in", "memory"},
            {"last_tick_ns", overdue ? SS_READ(maps_.clock().last_tick_ns) : 0},
            {"sessions", std::move(list)}};
}

void apply_memory(Maps& maps, const json& line) {
    for (const auto& entry : line.at("sessions")) apply_entry(maps, entry);
    maps.clock().last_tick_ns = line.at("last_tick_ns").get<std::uint64_t>();
}

std::vector<json> adopted_lines(const Maps& maps) {
    std::vector<json> lines;
    for (std::size_t i = 0; i < maps.sessions.size(); ++i) {
        if (maps.sessions[i].conf.saved.name[0] == '\0') continue;
        lines.push_back(
            {{"in", "adopted"}, {"index", i}, {"state", hex_of(maps.states[i])}, {"memory", hex_of(maps.sessions[i])}});
    }
    return lines;
}

void apply_adopted(Maps& maps, const json& line) {
    const auto index = line.at("index").get<std::size_t>();
    if (index >= maps.sessions.size()) return;
    from_hex(line.at("state").get<std::string>(), maps.states[index]);
    from_hex(line.at("memory").get<std::string>(), maps.sessions[index]);
}

}  // namespace sidestep::record
