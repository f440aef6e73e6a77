// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "cli/report_bfd.hpp"

#include <array>
#include <cstdint>
#include <utility>

#include <fmt/format.h>

#include "cli/cells.hpp"

namespace sidestep {
namespace {

using nlohmann::json;
using nlohmann::ordered_json;

std::string text(const json& peer, const char* key) {
    const auto found = peer.find(key);
    return found != peer.end() && found->is_string() ? found->get<std::string>() : std::string();
}

std::uint64_t amount(const json& peer, const char* key) {
    const auto found = peer.find(key);
    return found != peer.end() && found->is_number() ? found->get<std::uint64_t>() : 0;
}

bool is(const json& peer, const char* key) {
    const auto found = peer.find(key);
    return found != peer.end() && found->is_boolean() && found->get<bool>();
}

const json& peers_of(const json& answer) {
    static const json kNone = json::array();
    const auto found = answer.find("peers");
    return found != answer.end() && found->is_array() ? *found : kNone;
}

std::string title(const json& peer) {
    auto title = "\tpeer " + text(peer, "peer");
    if (is(peer, "multihop")) title += " multihop";
    if (text(peer, "kind") == "s-bfd") title += " bfd-mode sbfd-init";  // as FRR 10 has it
    if (const auto local = text(peer, "local"); !local.empty()) title += " local-address " + local;
    title += " vrf default";
    if (const auto interface = text(peer, "interface"); !interface.empty()) title += " interface " + interface;
    return title + "\n";
}

std::string duration(std::uint64_t seconds) {
    constexpr std::array<std::pair<const char*, std::uint64_t>, 4> kUnits{
        {{"year", 31'536'000}, {"day", 86'400}, {"hour", 3'600}, {"minute", 60}}};
    std::string result;
    for (const auto& [name, length] : kUnits) {
        if (seconds >= length) result += fmt::format("{} {}(s), ", seconds / length, name);
        seconds %= length;
    }
    return result + fmt::format("{} second(s)", seconds);
}

std::string interval(std::uint64_t microseconds) {
    return microseconds == 0 ? "disabled" : fmt::format("{}ms", microseconds / 1000);
}

std::string timers(const json& peer, const std::string& prefix, const std::string& multiplier) {
    return fmt::format(
        "\t\t\tDetect-multiplier: {}\n\t\t\tReceive interval: {}ms\n\t\t\tTransmission interval: {}ms\n"
        "\t\t\tEcho receive interval: {}\n",
        amount(peer, multiplier.c_str()), amount(peer, (prefix + "receive_us").c_str()) / 1000,
        amount(peer, (prefix + "transmit_us").c_str()) / 1000,
        interval(prefix.empty() ? amount(peer, "echo_receive_us") : 0));
}

std::string status(const json& peer) {
    const auto seconds = amount(peer, "since_ms") / 1000;
    const auto status = text(peer, "status");
    auto result = fmt::format("\t\tStatus: {}\n", status);
    if (status == "up") result += fmt::format("\t\tUptime: {}\n", duration(seconds));
    if (status == "down") result += fmt::format("\t\tDowntime: {}\n", duration(seconds));
    return result;
}

std::string own_diagnostic(const json& peer) {
    const auto own = text(peer, "local_diagnostic");
    return own.empty() ? "ok" : own;
}

std::string answerer(const json& peer) {
    if (const auto trouble = text(peer, "trouble"); !trouble.empty()) return "nobody, " + trouble;
    return fmt::format("session {}{}{}", text(peer, "session"), is(peer, "made_for_it") ? ", made for it" : "",
                       is(peer, "by_bfd") ? ", by BFD" : "");
}

}  // namespace

std::string lack_of_bfdd(const json& answer) {
    const auto& bfdd = member(answer, "bfdd");
    if (!bfdd.is_object() || is(bfdd, "connected")) return {};
    return fmt::format("sidestep: bfdd is not connected (it should listen at {}), so it asks for nothing\n",
                       text(bfdd, "path"));
}

std::string report_bfd_peers(const json& answer) {
    std::string result = "BFD Peers:\n";
    for (const auto& peer : peers_of(answer)) {
        result += title(peer);
        result += fmt::format("\t\tID: {}\n\t\tRemote ID: {}\n\t\t{} mode\n", amount(peer, "id"),
                              amount(peer, "remote_id"), is(peer, "passive") ? "Passive" : "Active");
        if (is(peer, "multihop")) result += fmt::format("\t\tMinimum TTL: {}\n", amount(peer, "minimum_ttl"));
        result += status(peer);
        result += fmt::format("\t\tDiagnostics: {}\n\t\tRemote diagnostics: {}\n\t\tAnswered by: {}\n",
                              own_diagnostic(peer), text(peer, "diagnostic"), answerer(peer));
        result += "\t\tRTT min/avg/max: 0/0/0 usec\n\t\tLocal timers:\n" + timers(peer, "", "multiplier");
        result += fmt::format("\t\t\tEcho transmission interval: {}\n", interval(amount(peer, "echo_transmit_us")));
        result += "\t\tRemote timers:\n" + timers(peer, "remote_", "remote_multiplier") + "\n";
    }
    return result;
}

std::string report_bfd_brief(const json& answer) {
    const auto row = [](const std::string& id, const std::string& local, const std::string& peer,
                        const std::string& state) {
        return fmt::format("{:<10} {:<40} {:<40}{:<15}\n", id, local, peer, state);
    };
    auto result = fmt::format("Session count: {}\n", peers_of(answer).size());
    result += row("SessionId", "LocalAddress", "PeerAddress", "Status");
    result += row("=========", "============", "===========", "======");
    for (const auto& peer : peers_of(answer)) {
        const auto address = text(peer, "peer");
        auto local = text(peer, "local");
        if (local.empty()) local = address.find(':') == std::string::npos ? "0.0.0.0" : "::";
        const auto status = text(peer, "status");
        result += row(std::to_string(amount(peer, "id")), local, address,
                      status == "shutdown" ? "admin-down" : status);  // FRR has two words for it
    }
    return result;
}

std::string report_bfd_counters(const json& answer) {
    std::string result = "BFD Peers:\n";
    for (const auto& peer : peers_of(answer)) {
        result += title(peer);
        result += fmt::format(
            "\t\tControl packet input: {} packets\n\t\tControl packet output: {} packets\n"
            "\t\tEcho packet input: 0 packets\n\t\tEcho packet output: 0 packets\n"
            "\t\tSession up events: {}\n\t\tSession down events: {}\n\t\tZebra notifications: {}\n\n",
            amount(peer, "packets_in"), amount(peer, "packets_out"), amount(peer, "ups"), amount(peer, "downs"),
            amount(peer, "notifications"));
    }
    return result;
}

ordered_json bfd_peers_json(const json& answer) {
    ordered_json list = ordered_json::array();
    for (const auto& peer : peers_of(answer)) {
        const auto ms = [&](const char* key) { return amount(peer, key) / 1000; };
        ordered_json entry{{"multihop", is(peer, "multihop")}, {"peer", text(peer, "peer")}};
        if (const auto local = text(peer, "local"); !local.empty()) entry["local"] = local;
        entry["vrf"] = "default";
        if (const auto interface = text(peer, "interface"); !interface.empty()) entry["interface"] = interface;
        entry["id"] = amount(peer, "id");
        entry["remote-id"] = amount(peer, "remote_id");
        entry["passive-mode"] = is(peer, "passive");
        if (is(peer, "multihop")) entry["minimum-ttl"] = amount(peer, "minimum_ttl");
        const auto status = text(peer, "status");
        entry["status"] = status;
        if (status == "up") entry["uptime"] = ms("since_ms");
        if (status == "down") entry["downtime"] = ms("since_ms");
        entry["diagnostic"] = own_diagnostic(peer);
        entry["remote-diagnostic"] = text(peer, "diagnostic");
        entry["receive-interval"] = ms("receive_us");
        entry["transmit-interval"] = ms("transmit_us");
        entry["echo-receive-interval"] = ms("echo_receive_us");
        entry["echo-transmit-interval"] = ms("echo_transmit_us");
        entry["detect-multiplier"] = amount(peer, "multiplier");
        entry["remote-receive-interval"] = ms("remote_receive_us");
        entry["remote-transmit-interval"] = ms("remote_transmit_us");
        entry["remote-echo-receive-interval"] = 0;
        entry["remote-detect-multiplier"] = amount(peer, "remote_multiplier");
        for (const char* key : {"rtt-min", "rtt-avg", "rtt-max"}) entry[key] = 0;
        list.push_back(std::move(entry));
    }
    return list;
}

}  // namespace sidestep
