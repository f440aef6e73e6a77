// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// sidestepd: reads the command line and the configuration, and runs the daemon. Exit code 2: bad input, nothing was
// done.
#include <cstdio>
#include <filesystem>

#include <CLI/CLI.hpp>
#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>

#include "detector/app/daemon.hpp"
#include "detector/config/config_file.hpp"

namespace {

constexpr int kFailure = 1;
constexpr int kBadInput = 2;

int report(const sidestep::Result<void>& result) {
    if (result) return 0;
    std::fprintf(stderr, "sidestepd: %s\n", result.error().message.c_str());
    return kFailure;
}

int run(int argc, char** argv) {
    CLI::App app("Sidestep's detector: probes links, notices that one died, moves traffic onto its backup.",
                 "sidestepd");
    std::string file;
    std::string level = "info";
    sidestep::DaemonOptions options;
    bool flush = false;
    std::string attach = "auto";
    app.add_option("--config", file, "Configuration file (sidestep.yaml(5))");
    app.add_flag("--flush", flush, "Remove what a detector that was killed left running here, and exit");
    app.add_option("--run-dir", options.run_directory, "Directory of the API socket and the pinned BPF objects")
        ->capture_default_str()
        ->envname("SIDESTEP_RUN_DIR");
    app.add_option("--attach", attach, "How programs are attached: tcx, clsact, or the best that the kernel has")
        ->check(CLI::IsMember({"auto", "tcx", "clsact"}))
        ->capture_default_str()
        ->envname("SIDESTEP_ATTACH");
    app.add_option("--log-level", level, "How much is logged to standard error")
        ->check(CLI::IsMember({"trace", "debug", "info", "warn", "error"}))
        ->capture_default_str();
    app.set_version_flag("--version", "sidestepd " SIDESTEP_VERSION);
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
        return app.exit(error) == 0 ? 0 : kBadInput;
    }
    spdlog::set_default_logger(spdlog::stderr_color_mt("sidestepd"));
    spdlog::set_pattern("%Y-%m-%dT%H:%M:%S.%f %^%l%$ %v");
    spdlog::set_level(spdlog::level::from_str(level == "warn" ? "warning" : level));

    if (attach != "auto") options.attach = attach == "tcx" ? sidestep::TcKind::tcx : sidestep::TcKind::clsact;

    if (file.empty()) {
        if (flush) return report(sidestep::flush("", options));
        std::fputs("sidestepd: --config FILE is missing (sidestepd -h tells more)\n", stderr);
        return kBadInput;
    }
    sidestep::Complaints complaints;
    // An interface that does not exist is awaited: it may appear later, as it may go and come back later.
    const auto config = sidestep::read_config_file(file, complaints);
    if (!config) {
        std::fprintf(stderr, "%s\n", complaints.to_string().c_str());
        return kBadInput;
    }
    for (const auto& warning : complaints.warnings) spdlog::warn("{}", warning.to_string());
    options.config_file = std::filesystem::absolute(file).string();
    return report(flush ? sidestep::flush(config->node, options) : sidestep::run_daemon(*config, options));
}

}  // namespace

int main(int argc, char** argv) {
    try {
        return run(argc, argv);
    } catch (const std::exception& error) {
        std::fprintf(stderr, "sidestepd: %s\n", error.what());
        return kFailure;
    }
}
