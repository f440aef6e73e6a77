// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The program sidestep-exporter, which `sidestep exporter` starts: serves the metrics of the machine's detectors over
// HTTP, or writes them to a file.
#include <csignal>
#include <cstdio>
#include <memory>
#include <optional>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <unistd.h>

#include "cli/complain.hpp"
#include "common/run_directory.hpp"
#include "exporter/collector.hpp"
#include "exporter/web_server.hpp"

namespace {

constexpr int kFailure = 1;
constexpr int kBadInput = 2;

struct Options {
    std::string run_dir = "/run/sidestep";
    std::string node;
    std::string listen = "127.0.0.1:9862";
    std::string textfile;
    double every = 0;
};

void log_line(const std::string& message) {
    sidestep::complain(fmt::format("sidestep-exporter: {}\n", message));
}

int fail(int code, const std::string& message) {
    log_line(message);
    return code;
}

/// Blocked in all threads, so that sigwait() gets them.
sigset_t block_endings() {
    sigset_t endings;
    sigemptyset(&endings);
    sigaddset(&endings, SIGTERM);
    sigaddset(&endings, SIGINT);
    pthread_sigmask(SIG_BLOCK, &endings, nullptr);
    return endings;
}

int write_files(const Options& options, sidestep::exporter::Collector& collector, const sigset_t& endings) {
    const auto whole = static_cast<time_t>(options.every);
    const timespec pause{.tv_sec = whole,
                         .tv_nsec = static_cast<long>((options.every - static_cast<double>(whole)) * 1e9)};
    for (;;) {
        const auto written = sidestep::exporter::write_textfile(options.textfile, collector.collect());
        if (!written) return fail(kFailure, written.error().message);
        if (options.every <= 0 || sigtimedwait(&endings, nullptr, &pause) > 0) return 0;
    }
}

int serve(const Options& options, sidestep::exporter::Collector& collector, const sigset_t& endings) {
    const auto server = sidestep::exporter::WebServer::listen(options.listen, [&] { return collector.collect(); });
    if (!server) return fail(kFailure, server.error().message);
    log_line(fmt::format("http://{}/metrics", options.listen));
    int number = 0;
    sigwait(&endings, &number);
    return 0;
}

int run(int argc, char** argv) {
    CLI::App app("Metrics of the machine's sidestepd processes for Prometheus.", "sidestep-exporter");
    Options options;
    auto* const listen = app.add_option("--listen", options.listen, "Where to serve /metrics")
                             ->type_name("ADDRESS:PORT")
                             ->capture_default_str();
    auto* const file = app.add_option("--textfile", options.textfile,
                                      "Write the metrics to this file instead, for node_exporter's textfile collector; "
                                      "-: standard output")
                           ->type_name("FILE")
                           ->excludes(listen);
    app.add_option("--every", options.every, "Write the file again and again; without, once")
        ->type_name("SECONDS")
        ->check(CLI::Range(0.1, 86400.0))
        ->needs(file);
    app.add_option("--node", options.node, "Only the detector of this node")->type_name("NAME");
    app.add_option("--run-dir", options.run_dir, "Directory of the detectors' sockets")
        ->type_name("DIR")
        ->envname("SIDESTEP_RUN_DIR")
        ->capture_default_str();
    app.set_version_flag("--version", "sidestep-exporter " SIDESTEP_VERSION);
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
        return app.exit(error) == 0 ? 0 : kBadInput;
    }
    if (!options.node.empty() && !sidestep::is_node_name(options.node))
        return fail(kBadInput, "--node: no name of a node");
    if (!sidestep::exporter::is_place_to_listen(options.listen))
        return fail(kBadInput, "--listen: not ADDRESS:PORT such as 127.0.0.1:9862 or [::1]:9862: " + options.listen);
    std::signal(SIGPIPE, SIG_IGN);
    const auto endings = block_endings();
    sidestep::exporter::Collector collector(options.run_dir, options.node, log_line);
    return options.textfile.empty() ? serve(options, collector, endings) : write_files(options, collector, endings);
}

}  // namespace

int main(int argc, char** argv) {
    try {
        return run(argc, argv);
    } catch (const std::exception& error) {
        return fail(kFailure, error.what());
    }
}
