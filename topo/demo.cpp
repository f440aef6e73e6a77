// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// sidestep-demo: the main job end to end, on one machine. Builds a lab, protects a link, cuts it and shows the loss.
// Leaves nothing behind, even when interrupted.
#include <algorithm>
#include <csignal>
#include <cstdio>
#include <exception>
#include <filesystem>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <unistd.h>

#include "common/duration.hpp"
#include "topo/demo_report.hpp"
#include "topo/demo_run.hpp"

namespace {

volatile std::sig_atomic_t g_interrupted = 0;

void on_signal(int signal) {
    g_interrupted = signal;
}

void watch_signals() {
    struct sigaction action {};
    action.sa_handler = on_signal;
    for (const int signal : {SIGINT, SIGTERM, SIGHUP}) ::sigaction(signal, &action, nullptr);
    ::signal(SIGPIPE, SIG_IGN);
}

int run(int argc, char** argv) {
    sidestep::topo::DemoOptions options;
    bool as_json = false;
    bool quick = false;
    auto topology = (std::filesystem::read_symlink("/proc/self/exe").parent_path() / "demo.yaml").string();

    CLI::App app{"Cuts a link silently under traffic, with and without Sidestep, and shows the loss. Needs root.",
                 "sidestep-demo"};
    app.add_flag("--json", as_json, "print one JSON document");
    app.add_flag("--quick", quick, "3 s of healthy traffic instead of 10 s");
    app.add_option("--cuts", options.cuts, "silent cuts with Sidestep")
        ->check(CLI::Range(1, 1000))
        ->capture_default_str();
    app.add_option("--rate", options.rate, "packets per second in each direction")
        ->check(CLI::Range(1, 1'000'000))
        ->capture_default_str();
    app.add_option("--interval", options.interval, "time between two probes, with its unit")
        ->check([](const std::string& text) {
            return sidestep::parse_duration(text) ? "" : "not a duration with its unit, such as 250us or 1ms";
        })
        ->capture_default_str();
    app.add_option("--multiplier", options.multiplier, "unanswered probes in a row that mean down")
        ->check(CLI::Range(1, 32))
        ->capture_default_str();
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
        return app.exit(error) == 0 ? 0 : 2;
    }
    if (quick) options.healthy = std::chrono::seconds(3);
    options.interrupted = [] { return g_interrupted != 0; };
    options.log_folder = (std::filesystem::read_symlink("/proc/self/exe").parent_path().parent_path() / "log").string();
    options.progress = [](const std::string& step) { fmt::print(stderr, "demo: {}\n", step); };

    watch_signals();
    const auto result = sidestep::topo::run_demo(topology, options);
    if (!result) {
        fmt::print(stderr, "demo: {}\n", result.error().message);
        return g_interrupted != 0 ? 128 + g_interrupted : 1;
    }
    fmt::print("{}", as_json ? demo_json(*result, options) : demo_text(*result, options));
    if (!result->with_sidestep.recovered()) {
        fmt::print(stderr,
                   "demo: after {} of {} cuts, packets stayed away until the link was restored: the backup did "
                   "not carry them\n",
                   std::ranges::count_if(result->with_sidestep.cuts,
                                         [](const auto& cut) { return !cut.recovered(0) || !cut.recovered(1); }),
                   options.cuts);
    }
    return result->with_sidestep.recovered() ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
    try {
        return run(argc, argv);
    } catch (const std::exception& error) {
        std::fputs(error.what(), stderr);
        return 1;
    }
}
