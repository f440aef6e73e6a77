// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "cli/event_filter.hpp"

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

}  // namespace sidestep
