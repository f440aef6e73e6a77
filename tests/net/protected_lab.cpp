// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "tests/net/protected_lab.hpp"

#include <net/if.h>
#include <sys/mount.h>

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <fstream>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <unistd.h>

#include "topo/protection.hpp"

namespace sidestep::topo {
namespace {

using testing::AssertionFailure;
using testing::AssertionResult;
using testing::AssertionSuccess;

/// A packet may have been sent this long before a cut and still be lost in it.
constexpr std::int64_t kInFlightNs = 20'000'000;

template <typename T>
AssertionResult succeeded(const Result<T>& result) {
    return result ? AssertionSuccess() : AssertionFailure() << result.error().message;
}

std::string describe(const LossWindow& window) {
    const auto length = window.length_ns();
    return fmt::format("{} packets from number {}, sent at {} ns, {}", window.lost, window.first, window.start_ns,
                       length ? fmt::format("{:.1f} ms", static_cast<double>(*length) / 1e6) : "never recovered");
}

}  // namespace

std::string with(std::string text, std::string_view from, std::string_view to) {
    const auto at = text.find(from);
    EXPECT_NE(at, std::string::npos) << "no '" << from << "' in:\n" << text;
    if (at != std::string::npos) text.replace(at, from.size(), to);
    return text;
}

std::string with_slow_probes(std::string config) {
    return with(std::move(config), "interval: 1ms, multiplier: 3", "interval: 50ms, multiplier: 20");
}

Result<Flows> Flows::start(const Lab& lab, double rate) {
    Flows flows;
    if (auto added = flows.add(lab, "S", "D", {.rate = rate}); !added) return std::unexpected(added.error());
    if (auto added = flows.add(lab, "D", "S", {.rate = rate}); !added) return std::unexpected(added.error());
    return flows;
}

Result<void> Flows::add(const Lab& lab, const std::string& from, const std::string& to, TrafficSpec spec) {
    auto traffic = lab.start_traffic(from, to, spec);
    if (!traffic) return std::unexpected(traffic.error());
    all_.push_back(std::move(*traffic));
    return {};
}

Result<void> Flows::add_v4(const Lab& lab, const std::string& from, const std::string& to, TrafficSpec spec) {
    spec.source = lab.address_v4(from);
    spec.destination = lab.address_v4(to);
    return add(lab, from, to, spec);
}

AssertionResult Flows::pass(std::uint64_t packets) {
    std::vector<std::uint64_t> before;
    for (const auto& traffic : all_) before.push_back(traffic.arrived());
    std::vector<std::uint64_t> more(all_.size());
    const bool passed = wait_for(kPatience, [&] {
        for (std::size_t i = 0; i < all_.size(); ++i) more[i] = all_[i].arrived() - before[i];
        return std::ranges::min(more) >= packets;
    });
    if (passed) return AssertionSuccess();
    return AssertionFailure() << fmt::format("no traffic; packets that arrived: {}", fmt::join(more, ", "));
}

std::vector<FlowReport> Flows::stop() {
    std::vector<FlowReport> reports;
    for (auto& traffic : all_) reports.push_back(traffic.stop());
    return reports;
}

AssertionResult lossless(std::span<const FlowReport> reports) {
    for (const auto& report : reports) {
        if (report.sent == 0) return AssertionFailure() << "nothing was sent";
        if (!report.windows.empty()) return AssertionFailure() << "lost " << describe(report.windows.front());
    }
    return AssertionSuccess();
}

AssertionResult healed(std::span<const FlowReport> reports, std::int64_t since_ns) {
    for (const auto& report : reports) {
        if (report.sent == 0) return AssertionFailure() << "nothing was sent";
        for (const auto& window : report.windows) {
            const auto length = window.length_ns();
            const bool too_soon = window.start_ns < since_ns - kInFlightNs;
            if (too_soon || !length || *length > std::chrono::nanoseconds(kLongestLoss).count())
                return AssertionFailure() << "lost " << describe(window) << "; the failure was at " << since_ns;
        }
    }
    return AssertionSuccess();
}

void ProtectedLab::SetUp() {
    if (::geteuid() != 0) GTEST_SKIP() << "needs root to make network namespaces";
    build();
    const auto reply = lab_->wait_reachable("S", far_end(), kPatience);
    ASSERT_TRUE(reply) << reply.error().message;
}

void ProtectedLab::build() {
    auto lab = Lab::build_file(topology());
    ASSERT_TRUE(lab) << lab.error().message;
    lab_ = std::make_unique<Lab>(std::move(*lab));
    auto cut = lab_->install_cut(cut_link());
    ASSERT_TRUE(cut) << cut.error().message;
    cut_ = std::make_unique<Cut>(std::move(*cut));
}

void ProtectedLab::TearDown() {
    if (HasFailure()) {
        for (auto& [node, daemon] : daemons_) {
            GTEST_LOG_(INFO) << node << ":\n"
                             << daemon.process().output() << ask(node, "status").value("counters", json()).dump()
                             << '\n'
                             << ask(node, "policies").dump();
        }
    }
    for (auto& [node, daemon] : daemons_) daemon.process().stop();
    daemons_.clear();
}

std::string ProtectedLab::config(const std::string& node) const {
    if (node == "A") {
        return protection_config(*lab_, {.node = "A",
                                         .link = "A-B",
                                         .backup_link = "A-C",
                                         .via = {"C", "B"},
                                         .destination = "D",
                                         .wait_to_restore = "100ms"});
    }
    return protection_config(*lab_, {.node = "B",
                                     .link = "A-B",
                                     .backup_link = "C-B",
                                     .via = {"C", "A"},
                                     .destination = "S",
                                     .wait_to_restore = "100ms"});
}

AssertionResult ProtectedLab::launch(const std::string& node, const std::string& config) {
    auto daemon = Daemon::start(*lab_, node, config);
    if (!daemon) return succeeded(daemon);
    daemons_.erase(node);
    daemons_.emplace(node, std::move(*daemon));
    return AssertionSuccess();
}

AssertionResult ProtectedLab::start(const std::string& node, const std::string& config) {
    auto launched = launch(node, config);
    return launched ? succeeded(daemon(node).wait_up(kPatience)) : launched;
}

AssertionResult ProtectedLab::start_both() {
    auto started = start("A");
    return started ? start("B") : started;
}

AssertionResult ProtectedLab::stop(const std::string& node) {
    return succeeded(daemon(node).stop());
}

AssertionResult ProtectedLab::kill(const std::string& node) {
    daemon(node).process().signal(SIGKILL);
    const auto code = daemon(node).process().wait(kPatience);
    if (code == 128 + SIGKILL) return AssertionSuccess();
    return AssertionFailure() << "sidestepd on " << node << " ended with " << code.value_or(-1);
}

ProtectedLab::Ended ProtectedLab::run_sidestepd(const std::string& node, const std::string& config,
                                                std::vector<std::string> before, const std::string& run_directory,
                                                const std::vector<std::string>& after) {
    const auto file = lab_->directory() + "/by-hand.yaml";
    std::ofstream(file) << config;
    const auto program = Daemon::executable();
    if (!program) return {.code = {}, .output = program.error().message};
    before.insert(before.end(), {*program, "--config", file, "--run-dir",
                                 run_directory.empty() ? this->run_directory(node) : run_directory});
    before.insert(before.end(), after.begin(), after.end());
    auto process = lab_->spawn(node, before);
    if (!process) return {.code = {}, .output = process.error().message};
    const auto code = process->wait(kPatience);
    return {.code = code, .output = process->output()};
}

json ProtectedLab::ask(const std::string& node, const std::string& command) {
    const auto answer = daemon(node).ask(command);
    if (!answer) GTEST_LOG_(INFO) << "asked " << command << ": " << answer.error().message;
    return answer ? *answer : json::object();
}

json ProtectedLab::session(const std::string& node, const std::string& link) {
    for (const auto& session : ask(node, "sessions").value("sessions", json::array())) {
        if (session.value("name", "") == link) return session;
    }
    return json::object();
}

json ProtectedLab::event(const std::string& node, const std::string& state, const std::string& link) {
    auto found = json::object();
    for (const auto& event : ask(node, "events").value("events", json::array())) {
        if (event.value("session", "") == link && event.value("state", "") == state) found = event;
    }
    return found;
}

std::uint64_t ProtectedLab::rerouted(const std::string& node) {
    const auto policies = ask(node, "policies");
    return policies.value(json::json_pointer("/policies/0/candidates/1/packets"), std::uint64_t{0});
}

std::uint64_t ProtectedLab::rejected(const std::string& node, const std::string& reason) {
    return ask(node, "status").value(json::json_pointer("/rejected_probes/" + reason), std::uint64_t{0});
}

AssertionResult ProtectedLab::becomes(const std::string& node, const std::string& state, const std::string& reason,
                                      const std::string& link) {
    json seen;
    const bool became = wait_for(kPatience, [&] {
        seen = session(node, link);
        return seen.value("state", "") == state && (reason.empty() || seen.value("reason", "") == reason);
    });
    if (became) return AssertionSuccess();
    return AssertionFailure() << link << " of " << node << " is not " << state << " " << reason << ": " << seen.dump();
}

AssertionResult ProtectedLab::takes(const std::string& node, int candidate) {
    const json::json_pointer active(fmt::format("/policies/0/candidates/{}/active", candidate));
    json seen;
    const bool took = wait_for(kPatience, [&] {
        seen = ask(node, "policies");
        return seen.value(active, false);
    });
    if (took) return AssertionSuccess();
    return AssertionFailure() << node << " does not take candidate " << candidate << ": " << seen.dump();
}

AssertionResult ProtectedLab::says(const std::string& node, const std::string& command, const std::string& text) {
    std::string seen;
    const bool said = wait_for(kPatience, [&] {
        seen = shell(node, command);
        return seen.find(text) != std::string::npos;
    });
    if (said) return AssertionSuccess();
    return AssertionFailure() << command << " on " << node << " does not print '" << text << "' but: " << seen;
}

bool ProtectedLab::hooked(const std::string& node, const std::string& interface) const {
    const auto found = lab_->in(node, [&]() -> Result<bool> {
        return TcHook::find(interface, static_cast<int>(::if_nametoindex(interface.c_str()))).has_value();
    });
    return found && *found;
}

std::string ProtectedLab::cli(const std::string& node, const std::string& arguments) {
    const auto program = std::filesystem::path(Daemon::executable().value()).parent_path() / "sidestep";
    return shell(node, fmt::format("{} --run-dir {} {}", program.string(), run_directory(node), arguments));
}

std::string ProtectedLab::shell(const std::string& node, const std::string& command) {
    auto process = lab_->spawn(node, {"sh", "-c", command});
    if (!process) return process.error().message;
    process->wait(kPatience);
    return process->output();
}

}  // namespace sidestep::topo
