// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// One writer and one reader for each kind of input.
#include "detector/record/input_json.hpp"

#include <functional>
#include <map>
#include <optional>
#include <string>

#include <fmt/format.h>

namespace sidestep::record {
namespace {

using nlohmann::json;

json mac_or_null(const std::optional<MacAddress>& mac) {
    return mac ? json(*mac) : json();
}

std::optional<MacAddress> mac_of(const json& line) {
    const auto& mac = line.at("mac");
    return mac.is_null() ? std::nullopt : std::optional(mac.get<MacAddress>());
}

Address address_of(const json& line) {
    const auto text = line.at("address").get<std::string>();
    return Address::parse(text).value();
}

/// One overload for each kind of input: its line without the time.
struct Writer {
    json operator()(const NamedVerdict& verdict) const {
        const auto& event = verdict.event;
        return {{"in", "verdict"},
                {"session", verdict.session},
                {"type", event.type},
                {"epoch", event.epoch},
                {"quality", event.quality},
                {"lost", event.lost},
                {"unsent", event.unsent},
                {"last_sent", event.last_sent},
                {"last_answered", event.last_answered},
                {"accused", event.accused},
                {"time_ns", event.time_ns},
                {"last_answer_ns", event.last_answer_ns},
                {"accused_sent_ns", event.accused_sent_ns},
                {"clock_gap_ns", event.clock_gap_ns}};
    }
    json operator()(const LinkChange& change) const {
        return {{"in", "link"},
                {"ifindex", change.ifindex},
                {"name", change.name},
                {"gone", change.gone},
                {"up", change.up},
                {"running", change.running},
                {"ip_off", change.ip_off},
                {"mtu", change.mtu},
                {"mac", mac_or_null(change.mac)},
                {"ethernet", change.ethernet}};
    }
    json operator()(const NeighborChange& change) const {
        return {{"in", "neighbor"},
                {"ifindex", change.ifindex},
                {"address", change.address.to_string()},
                {"status", static_cast<int>(change.status)},
                {"mac", mac_or_null(change.mac)},
                {"gone", change.gone}};
    }
    json operator()(const AddressChange& change) const {
        return {{"in", "address"},
                {"ifindex", change.ifindex},
                {"address", change.address.to_string()},
                {"gone", change.gone}};
    }
    json operator()(const AdminCommand& command) const {
        return {{"in", "admin"}, {"session", command.session}, {"up", command.up}};
    }
    json operator()(const Rehearsal& rehearsal) const {
        return {{"in", "rehearsal"}, {"session", rehearsal.session}, {"end", rehearsal.end.count()}};
    }
    json operator()(const LinksKnown& /*known*/) const { return {{"in", "links-known"}}; }
    json operator()(const ChangesSettled& /*settled*/) const { return {{"in", "settled"}}; }
    json operator()(const TimersDue& /*due*/) const { return {{"in", "timers"}}; }
    json operator()(const Comparison& /*comparison*/) const { return {{"in", "comparison"}}; }
};

EngineInput verdict_of(const json& line) {
    NamedVerdict verdict{.session = line.at("session").get<std::string>()};
    auto& event = verdict.event;
    line.at("type").get_to(event.type);
    line.at("epoch").get_to(event.epoch);
    line.at("quality").get_to(event.quality);
    line.at("lost").get_to(event.lost);
    line.at("unsent").get_to(event.unsent);
    event.last_sent = line.at("last_sent").get<std::uint64_t>();
    event.last_answered = line.at("last_answered").get<std::uint64_t>();
    event.accused = line.at("accused").get<std::uint64_t>();
    event.time_ns = line.at("time_ns").get<std::uint64_t>();
    event.last_answer_ns = line.at("last_answer_ns").get<std::uint64_t>();
    event.accused_sent_ns = line.at("accused_sent_ns").get<std::uint64_t>();
    event.clock_gap_ns = line.at("clock_gap_ns").get<std::uint64_t>();
    return verdict;
}

EngineInput link_of(const json& line) {
    LinkChange change;
    line.at("ifindex").get_to(change.ifindex);
    line.at("name").get_to(change.name);
    line.at("gone").get_to(change.gone);
    line.at("up").get_to(change.up);
    line.at("running").get_to(change.running);
    line.at("ip_off").get_to(change.ip_off);
    line.at("mtu").get_to(change.mtu);
    line.at("ethernet").get_to(change.ethernet);
    change.mac = mac_of(line);
    return change;
}

EngineInput neighbor_of(const json& line) {
    return NeighborChange{.ifindex = line.at("ifindex").get<int>(),
                          .address = address_of(line),
                          .status = static_cast<NeighborStatus>(line.at("status").get<int>()),
                          .mac = mac_of(line),
                          .gone = line.at("gone").get<bool>()};
}

EngineInput address_change_of(const json& line) {
    return AddressChange{
        .ifindex = line.at("ifindex").get<int>(), .address = address_of(line), .gone = line.at("gone").get<bool>()};
}

EngineInput admin_of(const json& line) {
    return AdminCommand{.session = line.at("session").get<std::string>(), .up = line.at("up").get<bool>()};
}

EngineInput rehearsal_of(const json& line) {
    return Rehearsal{.session = line.at("session").get<std::string>(),
                     .end = Nanoseconds(line.at("end").get<Nanoseconds::rep>())};
}

template <typename Plain>
EngineInput plain_of(const json& /*line*/) {
    return Plain{};
}

using Reader = EngineInput (*)(const json&);

const std::map<std::string, Reader, std::less<>>& readers() {
    static const std::map<std::string, Reader, std::less<>> kReaders{{"verdict", verdict_of},
                                                                     {"link", link_of},
                                                                     {"neighbor", neighbor_of},
                                                                     {"address", address_change_of},
                                                                     {"admin", admin_of},
                                                                     {"rehearsal", rehearsal_of},
                                                                     {"links-known", plain_of<LinksKnown>},
                                                                     {"settled", plain_of<ChangesSettled>},
                                                                     {"timers", plain_of<TimersDue>},
                                                                     {"comparison", plain_of<Comparison>}};
    return kReaders;
}

}  // namespace

json to_json(const TimedInput& timed) {
    auto line = std::visit(Writer{}, timed.input);
    line["at"] = timed.at.count();
    return line;
}

Result<TimedInput> input_of(const json& line) try {
    const auto kind = line.at("in").get<std::string>();
    const auto reader = readers().find(kind);
    if (reader == readers().end()) return fail(fmt::format("unknown input '{}'", kind));
    return TimedInput{.input = reader->second(line), .at = Nanoseconds(line.at("at").get<Nanoseconds::rep>())};
} catch (const std::exception& error) {
    return fail(error.what());
}

}  // namespace sidestep::record
