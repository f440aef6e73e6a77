// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// What the API is told of bfdd and its peers (docs/api.md).
#include <chrono>
#include <utility>

#include "detector/app/bfd_speaker.hpp"
#include "detector/core/names.hpp"

namespace sidestep {

using nlohmann::json;

namespace {

json json_of(const bfd::Peer& peer, Nanoseconds now) {
    const auto& asked = peer.asked;
    const auto told = peer.told.value_or(bfd::StateChange{});
    const auto age = [now](Nanoseconds then) {
        return std::chrono::duration_cast<std::chrono::milliseconds>(now - then).count();
    };
    return {{"peer", asked.destination.to_string()},
            {"local", asked.source.is_unspecified() ? json() : json(asked.source.to_string())},
            {"interface", asked.interface},
            {"kind", to_string(asked.multihop ? BfdKind::multihop : BfdKind::link)},
            {"multihop", asked.multihop},
            {"passive", asked.passive},
            {"shutdown", asked.shutdown},
            {"minimum_ttl", asked.ttl},
            {"id", asked.discriminator},
            {"remote_id", told.remote_discriminator},
            {"status", to_string(peer.state())},
            {"local_diagnostic", to_string(bfd::Diagnostic::none)},  // bfdd keeps what it is told as the neighbor's
            {"diagnostic", to_string(told.diagnostic)},
            {"since_ms", age(peer.since)},
            {"told_age_ms", peer.told ? json(age(peer.told_at)) : json()},
            {"multiplier", asked.multiplier},
            {"receive_us", asked.min_rx_us},
            {"transmit_us", asked.min_tx_us},
            {"echo_receive_us", asked.min_echo_rx_us},
            {"echo_transmit_us", asked.echo ? asked.min_echo_tx_us : 0},
            {"remote_multiplier", told.remote_multiplier},
            {"remote_receive_us", told.remote_rx_us},
            {"remote_transmit_us", told.remote_tx_us},
            {"ups", peer.ups},
            {"downs", peer.downs},
            {"notifications", peer.notifications},
            {"session", peer.match.session.empty() ? json() : json(peer.match.session)},
            {"asked_by", "bfdd"},
            {"made_for_it", peer.match.wish.has_value()},
            {"by_bfd", peer.ways.bfd.has_value() && peer.match.session == peer.ways.bfd->session},
            {"trouble", peer.match.trouble}};
}

}  // namespace

json BfdSpeaker::answer(Nanoseconds now) const {
    json peers = json::array();
    for (const auto& [discriminator, peer] : peers_.all()) {
        auto entry = json_of(peer, now);
        const auto counters = peer.match.session.empty() ? bfd::SessionCounters{} : hooks_.counters(peer.match.session);
        entry["packets_in"] = counters.packets_in;
        entry["packets_out"] = counters.packets_out;
        peers.push_back(std::move(entry));
    }
    return {{"bfdd",
             {{"path", path_},
              {"connected", socket_.is_open()},
              {"version", version_},
              {"connections", connections_},
              {"odd_messages", odd_messages_}}},
            {"peers", std::move(peers)}};
}

}  // namespace sidestep
