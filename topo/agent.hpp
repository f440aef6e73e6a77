// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Cuts and traffic for a lab that somebody else built, such as one of mininet's: takes commands as JSON and keeps what
// it started until it is told to stop, or destroyed. Namespaces are named by their files (/proc/PID/ns/net). All times
// are CLOCK_MONOTONIC in nanoseconds.
//
//   {"do": "watch", "link": NAME, "ends": [{"netns", "ifindex"}, {"netns", "ifindex"}]}   a link that may be cut
//   {"do": "unwatch", "link": NAME}               its interfaces go, or may no longer be cut
//   {"do": "cut", "links": [NAME], "direction": "forward" | "backward" | "both"}          -> {"ns"}
//   {"do": "lose", "links": [NAME], "direction", "share": 0..1, "seed"}                   -> {"ns"}
//   {"do": "lose-above", "links": [NAME], "direction", "bytes": more than these, Ethernet header included -> {"ns"}
//   {"do": "restore", "links": [NAME]}            ends cuts and losses                    -> {"ns"}
//   {"do": "delay", "links": [NAME], "direction", "delay_ns", "jitter_ns", "reorder": bool, "seed"}  -> {"ns"}
//   {"do": "undelay", "links": [NAME]}            what is under way arrives   -> {"ns", "delivered", "dropped", "latest_ns"}
//   {"do": "set", "netns", "interface": NAME, "up": bool}       as its operator would     -> {"ns"}
//   {"do": "seen", "link": NAME}    -> {"forward": {"dropped", "first_drop_ns"}, "backward": ...}
//   {"do": "ping", "from": netns, "source", "destination"}                                -> {"answered"}
//   {"do": "start", "flow": NAME, "from": netns, "to": netns, "source", "destination", "rate", "payload",
//    "count": packets, or 0: until stopped}
//   {"do": "stop", "flow": NAME}    -> {"sent", "received", "duplicated", "reordered", "lost", "windows": [{"first",
//                                       "lost", "start_ns", "end_ns"}], "longest_send_gap_ns", "sent_ns": [...],
//                                       "arrivals": [[number, received_ns], ...]}
//
// An answer is {"ok": true, ...} or {"ok": false, "error": sentence}.
#pragma once

#include <map>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "common/error.hpp"
#include "topo/clock.hpp"
#include "topo/cut.hpp"
#include "topo/delay_line.hpp"
#include "topo/netns.hpp"
#include "topo/traffic.hpp"

namespace sidestep::topo {

class Agent {
  public:
    /// Never throws for what a command says; a mistake in it is an answer.
    nlohmann::json answer(const std::string& line);

  private:
    using Json = nlohmann::json;

    Result<Json> carry_out(const Json& command);
    Result<const NetNs*> netns(const std::string& path);
    Result<Cut*> cut_of(const std::string& link);
    Result<Json> watch(const Json& command);
    Result<Json> unwatch(const Json& command);
    Result<Json> change_links(const Json& command);
    Result<Json> delay(const Json& command);
    Result<Json> undelay(const Json& command);
    [[nodiscard]] Clock::duration longest_delay() const;
    Result<Json> set(const Json& command);
    Result<Json> seen(const Json& command);
    Result<Json> ping(const Json& command);
    Result<Json> start(const Json& command);
    Result<Json> stop(const Json& command);

    std::map<std::string, NetNs> namespaces_;              // by path; nodes of a map stay where they are
    std::map<std::string, Cut> cuts_;                      // by link
    std::map<std::string, std::vector<DelayLine>> lines_;  // by link, of which each is one of cuts_
    std::map<std::string, Traffic> flows_;                 // by name
};

}  // namespace sidestep::topo
