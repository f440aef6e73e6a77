// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Finds out what is to be measured: a reflector needs nobody else, a path by its name needs its node's configuration.
#include "cli/measure_command.hpp"

#include <net/if.h>

#include <algorithm>
#include <csignal>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <unistd.h>

#include "cli/ask.hpp"
#include "cli/client.hpp"
#include "cli/complain.hpp"
#include "cli/daemon_network.hpp"
#include "cli/measure_session.hpp"
#include "common/run_directory.hpp"
#include "detector/config/config_file.hpp"
#include "doctor/lists.hpp"
#include "doctor/look.hpp"
#include "doctor/trial.hpp"

namespace sidestep {
namespace {

using namespace std::chrono_literals;

constexpr std::uint32_t kMostPackets = 1'000'000;
constexpr std::size_t kLargestPayload = 9000;
constexpr Nanoseconds kShortestInterval = 100us;
constexpr Nanoseconds kLongestWait = 1h;

struct MeasureOptions {
    std::string target;
    std::vector<std::string> segments;
    std::string config;
    std::string from;
    std::uint16_t port = 862;
    std::uint32_t count = 10;
    std::size_t size = 0;
    std::string interval = "100ms";
    std::string wait = "1s";
    unsigned traffic_class = 0;
};

volatile std::sig_atomic_t interrupted = 0;

void interrupt(int /*signal*/) {
    interrupted = 1;
}

Nanoseconds read_time(const char* option, const std::string& text, Nanoseconds least) {
    const auto time = parse_duration(text);
    if (time && *time >= least && *time <= kLongestWait) return *time;
    give_up(kExitBadInput, fmt::format("{} '{}': must be a time from {} to {}, as in 100ms", option, text,
                                       format_duration(least), format_duration(kLongestWait)));
}

/// The configuration that was named, or that of the running daemon, whose network this process then is in.
Config read_node_config(const DaemonOptions& daemon, const std::string& file) {
    auto path = file;
    if (path.empty()) {
        const auto status = ask(daemon, {{"command", "status"}});
        path = status.value("config_file", "");
        enter_network_of(status, kExitFailure);
    }
    Complaints complaints;
    auto config = read_config_file(path, complaints);
    if (!config) give_up(kExitBadInput, complaints.to_string());
    return std::move(*config);
}

Address read_home(const MeasureOptions& options, const Address& otherwise) {
    if (options.from.empty()) return otherwise;
    const auto address = Address::parse(options.from);
    if (!address || address->is_v4())
        give_up(kExitBadInput, fmt::format("--from '{}' is no IPv6 address", options.from));
    return *address;
}

/// A path of the configuration, by the adjacency that it leaves by.
MeasuredPath configured_path(const DaemonOptions& daemon, const MeasureOptions& options) {
    Case node;
    node.config = read_node_config(daemon, options.config);
    const auto& paths = node.config->paths;
    const auto path = std::ranges::find(paths, options.target, &PathConfig::name);
    if (path == paths.end())
        give_up(kExitBadInput,
                fmt::format("'{}' is neither an address nor a path of the configuration", options.target));
    if (path->segments.empty())
        give_up(kExitBadInput, fmt::format("path '{}' has no segments; measure to {} instead", path->name,
                                           path->bfd->peer->to_string()));
    node.machine = look({});
    const auto* adjacency = adjacency_of(*node.config, path->adjacency);
    const auto link = link_addresses(node, path->adjacency);
    if (adjacency == nullptr || !link)
        give_up(kExitFailure,
                fmt::format("the MAC address of {}'s neighbor is not known: is its link up?", path->adjacency));
    return {.source = node.config->source,
            .home = read_home(options, path->bfd ? node.config->source : path->probe.return_address),
            .segments = path->segments,
            .back = path->probe.back,
            .link = link,
            .ifindex = static_cast<int>(::if_nametoindex(adjacency->interface.c_str()))};
}

/// A path that the kernel routes by its first segment.
MeasuredPath given_path(const DaemonOptions& daemon, const MeasureOptions& options) {
    MeasuredPath path{};
    for (const auto& text : options.segments) {
        const auto segment = Address::parse(text);
        if (!segment || segment->is_v4()) give_up(kExitBadInput, fmt::format("segment '{}' is no IPv6 address", text));
        path.segments.push_back(*segment);
    }
    if (path.segments.size() > SS_MAX_SEGMENTS)
        give_up(kExitBadInput, fmt::format("{} segments; at most {}", path.segments.size(), SS_MAX_SEGMENTS));
    path.home = options.from.empty() ? read_node_config(daemon, options.config).source : read_home(options, {});
    path.source = path.home;
    return path;
}

/// "fe80::1%eth0" has an interface.
void read_reflector(const std::string& target, MeasureSettings& settings) {
    const auto at = target.find('%');
    settings.reflector = Address::parse(target.substr(0, at)).value_or(Address{});
    if (at == std::string::npos) return;
    settings.interface = target.substr(at + 1);
    if (::if_nametoindex(settings.interface.c_str()) == 0)
        give_up(kExitBadInput, fmt::format("no interface '{}' on this machine", settings.interface));
}

MeasureSettings settings_of(const DaemonOptions& daemon, const MeasureOptions& options) {
    if (options.target.empty() == options.segments.empty())
        give_up(kExitBadInput, "name either an address or a path, or give --segments");
    MeasureSettings settings{.target = options.target};
    settings.port = options.port;
    settings.count = options.count;
    settings.size = options.size;
    settings.interval = read_time("--interval", options.interval, kShortestInterval);
    settings.patience = read_time("--wait", options.wait, Nanoseconds{});
    settings.traffic_class = static_cast<std::uint8_t>(options.traffic_class);
    if (!options.segments.empty()) {
        settings.path = given_path(daemon, options);
        settings.target = fmt::format("{}", fmt::join(options.segments, ","));
    } else if (Address::parse(options.target.substr(0, options.target.find('%')))) {
        read_reflector(options.target, settings);
    } else {
        settings.path = configured_path(daemon, options);
    }
    return settings;
}

/// A line that is written over, if somebody watches.
void show_progress(const Measurement& measurement, std::uint32_t count) {
    complain(fmt::format("\r{} of {} sent, {} answered", measurement.sent(), count, measurement.answered()));
    if (measurement.sent() == count || interrupted != 0) complain("\r\x1b[K");
}

void run_measure(const DaemonOptions& daemon, const MeasureOptions& options) {
    const auto settings = settings_of(daemon, options);
    struct sigaction action {};
    action.sa_handler = interrupt;
    ::sigaction(SIGINT, &action, nullptr);
    ::sigaction(SIGTERM, &action, nullptr);
    const bool watched = ::isatty(STDERR_FILENO) != 0;
    const auto result = measure(
        settings, [] { return interrupted != 0; },
        [&](const Measurement& so_far) {
            if (watched) show_progress(so_far, settings.count);
        });
    if (!result) give_up(kExitFailure, result.error().message);
    print(daemon.json ? json_text(result->to_json(), 2) : result->to_text());
    if (result->answered() == 0) throw CLI::RuntimeError(kExitFailure);
}

}  // namespace

void add_measure_command(CLI::App& app, const std::shared_ptr<DaemonOptions>& options) {
    const auto wanted = std::make_shared<MeasureOptions>();
    auto* const measure =
        app.add_subcommand("measure", "Loss, round trips and delays to a STAMP reflector, or around a path")
            ->fallthrough();
    measure
        ->add_option("TARGET", wanted->target,
                     "Address of a reflector (RFC 8762), or name of a path of the configuration")
        ->type_name("");
    measure->add_option("--segments", wanted->segments, "A path: its SIDs, the last of which decapsulates")
        ->delimiter(',')
        ->type_name("SID,...");
    measure->add_option("--from", wanted->from, "Address of this node that packets of a path return to")
        ->type_name("ADDRESS");
    measure->add_option("--count", wanted->count, "Packets to send; 10 by default")
        ->check(CLI::Range(1U, kMostPackets))
        ->type_name("N");
    measure->add_option("--interval", wanted->interval, "Time between two of them; 100ms by default")
        ->type_name("TIME");
    measure->add_option("--wait", wanted->wait, "How long to wait for the last answers; 1s by default")
        ->type_name("TIME");
    measure->add_option("--size", wanted->size, "Bytes of their UDP payload; 44 by default, which is the least")
        ->check(CLI::Range(std::size_t{44}, kLargestPayload))
        ->type_name("BYTES");
    measure->add_option("--port", wanted->port, "UDP port of the reflector; 862 by default")
        ->check(CLI::Range(1, 65535))
        ->type_name("PORT");
    measure->add_option("--traffic-class", wanted->traffic_class, "Traffic class of the packets to a reflector")
        ->check(CLI::Range(0, 255))
        ->type_name("CLASS");
    measure->add_option("--config", wanted->config, "The node's configuration; by default that of the running daemon")
        ->type_name("FILE");
    measure->add_flag("--json", options->json, "Print the result as JSON");
    measure->footer("Exit codes: 0 something was answered, 1 nothing was, 2 wrong arguments.");
    measure->callback([=] { run_measure(*options, *wanted); });
}

}  // namespace sidestep
