// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "cli/report_why.hpp"

#include "cli/report.hpp"
#include "cli/table.hpp"

namespace sidestep {
namespace {

using nlohmann::json;

std::string text_of(const json& object, const char* name, const char* absent) {
    const auto at = object.is_object() ? object.find(name) : object.end();
    return object.is_object() && at != object.end() && at->is_string() ? at->get<std::string>() : absent;
}

/// As `ip route get` prints it.
std::string fib_text(const json& fib) {
    if (!fib.is_object()) return "-";
    if (fib.contains("error")) return text_of(fib, "error", "-");
    auto text = text_of(fib, "type", "-");
    if (const auto gateway = text_of(fib, "gateway", ""); !gateway.empty()) text += " via " + gateway;
    if (const auto interface = text_of(fib, "interface", ""); !interface.empty()) text += " dev " + interface;
    for (const auto* name : {"table", "protocol"}) {
        if (fib.contains(name) && fib[name].is_number()) text += std::string(" ") + name + " " + fib[name].dump();
    }
    return text;
}

/// The last event of each session, with the evidence that decided.
std::string last_events(const json& sessions) {
    json events = json::array();
    for (const auto& session : sessions) {
        if (session.is_object() && session.contains("last_event") && session["last_event"].is_object())
            events.push_back(session["last_event"]);
    }
    return events.empty() ? "" : "\nlast event of each session:\n" + report_events({{"events", events}});
}

}  // namespace

std::string report_why(const json& answer) {
    Table table({{""}, {""}});
    table.add({"destination", text_of(answer, "destination", "-")});
    table.add({"prefix", text_of(answer, "prefix", "-")});
    table.add({"why", text_of(answer, "why", "-")});
    table.add({"FIB", fib_text(answer.value("fib", json()))});
    auto text = table.to_string(false);
    const auto policy = answer.value("policy", json());
    if (!policy.is_object()) return text;
    text += "\n" + report_policies({{"policies", json::array({policy})}});
    const auto sessions = answer.value("sessions", json::array());
    if (!sessions.is_array() || sessions.empty()) return text;
    return text + "\n" + report_sessions({{"sessions", sessions}}) + last_events(sessions);
}

}  // namespace sidestep
