// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "cli/event_filter.hpp"

#include <algorithm>
#include <utility>

namespace sidestep {

using nlohmann::json;

bool EventFilter::passes(const json& event) const {
    if (!event.is_object()) return false;
    if (!session.empty() && event.value("session", json()) != session) return false;
    if (!from) return true;
    const auto time = event.value("time_ns", json());
    return time.is_number() && time.get<std::int64_t>() >= from->count();
}

json EventFilter::apply(json answer) const {
    const auto events = answer.find("events");
    if (events == answer.end() || !events->is_array()) return answer;
    json passed = json::array();
    for (auto& event : *events) {
        if (passes(event)) passed.push_back(std::move(event));
    }
    *events = std::move(passed);
    return answer;
}

json events_after(json events, const json& last) {
    const auto found = std::find(events.rbegin(), events.rend(), last);
    if (found != events.rend()) {
        events.erase(events.begin(), found.base());
        return events;
    }
    const EventFilter later{.session = {}, .from = Nanoseconds(last.value("time_ns", std::int64_t{0}) + 1)};
    return later.apply({{"events", std::move(events)}})["events"];
}

}  // namespace sidestep
