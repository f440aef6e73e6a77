// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// What `sidestep doctor` and `sidestep init` know of this machine, as plain data: they judge and propose without a
// system call, so that every sentence of theirs has a test. look.hpp fills it.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "common/address.hpp"
#include "common/complaints.hpp"
#include "detector/core/config.hpp"
#include "doctor/trial.hpp"

namespace sidestep {

struct SeenAddress {
    Address address{};
    std::uint8_t length = 128;
    bool link_local = false;
    bool tentative = false;  ///< not yet proven to be unique
    bool duplicate = false;  ///< somebody else on the link has it

    [[nodiscard]] bool usable() const { return !tentative && !duplicate; }
};

struct SeenInterface {
    std::string name{};
    bool up = false;
    bool carrier = false;
    bool loopback = false;
    bool sends_broadcast = false;  ///< Ethernet-like, rather than a tunnel
    std::string kind{};            ///< "veth", "bridge"...; empty for hardware
    std::string mac{};             ///< of an Ethernet-like one
    std::string master{};          ///< the bridge or bond that it is part of
    unsigned mtu = 0;
    std::vector<SeenAddress> addresses{};
    std::string xdp{};                   ///< name of somebody else's program; empty: none
    std::vector<std::string> filters{};  ///< other tc filters at ingress, by name and preference
};

struct SeenNeighbor {
    std::string interface {};
    Address address{};
    std::string state{};  ///< as ip-neighbour(8) has it: REACHABLE, FAILED, ...
    bool router = false;
    std::string mac{};  ///< empty: not resolved

    [[nodiscard]] bool resolved() const { return state != "FAILED" && state != "INCOMPLETE" && state != "NONE"; }
};

/// A route by one of its next hops, or what the tables answer for a destination.
struct SeenRoute {
    Prefix prefix{};
    std::optional<Address> gateway{};
    std::string interface {};
    std::string protocol{};             ///< "kernel", "86", "isis", ...
    std::string type{};                 ///< empty, "local", "unreachable"...
    std::string encap{};                ///< "seg6local", ...
    std::string action{};               ///< of seg6local
    std::vector<std::string> others{};  ///< interfaces of its other next hops

    [[nodiscard]] bool uses(const std::string& name) const;
};

struct Machine {
    bool looked = false;   ///< false: the machine could not be asked (why)
    std::string kernel{};  ///< release
    bool privileged = true;
    std::map<std::string, SeenInterface> interfaces{};
    std::vector<SeenNeighbor> neighbors{};
    std::vector<SeenRoute> routes{};
    std::map<std::string, std::string> sysctls{};  ///< those that exist, by name with dots
    std::map<std::string, SeenRoute> lookups{};    ///< by destination as text; none: unreachable
    bool rules = false;  ///< some packets look into other tables than those of this node itself
    std::string hostname{};
    bool isis = false;  ///< FRR's isisd answers

    [[nodiscard]] const SeenInterface* interface(const std::string& name) const;
    /// The value as a number; none if the kernel has no such sysctl.
    [[nodiscard]] std::optional<long> sysctl(const std::string& name) const;
    /// The interfaces that have this address, and can use it.
    [[nodiscard]] std::vector<std::string> holders(const Address& address) const;
    /// Why an address that is on an interface cannot be used; empty if it can, or is on none.
    [[nodiscard]] std::string unusable(const Address& address) const;
    [[nodiscard]] bool is_bridge_port(const SeenInterface& seen) const;
    [[nodiscard]] const SeenRoute* lookup(const Address& destination) const;
};

/// The answers of a running daemon; null where there is none.
// NOLINTNEXTLINE(bugprone-exception-escape): moving a json does not throw
struct DaemonView {
    bool running = false;
    std::string silence{};  ///< why it does not answer, if one was asked
    nlohmann::json status{};
    nlohmann::json sessions{};
    nlohmann::json policies{};
    nlohmann::json routing{};

    /// The session's entry; null if there is none.
    [[nodiscard]] nlohmann::json session(const std::string& name) const;
    /// Those of the status, each `about` and `problem`.
    [[nodiscard]] nlohmann::json problems() const;
};

/// All that is known of a node.
// NOLINTNEXTLINE(bugprone-exception-escape): moving a json does not throw
struct Case {
    std::optional<Config> config{};
    Complaints complaints{};  ///< about its file; where there is a configuration, warnings only
    bool hidden = false;      ///< its file is not for this user
    Machine machine{};
    DaemonView daemon{};
    std::vector<TriedList> tried{};  ///< what doctor's own packets found
};

}  // namespace sidestep
