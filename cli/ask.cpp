// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "cli/ask.hpp"

#include <cstdio>
#include <utility>

#include <fmt/format.h>

namespace sidestep {

using nlohmann::json;

Client connect(const DaemonOptions& options, ExitCode exit_code) {
    auto client = connect_as_allowed(choose_socket(options, exit_code));
    if (!client) give_up(exit_code, client.error().message);
    return std::move(*client);
}

json ask(const DaemonOptions& options, const json& request) {
    auto answer = connect(options).ask(request);
    if (!answer) give_up(kExitFailure, answer.error().message);
    return std::move(*answer);
}

void print(const std::string& text) {
    fmt::print("{}", text);
    if (std::fflush(stdout) != 0) give_up(kExitFailure, "cannot write to standard output");
}

std::string json_text(const json& value, int indent) {
    return value.dump(indent, ' ', false, json::error_handler_t::replace) + '\n';
}

}  // namespace sidestep
