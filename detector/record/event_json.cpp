// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "detector/record/event_json.hpp"

#include "detector/core/names.hpp"

namespace sidestep {

nlohmann::json to_json(const LoggedEvent& event) {
    nlohmann::json result = {{"time_ns", event.time.count()},   {"time", event.wall_time},
                             {"session", event.session},        {"event", to_string(event.state)},
                             {"state", to_string(event.state)}, {"reason", to_string(event.reason)},
                             {"mode", to_string(event.mode)}};
    if (event.evidence) {
        const auto& evidence = *event.evidence;
        result["evidence"] = {{"verdict_ns", evidence.time_ns},
                              {"last_answer_ns", evidence.last_answer_ns},
                              {"accused_sent_ns", evidence.accused_sent_ns},
                              {"accused_sequence", evidence.accused},
                              {"last_sequence_sent", evidence.last_sent},
                              {"last_sequence_answered", evidence.last_answered},
                              {"lost_of_64", evidence.lost},
                              {"unsent_in_a_row", evidence.unsent},
                              {"clock_gap_us", static_cast<double>(evidence.clock_gap_ns) / 1e3}};
    }
    return result;
}

}  // namespace sidestep
