// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "topo/agent.hpp"

#include <fmt/format.h>

#include "topo/clock.hpp"
#include "topo/interface.hpp"
#include "topo/ping.hpp"

namespace sidestep::topo {
namespace {

using Json = nlohmann::json;

Result<Direction> direction_of(const Json& command) {
    const auto text = command.value("direction", "both");
    if (text == "both") return Direction::both;
    if (text == "forward") return Direction::forward;
    if (text == "backward") return Direction::backward;
    return fail("unknown direction " + text);
}

Result<Address> address_of(const Json& command, const char* key) {
    const auto text = command.at(key).get<std::string>();
    const auto address = Address::parse(text);
    if (!address) return fail(text + " is no address");
    return *address;
}

/// Of a delay; each line of it draws on its own.
DelaySpec spec_of(const Json& command) {
    return {.delay = Nanoseconds(command.at("delay_ns").get<std::int64_t>()),
            .jitter = Nanoseconds(command.value("jitter_ns", std::int64_t{0})),
            .reorder = command.value("reorder", false),
            .seed = command.value("seed", std::uint64_t{1})};
}

Json seen_json(const Cut::Seen& seen) {
    return {{"dropped", seen.dropped}, {"first_drop_ns", seen.first_drop_ns ? Json(*seen.first_drop_ns) : Json()}};
}

Json report_json(const FlowReport& report, const Traffic& traffic) {
    Json windows = Json::array();
    for (const auto& window : report.windows) {
        windows.push_back({{"first", window.first},
                           {"lost", window.lost},
                           {"start_ns", window.start_ns},
                           {"end_ns", window.end_ns ? Json(*window.end_ns) : Json()}});
    }
    Json arrivals = Json::array();
    for (const auto& arrival : traffic.arrivals()) arrivals.push_back({arrival.number, arrival.received_ns});
    return {{"sent", report.sent},
            {"received", report.received},
            {"duplicated", report.duplicates},
            {"reordered", report.reordered},
            {"lost", report.lost.size()},
            {"windows", std::move(windows)},
            {"longest_send_gap_ns", report.longest_send_gap_ns},
            {"sent_ns", traffic.sent_times()},
            {"arrivals", std::move(arrivals)}};
}

}  // namespace

Json Agent::answer(const std::string& line) {
    Result<Json> done = fail("not carried out");
    try {
        done = carry_out(Json::parse(line));
    } catch (const Json::exception& error) {
        done = fail(error.what());
    }
    if (!done) return {{"ok", false}, {"error", done.error().message}};
    (*done)["ok"] = true;
    return *done;
}

Result<Json> Agent::carry_out(const Json& command) {
    const auto what = command.at("do").get<std::string>();
    if (what == "watch") return watch(command);
    if (what == "unwatch") return unwatch(command);
    if (what == "cut" || what == "lose" || what == "lose-above" || what == "restore") return change_links(command);
    if (what == "delay") return delay(command);
    if (what == "undelay") return undelay(command);
    if (what == "set") return set(command);
    if (what == "seen") return seen(command);
    if (what == "ping") return ping(command);
    if (what == "start") return start(command);
    if (what == "stop") return stop(command);
    return fail("unknown command " + what);
}

Result<const NetNs*> Agent::netns(const std::string& path) {
    if (const auto known = namespaces_.find(path); known != namespaces_.end()) return &known->second;
    auto opened = NetNs::open(path);
    if (!opened) return std::unexpected(opened.error());
    return &namespaces_.emplace(path, std::move(*opened)).first->second;
}

Result<Cut*> Agent::cut_of(const std::string& link) {
    const auto found = cuts_.find(link);
    if (found == cuts_.end()) return fail("link " + link + " is not watched");
    return &found->second;
}

Result<Json> Agent::watch(const Json& command) {
    const auto link = command.at("link").get<std::string>();
    std::array<LinkEnd, 2> ends;
    for (std::size_t i = 0; i < 2; ++i) {
        const auto& end = command.at("ends").at(i);
        const auto opened = netns(end.at("netns").get<std::string>());
        if (!opened) return std::unexpected(opened.error());
        ends[i] = {.netns = *opened, .ifindex = end.at("ifindex").get<int>()};
    }
    if (cuts_.contains(link)) return fail("link " + link + " is watched already");
    auto cut = Cut::install(ends[0], ends[1]);
    if (!cut) return std::unexpected(cut.error());
    cuts_.emplace(link, std::move(*cut));
    return Json::object();
}

/// The program goes with its interface, or is detached if that stays.
Result<Json> Agent::unwatch(const Json& command) {
    const auto link = command.at("link").get<std::string>();
    lines_.erase(link);
    if (cuts_.erase(link) == 0) return fail("link " + link + " is not watched");
    return Json::object();
}

/// All links are looked up before the first one changes, so that they change together.
Result<Json> Agent::change_links(const Json& command) {
    std::vector<Cut*> cuts;
    for (const auto& link : command.at("links")) {
        const auto cut = cut_of(link.get<std::string>());
        if (!cut) return std::unexpected(cut.error());
        cuts.push_back(*cut);
    }
    const auto direction = direction_of(command);
    if (!direction) return std::unexpected(direction.error());
    const auto what = command.at("do").get<std::string>();
    const auto share = command.value("share", 0.0);
    const auto seed = command.value("seed", std::uint32_t{0});
    const auto bytes = command.value("bytes", std::uint32_t{0});
    const auto begin = now_ns();
    for (auto* cut : cuts) {
        if (what == "cut") cut->cut(*direction);
        if (what == "lose") cut->lose(share, *direction, seed);
        if (what == "lose-above") cut->lose_above(bytes, *direction);
        if (what != "restore") continue;
        cut->lose(0, Direction::both, 0);
        cut->lose_above(0, Direction::both);
        cut->restore();
    }
    return Json{{"ns", begin}};
}

/// All lines are there before the first one begins, so that they begin together.
Result<Json> Agent::delay(const Json& command) {
    const auto direction = direction_of(command);
    if (!direction) return std::unexpected(direction.error());
    auto spec = spec_of(command);
    std::map<std::string, std::vector<DelayLine>> made;
    for (const auto& name : command.at("links")) {
        const auto link = name.get<std::string>();
        const auto cut = cut_of(link);
        if (!cut) return std::unexpected(cut.error());
        if (lines_.contains(link)) return fail("link " + link + " is slow already");
        for (const auto one : {Direction::forward, Direction::backward}) {
            if ((static_cast<std::uint32_t>(*direction) & static_cast<std::uint32_t>(one)) == 0) continue;
            auto line = DelayLine::install(**cut, one, spec);
            if (!line) return std::unexpected(line.error());
            made[link].push_back(std::move(*line));
            ++spec.seed;
        }
    }
    const auto begin = now_ns();
    for (auto& [link, lines] : made) {
        for (auto& line : lines) line.begin();
    }
    lines_.merge(made);
    return Json{{"ns", begin}};
}

Result<Json> Agent::undelay(const Json& command) {
    const auto begin = now_ns();
    for (const auto& link : command.at("links")) {
        const auto found = lines_.find(link.get<std::string>());
        if (found == lines_.end()) return fail("link " + link.get<std::string>() + " is not slow");
        for (auto& line : found->second) line.release();
    }
    DelayLine::Fate all;
    for (const auto& link : command.at("links")) {
        for (auto& line : lines_.at(link.get<std::string>())) {
            const auto fate = line.stop();
            all.delivered += fate.delivered;
            all.dropped += fate.dropped;
            all.latest = std::max(all.latest, fate.latest);
        }
        lines_.erase(link.get<std::string>());
    }
    return Json{
        {"ns", begin}, {"delivered", all.delivered}, {"dropped", all.dropped}, {"latest_ns", all.latest.count()}};
}

/// Packets of a flow may be in every slow link, one after the other.
Clock::duration Agent::longest_delay() const {
    Clock::duration sum{};
    for (const auto& [link, lines] : lines_) {
        for (const auto& line : lines) sum += line.longest();
    }
    return sum;
}

Result<Json> Agent::set(const Json& command) {
    const auto where = netns(command.at("netns").get<std::string>());
    if (!where) return std::unexpected(where.error());
    const auto name = command.at("interface").get<std::string>();
    const bool up = command.at("up").get<bool>();
    const auto begin = (*where)->run([&] { return set_interface(name, up); });
    if (!begin) return std::unexpected(begin.error());
    return Json{{"ns", *begin}};
}

Result<Json> Agent::seen(const Json& command) {
    const auto cut = cut_of(command.at("link").get<std::string>());
    if (!cut) return std::unexpected(cut.error());
    return Json{{"forward", seen_json((*cut)->seen(Direction::forward))},
                {"backward", seen_json((*cut)->seen(Direction::backward))}};
}

Result<Json> Agent::ping(const Json& command) {
    const auto from = netns(command.at("from").get<std::string>());
    if (!from) return std::unexpected(from.error());
    const auto source = address_of(command, "source");
    if (!source) return std::unexpected(source.error());
    const auto destination = address_of(command, "destination");
    if (!destination) return std::unexpected(destination.error());
    return Json{{"answered", topo::ping(**from, *destination, *source).has_value()}};
}

Result<Json> Agent::start(const Json& command) {
    const auto flow = command.at("flow").get<std::string>();
    if (flows_.contains(flow)) return fail("flow " + flow + " is running already");
    const auto from = netns(command.at("from").get<std::string>());
    if (!from) return std::unexpected(from.error());
    const auto to = netns(command.at("to").get<std::string>());
    if (!to) return std::unexpected(to.error());
    const auto source = address_of(command, "source");
    if (!source) return std::unexpected(source.error());
    const auto destination = address_of(command, "destination");
    if (!destination) return std::unexpected(destination.error());
    auto traffic = Traffic::start(**from, **to,
                                  {.source = *source,
                                   .destination = *destination,
                                   .rate = command.value("rate", 1000.0),
                                   .payload = command.value("payload", std::size_t{64}),
                                   .count = command.value("count", std::uint64_t{0})});
    if (!traffic) return std::unexpected(traffic.error());
    flows_.emplace(flow, std::move(*traffic));
    return Json{{"ns", now_ns()}};
}

Result<Json> Agent::stop(const Json& command) {
    const auto found = flows_.find(command.at("flow").get<std::string>());
    if (found == flows_.end()) return fail("no flow of this name is running");
    const auto report = found->second.stop(longest_delay());
    auto answer = report_json(report, found->second);
    flows_.erase(found);
    return answer;
}

}  // namespace sidestep::topo
