// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The program sidestepd: reads the command line and the configuration, and runs the daemon. Exit code 2 means bad
// input; nothing has been changed.
#include <sys/prctl.h>
#include <sys/resource.h>

#include <csignal>
#include <cstdio>
#include <filesystem>
#include <utility>

#include <CLI/CLI.hpp>
#include <fcntl.h>
#include <fmt/format.h>
#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include "detector/app/daemon.hpp"
#include "detector/config/bfd_keys.hpp"
#include "detector/config/config_file.hpp"
#include "detector/service/journal_sink.hpp"

namespace {

constexpr int kFailure = 1;
constexpr int kBadInput = 2;
constexpr rlim_t kLeastDescriptors = 128;  // about 60 are in use without clients and vtysh

int report(const sidestep::Result<void>& result) {
    if (result) return 0;
    std::fprintf(stderr, "sidestepd: %s\n", result.error().message.c_str());
    return kFailure;
}

/// A reader of the log that goes away must not end the detector, and no socket may become its standard error.
void prepare_process() {
    std::signal(SIGPIPE, SIG_IGN);
    (void)::prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);  // what it runs (vtysh, hooks) needs none
    int fd = 0;
    while (fd >= 0 && fd <= STDERR_FILENO) fd = ::open("/dev/null", O_RDWR);
    if (fd >= 0) ::close(fd);
}

/// Too few are noticed before anything is made: halfway, what was made could not even be removed.
sidestep::Result<void> provide_descriptors() {
    rlimit limit{};
    if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return {};
    if (limit.rlim_max < kLeastDescriptors) {
        return sidestep::fail(
            fmt::format("too many open files would be needed: the limit is {} and {} are needed at least; raise it "
                        "(ulimit -n, or LimitNOFILE= of the unit)",
                        limit.rlim_max, kLeastDescriptors));
    }
    limit.rlim_cur = limit.rlim_max;
    (void)::setrlimit(RLIMIT_NOFILE, &limit);
    return {};
}

/// To the journal, with fields, if standard error leads there; else to standard error.
void start_log(const std::string& level) {
    spdlog::set_default_logger(spdlog::stderr_color_mt("sidestepd"));
    if (sidestep::logs_to_journal()) {
        if (auto journal = sidestep::make_journal_sink("sidestepd"))
            spdlog::set_default_logger(std::make_shared<spdlog::logger>("sidestepd", *journal));
    }
    spdlog::set_pattern("%Y-%m-%dT%H:%M:%S.%fZ %^%l%$ %v", spdlog::pattern_time_type::utc);
    spdlog::set_level(spdlog::level::from_str(level == "warn" ? "warning" : level));
}

int run(int argc, char** argv) {
    CLI::App app("Sidestep's detector: probes links, detects failures, and moves traffic to a backup.", "sidestepd");
    std::string file;
    std::string level = "info";
    sidestep::DaemonOptions options;
    bool flush = false;
    std::string attach = "auto";
    app.add_option("--config", file, "Configuration file (sidestep.yaml(5))");
    app.add_flag("--flush", flush, "Remove what a killed detector left in this network namespace, and exit");
    app.add_option("--run-dir", options.run_directory, "Directory of the API socket and the pinned BPF objects")
        ->capture_default_str()
        ->envname("SIDESTEP_RUN_DIR");
    app.add_option("--record", options.record, "Append what the detector is told to this file, for `sidestep replay`")
        ->envname("SIDESTEP_RECORD");
    app.add_option("--operators", options.operators, "Group whose members may use the API as root does")
        ->envname("SIDESTEP_OPERATORS");
    app.add_option("--readers", options.readers, "Group whose members may ask the API what changes nothing")
        ->envname("SIDESTEP_READERS");
    app.add_option("--attach", attach, "How to attach programs: tcx, clsact, or auto (the best that the kernel has)")
        ->check(CLI::IsMember({"auto", "tcx", "clsact"}))
        ->capture_default_str()
        ->envname("SIDESTEP_ATTACH");
    app.add_option("--log-level", level, "Lowest level that is logged to standard error")
        ->check(CLI::IsMember({"trace", "debug", "info", "warn", "error"}))
        ->capture_default_str();
    app.set_version_flag("--version", "sidestepd " SIDESTEP_VERSION);
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
        return app.exit(error) == 0 ? 0 : kBadInput;
    }
    start_log(level);

    if (attach != "auto") options.attach = attach == "tcx" ? sidestep::TcKind::tcx : sidestep::TcKind::clsact;

    if (file.empty()) {
        if (flush) {
            const auto enough = provide_descriptors();
            return report(enough ? sidestep::flush("", options) : enough);
        }
        std::fputs("sidestepd: option --config FILE is missing (see sidestepd -h)\n", stderr);
        return kBadInput;
    }
    sidestep::Complaints complaints;
    // An interface that does not exist is no error: it may appear later, as it may disappear and come back.
    auto config = sidestep::read_config_and_keys(file, complaints);
    if (!config) {
        std::fprintf(stderr, "%s\n", complaints.to_string().c_str());
        return kBadInput;
    }
    for (const auto& warning : complaints.warnings) spdlog::warn("{}", warning.to_string());
    if (const auto enough = provide_descriptors(); !enough) return report(enough);
    options.config_file = std::filesystem::absolute(file).string();
    if (!options.record.empty()) options.record = std::filesystem::absolute(options.record).string();
    if (flush) return report(sidestep::flush(config->node, options));
    return report(sidestep::run_daemon(std::move(*config), options));
}

}  // namespace

int main(int argc, char** argv) {
    prepare_process();
    try {
        return run(argc, argv);
    } catch (const std::exception& error) {
        std::fprintf(stderr, "sidestepd: %s\n", error.what());
        return kFailure;
    }
}
