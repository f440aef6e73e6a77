// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "exporter/collector.hpp"

#include <sys/stat.h>

#include <cstdio>
#include <filesystem>
#include <set>

#include <unistd.h>

#include "cli/client.hpp"
#include "common/file.hpp"
#include "common/run_directory.hpp"
#include "exporter/metrics.hpp"

namespace sidestep::exporter {
namespace {

using nlohmann::json;

constexpr std::chrono::milliseconds kPatience{2000};  // less than the time-out of a scrape (10 s)

json ask(Client& client, const char* command) {
    auto answer = client.ask({{"command", command}}, kPatience);
    return answer ? std::move(*answer) : json();  // as `routing` of a node without
}

NodeAnswers ask_node(const std::string& socket) {
    NodeAnswers answers{.node = std::filesystem::path(socket).stem().string()};
    auto client = Client::connect(reading_socket(socket), kPatience);
    if (!client) return answers;
    answers.status = ask(*client, "status");
    if (answers.status.is_null()) return answers;
    answers.metrics = ask(*client, "metrics");
    answers.routing = ask(*client, "routing");
    return answers;
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

std::vector<std::string> Collector::collect() const {
    std::vector<NodeAnswers> nodes;
    const auto sockets = node_.empty() ? sockets_of(run_dir_) : std::set{run_dir_ + "/" + node_ + ".sock"};
    for (const auto& socket : sockets) nodes.push_back(ask_node(socket));
    return metrics_of(nodes);
}

Result<void> write_textfile(const std::string& path, const std::vector<std::string>& families) {
    if (auto possible = check_replaceable(path); !possible) return possible;
    std::string text;
    for (const auto& family : families) text += family;
    const auto draft = path + ".draft";
    if (auto written = replace_file(draft, text); !written) return written;
    if (::chmod(draft.c_str(), 0644) == 0 && ::rename(draft.c_str(), path.c_str()) == 0) return {};
    const auto failure = fail_errno(path);
    ::unlink(draft.c_str());
    return failure;
}

}  // namespace sidestep::exporter
