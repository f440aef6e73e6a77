// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Tests the metrics of a running sidestepd as a scrape gets them, and with Prometheus itself where it is installed.
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/net/protected_lab.hpp"

namespace sidestep::topo {
namespace {

using testing::AllOf;
using testing::AssertionFailure;
using testing::AssertionResult;
using testing::AssertionSuccess;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

constexpr auto kMetrics = "http://127.0.0.1:9862/metrics";

class Exporter : public ProtectedLab {
  protected:
    /// Starts the exporter of the detectors with this run directory in the node.
    AssertionResult start_exporter(const std::string& node) {
        auto process = lab().spawn(node, {program(), "--run-dir", run_directory(node)});
        if (!process) return AssertionFailure() << process.error().message;
        exporter_.emplace(std::move(*process));
        return says_url(node, kMetrics, "sidestep_up{node=\"" + node + "\"} 1\n");
    }
    static std::string program() {
        return (std::filesystem::path(*Daemon::executable()).parent_path() / "sidestep-exporter").string();
    }
    /// The answer to a GET, header included.
    std::string get(const std::string& node, const std::string& url) {
        const auto path = url.find('/', sizeof "http://");
        const auto host = url.substr(sizeof "http://" - 1, path - sizeof "http://" + 1);
        const auto colon = host.find(':');
        return shell(node,
                     fmt::format("bash -c 'exec 3<>/dev/tcp/{}/{} && printf \"GET {} HTTP/1.0\\r\\n\\r\\n\" >&3 && "
                                 "cat <&3'",
                                 host.substr(0, colon), host.substr(colon + 1), url.substr(path)));
    }
    /// The status line of an answer to this method.
    std::string status_of(const std::string& node, const std::string& method, const std::string& path) {
        return shell(node,
                     fmt::format("bash -c 'exec 3<>/dev/tcp/127.0.0.1/9862 && printf \"{} {} HTTP/1.0\\r\\n\\r\\n\" "
                                 ">&3 && cat <&3' | tr -d \\\\r",
                                 method, path));
    }
    /// Waits until the answer contains `text`.
    AssertionResult says_url(const std::string& node, const std::string& url, const std::string& text) {
        std::string answer;
        const bool said = wait_for(kPatience, [&] {
            answer = get(node, url);
            return answer.find(text) != std::string::npos;
        });
        return said ? AssertionSuccess() : AssertionFailure() << "no " << text << " in " << answer;
    }

    std::optional<Process> exporter_;
};

TEST_F(Exporter, AnswersWhatBrowsersAndProbesAsk) {
    ASSERT_TRUE(start("A"));
    ASSERT_TRUE(start_exporter("A"));
    EXPECT_THAT(status_of("A", "HEAD", "/metrics"),
                AllOf(StartsWith("HTTP/1.1 200 OK\n"), HasSubstr("Content-Length: "), Not(HasSubstr("sidestep_up"))));
    EXPECT_THAT(status_of("A", "GET", "/"), AllOf(StartsWith("HTTP/1.1 200 OK\n"), HasSubstr("href=\"/metrics\"")));
    EXPECT_THAT(status_of("A", "GET", "/other"), HasSubstr(" 404 Not Found\n"));
    EXPECT_THAT(shell("A", program() + " --listen 127.0.0.1:99999; echo code $?"), HasSubstr("code 2"));
}

TEST_F(Exporter, AScrapeShowsTheSessionsAsTheyAre) {
    ASSERT_TRUE(start("A"));
    ASSERT_TRUE(start_exporter("A"));
    const auto text = get("A", kMetrics);
    EXPECT_THAT(text,
                HasSubstr("sidestep_session_up{node=\"A\",session=\"A-B\",kind=\"adjacency\",interface=\"to-B\"} 1\n"));
    EXPECT_THAT(text, HasSubstr("sidestep_session_downs_total{node=\"A\",session=\"A-B\",reason=\"unanswered\"} 0\n"));
    EXPECT_THAT(text, HasSubstr("sidestep_policy_active_candidate{node=\"A\",policy="));
    EXPECT_THAT(text, HasSubstr("sidestep_session_rtt_seconds_bucket{node=\"A\",session=\"A-B\",le=\"+Inf\"} "));
    cut().cut(Direction::both);
    EXPECT_TRUE(says_url("A", kMetrics, "session=\"A-B\",kind=\"adjacency\",interface=\"to-B\"} 0\n"));
    EXPECT_TRUE(says_url("A", kMetrics, "session=\"A-B\",state=\"down\"} 1\n"));
    EXPECT_TRUE(says_url("A", kMetrics, "session=\"A-B\",reason=\"unanswered\"} 1\n"));
    ASSERT_TRUE(kill("A"));
    EXPECT_TRUE(says_url("A", kMetrics, "sidestep_up{node=\"A\"} 0\n"));
    cut().restore();
    ASSERT_TRUE(start("A"));
    EXPECT_TRUE(says_url("A", kMetrics, "session=\"A-B\",reason=\"unanswered\"} 1\n")) << "the events were kept";
}

TEST_F(Exporter, PromtoolFindsNoFault) {
    if (shell("A", "command -v promtool").empty()) GTEST_SKIP() << "the package prometheus is not installed";
    ASSERT_TRUE(start("A"));
    const auto file = lab().directory() + "/metrics.prom";
    ASSERT_EQ(shell("A", program() + " --run-dir " + run_directory("A") + " --textfile " + file), "");
    EXPECT_EQ(shell("A", "promtool check metrics < " + file), "");
    EXPECT_THAT(shell("A", "promtool check rules " SIDESTEP_SOURCE_DIR "/packaging/prometheus/sidestep.rules.yml"),
                HasSubstr("SUCCESS"));
}

// Without a lab: Prometheus itself tells which alerts these series raise.
TEST(AlertRules, FireForFailuresAndNotForDrains) {
    const auto promtool = [](const std::string& command) {
        const std::unique_ptr<FILE, int (*)(FILE*)> pipe(::popen(("promtool " + command + " 2>&1").c_str(), "r"),
                                                         ::pclose);
        std::string text;
        for (int byte = 0; pipe != nullptr && (byte = std::fgetc(pipe.get())) != EOF;) text += static_cast<char>(byte);
        return text;
    };
    if (promtool("--version").find("version") == std::string::npos)
        GTEST_SKIP() << "the package prometheus is not installed";
    EXPECT_THAT(promtool("test rules " SIDESTEP_SOURCE_DIR "/tests/net/alerts.yaml"), HasSubstr("SUCCESS"));
}

TEST_F(Exporter, PrometheusScrapesItAndAnAlertFires) {
    if (shell("A", "command -v prometheus").empty()) GTEST_SKIP() << "the package prometheus is not installed";
    ASSERT_TRUE(start("A"));
    ASSERT_TRUE(start_exporter("A"));
    const auto folder = lab().directory() + "/prometheus";
    std::filesystem::create_directory(folder);
    std::ofstream(folder + "/prometheus.yml")
        << "global: {scrape_interval: 200ms, evaluation_interval: 200ms}\n"
           "rule_files: [" SIDESTEP_SOURCE_DIR
           "/packaging/prometheus/sidestep.rules.yml]\n"
           "scrape_configs: [{job_name: sidestep, static_configs: [{targets: ['127.0.0.1:9862']}]}]\n";
    auto prometheus =
        lab().spawn("A", {"prometheus", "--config.file=" + folder + "/prometheus.yml",
                          "--storage.tsdb.path=" + folder + "/data", "--web.listen-address=127.0.0.1:9090"});
    ASSERT_TRUE(prometheus) << prometheus.error().message;
    const std::string api = "http://127.0.0.1:9090/api/v1/";
    ASSERT_TRUE(says_url("A", api + "query?query=sidestep_session_up", "\"session\":\"A-B\"")) << prometheus->output();
    for (int i = 0; i < 3; ++i) {
        cut().cut();
        ASSERT_TRUE(becomes("A", "down", "unanswered"));
        cut().restore();
        ASSERT_TRUE(becomes("A", "up"));
    }
    EXPECT_TRUE(says_url("A", api + "alerts", "\"alertname\":\"SidestepSessionFlapping\"")) << prometheus->output();
}

}  // namespace
}  // namespace sidestep::topo
