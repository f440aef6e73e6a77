// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// vtysh's ways of failing, told apart.
#include "routing/io/isis_source.hpp"

#include <utility>
#include <vector>

#include <fmt/format.h>

#include "routing/io/command.hpp"

namespace sidestep::routing {
namespace {

/// The first line of a text.
std::string first_line(const std::string& text) {
    return text.substr(0, text.find('\n'));
}

Result<std::string> ask(const IsisSourceOptions& options) {
    std::vector<std::string> arguments{options.vtysh};
    if (!options.socket_directory.empty()) {
        arguments.insert(arguments.end(), {"--vty_socket", options.socket_directory});
    }
    arguments.insert(arguments.end(), {"-d", "isisd", "-c", "show isis database detail", "-c", "show isis hostname"});
    auto output = run_command(arguments, options.timeout);
    if (!output) return fail(output.error().message + " (FRR's vtysh is needed to read its IS-IS)");
    if (output->exit_code != 0) {
        return fail(
            fmt::format("vtysh cannot reach isisd, is it running? ({})", first_line(output->err + output->out)));
    }
    return std::move(output->out);
}

}  // namespace

Result<IsisDatabase> read_isis(const IsisSourceOptions& options) {
    Result<IsisDatabase> database = fail("IS-IS was not asked");
    for (int attempt = 0; attempt < options.attempts; ++attempt) {
        const auto text = ask(options);
        if (!text) return std::unexpected(text.error());
        database = parse_isis_database(*text, options.level);
        if (database) break;
    }
    return database;
}

Result<bool> IsisSource::refresh() {
    auto database = read_isis(options_);
    if (!database) return std::unexpected(database.error());
    if (current_ && *database == database_) return false;
    current_ = graph_of(*database, plan_);
    database_ = std::move(*database);
    return true;
}

}  // namespace sidestep::routing
