// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "exporter/collector.hpp"

#include <cstdio>
#include <filesystem>
#include <set>
#include <utility>

#include "cli/client.hpp"
#include "common/file.hpp"
#include "common/run_directory.hpp"
#include "exporter/metrics.hpp"

namespace sidestep::exporter {
namespace {

using nlohmann::json;

constexpr mode_t kForAllToRead = 0644;
constexpr std::chrono::milliseconds kPatience{2000};  // less than the time-out of a scrape (10 s)

NodeAnswers ask_node(const std::string& socket) {
    NodeAnswers answers{.node = std::filesystem::path(socket).stem().string()};
    auto client = Client::connect(reading_socket(socket), kPatience);
    const auto ask = [&](const char* command, json& into) {
        auto answer = client->ask({{"command", command}}, kPatience);
        if (answer) into = std::move(*answer);
        return answer ? std::string() : answer.error().message;
    };
    answers.silence = client ? ask("status", answers.status) : client.error().message;
    if (!answers.silence.empty()) return answers;
    answers.silence = ask("metrics", answers.metrics);
    (void)ask("routing", answers.routing);  // an error of a node without
    return answers;
}

/// Why there is nothing to find in a directory; empty: there may be.
std::string why_unseen(const std::string& run_dir) {
    std::error_code error;
    const std::filesystem::directory_iterator look(run_dir, error);
    return error ? error.message() : "";
}

/// The sockets of nodes; also of those whose detector has left everything in place for a successor that did not come.
std::set<std::string> sockets_of(const std::string& run_dir) {
    const auto present = find_sockets(run_dir);
    std::set<std::string> sockets(present.begin(), present.end());
    for (const auto& state : paths_with(run_dir, ".state"))
        sockets.insert(std::filesystem::path(state).replace_extension(".sock").string());
    return sockets;
}

/// A file is replaced as a whole: what is no file, such as /dev/stdout, would be gone.
Result<void> check_replaceable(const std::string& path) {
    std::error_code ignored;
    const auto type = std::filesystem::symlink_status(path, ignored).type();
    if (type == std::filesystem::file_type::regular || type == std::filesystem::file_type::not_found) return {};
    return fail(path + ": is there and is no regular file; name a file that may be replaced");
}

}  // namespace

std::vector<std::string> Collector::collect() {
    std::vector<NodeAnswers> nodes;
    note(run_dir_, why_unseen(run_dir_));
    const auto sockets = node_.empty() ? sockets_of(run_dir_) : std::set{run_dir_ + "/" + node_ + ".sock"};
    for (const auto& socket : sockets) {
        nodes.push_back(ask_node(socket));
        note("node " + nodes.back().node, nodes.back().silence);
    }
    return metrics_of(nodes);
}

void Collector::note(const std::string& about, const std::string& trouble) {
    const std::lock_guard guard(mutex_);
    auto& known = troubles_[about];
    if (known == trouble) return;
    known = trouble;
    log_(about + ": " + (trouble.empty() ? "answers again" : trouble));
}

Result<void> write_textfile(const std::string& path, const std::vector<std::string>& families) {
    std::string text;
    for (const auto& family : families) text += family;
    if (path == "-") {
        const bool written =
            std::fwrite(text.data(), 1, text.size(), stdout) == text.size() && std::fflush(stdout) == 0;
        return written ? Result<void>() : fail_errno("cannot write to standard output");
    }
    if (auto possible = check_replaceable(path); !possible) return possible;
    return replace_file(path, text, kForAllToRead);
}

}  // namespace sidestep::exporter
